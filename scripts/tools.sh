#!/usr/bin/env bash
# Installs the tools that the build needs, inside the repository: the wasm target, wasm-bindgen (in
# .cache/tools), and from npm Tailwind, wasm-opt and the font. Fast if nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="${TOOLS_DIR:-$PWD/.cache/tools}"

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

# Usage: cargo_tool NAME CRATE VERSION [OPTION…]
cargo_tool() {
  local name=$1 crate=$2 version=$3
  local install=(cargo install --quiet --force --root "$tools" "$crate" --version "$version" "${@:4}")
  say "Compiling $name $version (once, about two minutes; unoptimised, it runs for seconds)"
  export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256
  "${install[@]}" --locked && return 0
  say "This registry lacks a crate of its lock file; resolving without it"
  "${install[@]}"
}

version_of() {
  awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/version = |"/, ""); print }' Cargo.lock
}

# The version must be exactly the library's, because they share a private format.
wasm_bindgen() {
  local version
  version=$(version_of wasm-bindgen)
  [ "$("$tools/bin/wasm-bindgen" --version 2>/dev/null)" = "wasm-bindgen $version" ] && return 0
  if command -v cargo-binstall >/dev/null; then
    say "Fetching a prebuilt wasm-bindgen $version"
    cargo binstall --no-confirm --disable-strategies compile --root "$tools" "wasm-bindgen-cli@$version" && return 0
  fi
  cargo_tool wasm-bindgen wasm-bindgen-cli "$version"
}

# Splits the client by route. Its version must match the library's as well.
wasm_split() {
  local version
  version=$(version_of wasm_split_helpers)
  grep -qs "^\"wasm_split_cli_support $version " "$tools/.crates.toml" && return 0
  cargo_tool wasm-split wasm_split_cli_support "$version" --features build-binary
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
wasm_bindgen
wasm_split
npm_packages
font
