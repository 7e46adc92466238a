#!/usr/bin/env bash
# Runs the browser tests of end2end/ in Chromium against the server that `make build` built. Arguments are
# passed to Playwright.
set -euo pipefail
cd "$(dirname "$0")/.."

find_chromium() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

if [ -z "${CHROMIUM:-}" ] && ! CHROMIUM=$(find_chromium); then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: Chromium is missing; install it (on Debian: apt install chromium) or set CHROMIUM to its path" >&2
    exit 1
  fi
  echo "==> Installing Chromium"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium >/dev/null
  CHROMIUM=$(find_chromium)
fi
export CHROMIUM
export SERVER_BINARY="${SERVER_BINARY:-${CARGO_TARGET_DIR:-target}/release/llm-studio}"

scripts/python-env.sh
echo "==> Running the browser tests in $CHROMIUM"
exec node_modules/.bin/playwright test --config end2end "$@"
