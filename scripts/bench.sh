#!/usr/bin/env bash
# Measures the measuring client against the mock and beside blocking sockets (benches/client.rs), how fast
# a result reaches the tabs
# (benches/live.rs), and what the server takes and costs (benches/server.rs, which wants a built site).
# CASE=word runs only the cases whose name contains the word: `live`, `server` (or of it `idle`, `page`,
# `added`), anything else of the client's. Wants an otherwise idle machine; the busy cases want root.
# CASE=million fills databases with a million runs first (benches/million.rs), which takes minutes.
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
