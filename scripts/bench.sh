#!/usr/bin/env bash
# Measures the measuring client against the mock (benches/client.rs), and how fast a result reaches the
# tabs (benches/live.rs). CASE=word runs only the cases whose name contains the word, CASE=live only the
# latter. Wants an otherwise idle machine; the busy cases want root.
set -euo pipefail
cd "$(dirname "$0")/.."
case="${CASE:-}"
echo "==> Compiling the benches"
cargo bench --locked --features ssr --bench client --bench live --no-run
cargo bench --locked --features ssr --bench live -- "$case"
[[ $case == live ]] || exec cargo bench --locked --features ssr --bench client -- "$case"
