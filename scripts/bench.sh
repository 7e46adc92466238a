#!/usr/bin/env bash
# Measures the client against the mock and compared with blocking sockets (benches/client.rs), the delay of a
# result to the tabs (benches/live.rs), and the capacity and cost of the server (benches/server.rs, which needs
# a built site). CASE=word runs only the cases whose name contains the word: `live`, `server` (of it also
# `idle`, `page`, `added`), all others are cases of the client. Needs an otherwise idle machine; the busy cases
# need root.
# CASE=million first fills databases with a million runs (benches/million.rs), which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
case="${CASE:-}"
if [ "$case" = million ]; then
  exec scripts/postgres.sh cargo bench --locked --no-default-features --features ssr --bench million -- million
fi
echo "==> Compiling the benches"
cargo bench --locked --no-default-features --features ssr --bench client --bench live --bench server --no-run
cargo bench --locked --no-default-features --features ssr --bench live -- "$case"
cargo bench --locked --no-default-features --features ssr --bench server -- "$case"
case $case in
  live | server | idle | page | added) ;;
  *) cargo bench --locked --no-default-features --features ssr --bench client -- "$case" ;;
esac
