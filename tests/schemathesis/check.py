"""Creates an account on the server at STUDIO_URL and runs Schemathesis against it."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = os.environ["STUDIO_URL"]
CONFIG = Path(__file__).with_name("schemathesis.toml")


def post(path, body, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(ROOT + path, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def main():
    # The first user is an admin, who may call every operation.
    account = {"email": "schemathesis@example.org", "password": "correct horse battery staple"}
    session = post("/api/auth/register", account)["access_token"]
    # A separate token, which stays valid if the session ends.
    token = post("/api/auth/tokens", {"name": "Schemathesis"}, session)["token"]
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG]
    command += ["run", f"{ROOT}/api/openapi.json"]
    # Reports and caches are written to a temporary directory.
    with tempfile.TemporaryDirectory() as place:
        return subprocess.run(command, cwd=place, env=os.environ | {"TOKEN": token}).returncode


if __name__ == "__main__":
    sys.exit(main())
