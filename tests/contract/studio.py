"""What the tests of scripts share: sessions that keep cookies, and sockets."""

import json
import os
import time

import requests
from websockets.sync.client import connect

URL = os.environ["STUDIO_URL"].rstrip("/")
SOCKET = URL.replace("http", "ws", 1) + "/ws"
PASSWORD = "TestPass123!"
ENDED = {"done", "failed", "cancelled"}


class Client(requests.Session):
    """A session with the server's address in front of each path."""

    def request(self, method, path, **arguments):
        return super().request(method, URL + path, timeout=30, **arguments)

    def ok(self, method, path, body=None, status=200):
        answer = self.request(method, path, json=body)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def status(self, method, path, body=None):
        return self.request(method, path, json=body).status_code


def sign_up(email):
    """Registers, or signs in where the account exists; returns a client with a bearer token and cookies."""
    client = Client()
    account = {"email": email, "password": PASSWORD}
    answer = client.post("/api/auth/register", json=account)
    if answer.status_code == 409:
        answer = client.post("/api/auth/login", json=account)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    client.user = answer.json()["user"]
    return client


def events_until(socket, names, job=None):
    """Returns the messages of a socket up to the first of one of these types (about this job)."""
    received = []
    while True:
        message = json.loads(socket.recv(timeout=30))
        received.append(message)
        if message["type"] in names and job in (None, message.get("job_id")):
            return received


def finished(client, job):
    """Waits for the end of a job."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        state = client.ok("GET", f"/api/jobs/{job}")
        if state["status"] in ENDED:
            return state
        time.sleep(0.05)
    raise AssertionError(f"the job does not end: {state}")


def bearer(client):
    return client.headers["Authorization"].removeprefix("Bearer ")


def open_socket(client, path="", **arguments):
    headers = {} if path or "subprotocols" in arguments else {"Authorization": client.headers["Authorization"]}
    return connect(SOCKET + path, additional_headers=headers, **arguments)
