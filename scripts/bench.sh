#!/usr/bin/env bash
# Measures the measuring client against the mock (benches/client.rs), what measuring through the server
# costs (benches/server.rs), and how fast a result reaches the tabs (benches/live.rs). CASE=word runs only
# the cases whose name contains the word, CASE=server and CASE=live only those two. Wants an otherwise idle machine; the busy cases want root.
set -euo pipefail
cd "$(dirname "$0")/.."
case="${CASE:-}"
echo "==> Compiling the benches"
cargo bench --locked --features ssr --bench client --bench live --bench server --no-run
cargo bench --locked --features ssr --bench live -- "$case"
cargo bench --locked --features ssr --bench server -- "$case"
[[ $case == live || $case == server ]] || exec cargo bench --locked --features ssr --bench client -- "$case"
