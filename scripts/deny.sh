#!/usr/bin/env bash
# Checks licences, bans and sources of all dependencies, and known advisories if their database can be reached.
# Does nothing unless cargo-deny is installed; compiling it would take longer than all tests.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo-deny >/dev/null; then
  echo "==> Skipping licences and advisories: cargo-deny is not installed (cargo binstall cargo-deny)"
  exit 0
fi
echo "==> Checking licences, bans and sources"
cargo deny --all-features check licenses bans sources
echo "==> Checking advisories"
if ! cargo deny --all-features fetch db; then
  echo "==> Skipping advisories: cannot reach the advisory database"
  exit 0
fi
cargo deny --all-features check --disable-fetch advisories
