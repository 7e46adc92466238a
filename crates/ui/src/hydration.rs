//! Incremental hydration.
//!
//! Hydrating a whole page is one long task, during which a slow phone reacts to no input. Each part inside
//! [`Deferred`] is hydrated in a task of its own.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "hydrate")]
pub use browser::{all_hydrated, run_deferred};

/// A part of the page that is hydrated in a task of its own, after its surroundings. It must be one element and
/// must not load resources: resources are numbered in the order of the page, and the browser has to assign the
/// same numbers as the server.
#[component]
pub fn Deferred<V>(children: TypedChildren<V>) -> impl IntoView
where
    V: IntoView + Send + 'static,
{
    part(children)
}

/// Yields to the browser and continues in a new task.
#[cfg(feature = "hydrate")]
pub async fn yield_to_browser() {
    gloo_timers::future::sleep(std::time::Duration::ZERO).await;
}

/// Does nothing on the server.
#[cfg(not(feature = "hydrate"))]
pub async fn yield_to_browser() {}

#[cfg(feature = "hydrate")]
fn part<V: IntoView + Send + 'static>(children: TypedChildren<V>) -> impl IntoView {
    use super::sync_view::IntoSyncAny;

    let children = children.into_inner();
    browser::Part::new(move || children().into_sync_any())
}

#[cfg(not(feature = "hydrate"))]
fn part<V: IntoView + Send + 'static>(children: TypedChildren<V>) -> impl IntoView {
    children.into_inner()()
}
