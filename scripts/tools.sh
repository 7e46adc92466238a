#!/usr/bin/env bash
# Installs the tools that the build needs: Rust's wasm target, and inside the repository from npm Tailwind, wasm-opt
# and the font. Fast if nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

require() {
  command -v "$1" >/dev/null || { echo "error: $1 is missing; $2" >&2; exit 1; }
}

wasm_target() {
  command -v rustup >/dev/null || return 0 # a distribution's Rust brings its targets as packages
  rustup target list --installed | grep -qx wasm32-unknown-unknown && return 0
  say "Adding Rust's wasm32-unknown-unknown target"
  rustup target add wasm32-unknown-unknown
}

npm_packages() {
  local stamp=node_modules/.lock-stamp
  cmp -s package-lock.json "$stamp" && return 0
  say "Installing the npm packages of package-lock.json"
  npm ci --silent
  cp package-lock.json "$stamp"
}

# The font is copied to the public files, so that `cargo leptos` finds it too.
font() {
  local source=node_modules/@fontsource-variable/inter target=public/fonts
  cmp -s "$source/LICENSE" "$target/LICENSE" && [ -s "$target/inter.woff2" ] && return 0
  mkdir -p "$target"
  cp "$source/files/inter-latin-wght-normal.woff2" "$target/inter.woff2"
  cp "$source/LICENSE" "$target/LICENSE"
}

require cargo "install Rust: https://rustup.rs"
require npm "install Node.js 20 or newer with npm"
wasm_target
npm_packages
font
