#!/usr/bin/env bash
# Measures the measuring client against the mock (benches/client.rs). CASE=word runs only the cases
# whose name contains the word. Wants an otherwise idle machine; the busy cases want root.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "==> Compiling the benches"
exec cargo bench --locked --features ssr --bench client -- "${CASE:-}"
