"""Measures how long the product takes to build, as ratios to a bare Leptos and axum application.

    make build-times

Both are built from nothing on this machine, one after the other: the bare application with its server in
release and its WebAssembly client in release, then what `make run` builds (tools, server, client, style
sheet, site) in an empty target directory. Then one line of a page is changed and built again, and one line of
the crate `stats` is changed and its tests are run. Prints wall time, CPU time and the largest process of each.
Wants an otherwise idle machine and downloads crates first, so that the network is not measured.
"""

import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

CARGO = """[package]
name = "hello"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib", "rlib"]

[features]
hydrate = ["leptos/hydrate", "dep:wasm-bindgen", "dep:console_error_panic_hook"]
ssr = ["dep:axum", "dep:tokio", "dep:leptos_axum", "leptos/ssr", "leptos_meta/ssr", "leptos_router/ssr"]

[dependencies]
axum = { version = "0.8", optional = true }
console_error_panic_hook = { version = "0.1", optional = true }
leptos = "0.8"
leptos_axum = { version = "0.8", optional = true }
leptos_meta = "0.8"
leptos_router = "0.8"
tokio = { version = "1", features = ["rt-multi-thread", "macros", "net"], optional = true }
wasm-bindgen = { version = "0.2", optional = true }

[workspace]
"""

LIB = """use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::{StaticSegment, components::{Route, Router, Routes}};

pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head><AutoReload options=options.clone() /><HydrationScripts options /><MetaTags /></head>
            <body><App /></body>
        </html>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! { <Router><Routes fallback=|| "Not found"><Route path=StaticSegment("") view=Home /></Routes></Router> }
}

#[component]
fn Home() -> impl IntoView {
    let count = RwSignal::new(0);
    view! { <h1>"Hello"</h1><button on:click=move |_| *count.write() += 1>"Clicks: " {count}</button> }
}

#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}
"""

MAIN = """#[cfg(feature = "ssr")]
#[tokio::main]
async fn main() {
    use leptos::prelude::*;
    use leptos_axum::{LeptosRoutes, generate_route_list};
    let options = get_configuration(None).unwrap().leptos_options;
    let routes = generate_route_list(hello::App);
    let app = axum::Router::new()
        .leptos_routes(&options, routes, { let options = options.clone(); move || hello::shell(options.clone()) })
        .fallback(leptos_axum::file_and_error_handler(hello::shell))
        .with_state(options.clone());
    let listener = tokio::net::TcpListener::bind(&options.site_addr).await.unwrap();
    axum::serve(listener, app.into_make_service()).await.unwrap();
}

#[cfg(not(feature = "ssr"))]
fn main() {}
"""


def measure(title, *commands, cwd, env):
    """Runs the commands one after the other; returns their wall time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    for command in commands:
        done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr.decode()[-2000:]}")
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Linux: kilobytes, of the largest process that has ended so far.
    peak = after.ru_maxrss / 1e6
    print(f"{title:58} {wall:8.1f} s {cpu:9.1f} s CPU {peak:6.2f} GB largest process", flush=True)
    return wall


def with_changed_line(path, old, new, build):
    text = path.read_text()
    if old not in text:
        sys.exit(f"error: {path} has no {old!r} any more; name another line in scripts/build_times.py")
    path.write_text(text.replace(old, new, 1))
    try:
        return build()
    finally:
        path.write_text(text)


def hello(directory, env):
    app = directory / "hello"
    (app / "src").mkdir(parents=True)
    (app / "Cargo.toml").write_text(CARGO)
    (app / "src" / "lib.rs").write_text(LIB)
    (app / "src" / "main.rs").write_text(MAIN)
    # The same versions of shared dependencies.
    shutil.copy(ROOT / "Cargo.lock", app / "Cargo.lock")
    subprocess.run(["cargo", "fetch"], cwd=app, env=env, check=True, capture_output=True)
    env = {**env, "CARGO_TARGET_DIR": str(directory / "hello-target")}
    return measure(
        "bare Leptos and axum application, from nothing",
        ["cargo", "build", "--release", "--bin", "hello", "--features", "ssr"],
        ["cargo", "build", "--release", "--lib", "--features", "hydrate", "--target", "wasm32-unknown-unknown"],
        cwd=app,
        env=env,
    )


def product(directory, env):
    clone = directory / "product"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run(["cargo", "fetch", "--locked"], cwd=clone, env=env, check=True, capture_output=True)
    env = {**env, "CARGO_TARGET_DIR": str(directory / "target"), "TOOLS_DIR": str(directory / "tools")}
    tools = measure("tools of `make run`, from nothing", ["make", "tools"], cwd=clone, env=env)
    build = measure("server, client and site, from nothing", ["make", "build"], cwd=clone, env=env)
    again = measure("the same again, nothing changed", ["make", "build"], cwd=clone, env=env)
    page = clone / "src" / "history" / "page.rs"
    changed = with_changed_line(
        page, '<Title text="History" />', '<Title text="Earlier benchmarks" />',
        lambda: measure("one line of a page changed", ["make", "build"], cwd=clone, env=env),
    )
    tests = ["cargo", "test", "--locked", "-p", "stats", "--features", "server"]
    subprocess.run(tests, cwd=clone, env=env, check=True, capture_output=True)
    stats = with_changed_line(
        clone / "crates" / "stats" / "src" / "order.rs", "//!", "//! One more.\n//!",
        lambda: measure("one line of crates/stats changed, its tests", tests, cwd=clone, env=env),
    )
    return tools + build, again, changed, stats


def main():
    env = {**os.environ, "CARGO_INCREMENTAL": "0"}
    env.pop("RUSTFLAGS", None)
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        bare = hello(directory, env)
        first, again, changed, stats = product(directory, env)
    print()
    print(f"first build / bare application        {first / bare:5.2f}  (limit: 3.0)")
    print(f"page changed / bare application       {changed / bare:5.2f}  (limit: 0.35)")
    print(f"nothing changed                       {again:5.1f} s (limit, including the start: 10 s)")
    print(f"tests of a changed statistics crate   {stats:5.1f} s (limit: 20 s)")


if __name__ == "__main__":
    main()
