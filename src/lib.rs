//! LLM Benchmark Studio: benchmarks language models on real endpoints.
//!
//! Each capability is a module. Modules without a `cfg` are also compiled for the browser. See
//! `docs/architecture.md`.

// The app is not a library for others: only the crates under `crates/` document every public item.
#![allow(missing_docs)]
// A page's markup is one type, and large pages are deeply nested.
#![recursion_limit = "256"]

pub mod admin;
pub mod app;
pub mod benchmark;
pub mod history;
pub mod prompts;
pub mod providers;

pub use platform::{accounts, jobs, limits, live, messages, times};
#[cfg(feature = "ssr")]
pub use platform::{database, http, mail};

#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod server;

/// Hydrates the page that the server rendered. Called once, by the browser.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    ui::hydration::yield_to_browser().await;
    let Some(body) = leptos::prelude::document().body() else { return };
    let app = || {
        live::browser::provide_connected_stream();
        app::App()
    };
    leptos::mount::hydrate_from_async(body, app).await.forget();
    ui::hydration::run_deferred().await;
    ui::layout::mark_interactive();
}
