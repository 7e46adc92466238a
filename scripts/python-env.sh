#!/bin/sh
# Creates the Python environment of the tests, .cache/venv, from tests/requirements.txt. Does nothing if it is
# up to date.
set -eu

root=$(dirname "$0")/..
venv=$root/.cache/venv
wanted=$root/tests/requirements.txt

if [ -x "$venv/bin/python" ] && cmp -s "$wanted" "$venv/installed.txt"; then exit 0; fi

if [ ! -x "$venv/bin/pip" ]; then
    echo "python-env: creating a Python environment in .cache/venv" >&2
    mkdir -p "$root/.cache"
    python3 -m venv "$venv" || {
        rm -rf "$venv"
        echo "python-env: python3 cannot create environments; on Debian: apt install python3-venv" >&2
        exit 1
    }
fi
echo "python-env: installing tests/requirements.txt" >&2
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2
cp "$wanted" "$venv/installed.txt"
