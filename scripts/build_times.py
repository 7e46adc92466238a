"""Measures how long the product takes to build, as ratios to a bare Leptos and axum application.

    make build-times

Both are built from nothing on this machine, one after the other: the bare application with its server in
release and its WebAssembly client in release, then `make run` in a new clone with an empty target directory,
until it serves the sign-in page. `make run` is timed again with nothing changed and with one line of a page
changed. Last, one line of the crate `stats` is changed and its tests are run, and `make dev` is timed, from
nothing and with one line of a page changed. Prints wall time, CPU time and the largest process so far of each.
Wants an otherwise idle machine and downloads crates first, so that the network is not measured.
"""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

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
    def run():
        for command in commands:
            done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if done.returncode != 0:
                sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr.decode()[-2000:]}")
    return timed(title, run)


def measure_start(title, target, cwd, env):
    """Runs `make run` or `make dev` until it serves the sign-in page; returns that time in seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**env, "PORT": str(port)}

    def run():
        with tempfile.TemporaryFile() as log:
            server = subprocess.Popen(["make", target], cwd=cwd, env=env, stdout=log, stderr=log, start_new_session=True)
            try:
                while not serves(port):
                    if server.poll() is not None:
                        log.seek(0)
                        sys.exit(f"error: make {target} ended:\n{log.read().decode()[-2000:]}")
                    time.sleep(0.05)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGTERM)
                server.wait()
    return timed(title, run)


def serves(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=10) as page:
            return page.status == 200
    except OSError:
        return False


def timed(title, run):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    run()
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
    env = {**env, "CARGO_TARGET_DIR": str(directory / "target"), "STUDIO_DATA": str(directory / "data")}
    first = measure_start("`make run`, from nothing", "run", clone, env)
    again = measure_start("`make run`, nothing changed", "run", clone, env)
    page = clone / "src" / "history" / "page.rs"
    changed_title = ('<Title text="History" />', '<Title text="Earlier benchmarks" />')
    changed = with_changed_line(
        page, *changed_title, lambda: measure_start("`make run`, one line of a page changed", "run", clone, env)
    )
    tests = ["cargo", "test", "--locked", "-p", "stats", "--features", "server"]
    subprocess.run(tests, cwd=clone, env=env, check=True, capture_output=True)
    stats = with_changed_line(
        clone / "crates" / "stats" / "src" / "order.rs", "//!", "//! One more.\n//!",
        lambda: measure("one line of crates/stats changed, its tests", tests, cwd=clone, env=env),
    )
    measure_start("`make dev`, from nothing", "dev", clone, env)
    dev = with_changed_line(
        page, *changed_title, lambda: measure_start("`make dev`, one line of a page changed", "dev", clone, env)
    )
    return first, again, changed, stats, dev


def main():
    env = {name: value for name, value in os.environ.items() if name not in ("CARGO_INCREMENTAL", "RUSTFLAGS")}
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        bare = hello(directory, env)
        first, again, changed, stats, dev = product(directory, env)
    print()
    print(f"first `make run` / bare application    {first / bare:5.2f}  (limit: 3.0)")
    print(f"page changed / bare application        {changed / bare:5.2f}  (limit: 0.35)")
    print(f"nothing changed                        {again:5.1f} s (limit: 10 s)")
    print(f"page changed, `make dev`               {dev:5.1f} s (limit: 40 s)")
    print(f"tests of a changed statistics crate    {stats:5.1f} s (limit: 20 s)")


if __name__ == "__main__":
    main()
