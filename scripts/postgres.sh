#!/usr/bin/env bash
# Runs a command with a temporary PostgreSQL server on loopback. Its URL is in TEST_DATABASE_URL and its files
# in a temporary directory that is deleted afterwards. If TEST_DATABASE_URL is already set, that server is used.
# scripts/postgres.sh cargo test …
set -euo pipefail
cd "$(dirname "$0")/.."

[ -n "${TEST_DATABASE_URL:-}" ] && exec "$@"

find_bin() {
  dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb 2>/dev/null | tail -n 1)"
}

bin=$(find_bin)
if [ ! -x "$bin/initdb" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: PostgreSQL is missing; install it (on Debian: apt install postgresql) or set TEST_DATABASE_URL to a server's URL" >&2
    exit 1
  fi
  echo "==> Installing PostgreSQL"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends postgresql >/dev/null
  bin=$(find_bin)
fi

dir=$(mktemp -d)
as_owner=()
# PostgreSQL does not run as root.
if [ "$(id -u)" = 0 ]; then
  chown postgres "$dir"
  as_owner=(runuser -u postgres --)
fi
stop() {
  "${as_owner[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap stop EXIT

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
cd "$dir"
"${as_owner[@]}" "$bin/initdb" -D "$dir/data" -U studio --auth=trust --no-sync >/dev/null
# Durability is not needed for tests.
"${as_owner[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w start \
  -o "-h 127.0.0.1 -p $port -k '' -c fsync=off -c max_connections=200" >/dev/null || { cat "$dir/log" >&2; exit 1; }
cd "$OLDPWD"
TEST_DATABASE_URL="postgres://studio@127.0.0.1:$port/postgres" "$@"
