//! Taking over a page in turns.
//!
//! The script that takes over what the server rendered would otherwise be one long task, during which a slow
//! phone neither scrolls nor hears its user. Parts that stand in [`Deferred`] get a task each.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "hydrate")]
pub use browser::{all_hydrated, run_deferred};

/// A part of the page that the browser takes over in a task of its own, after what stands around it. One
/// element, and nothing inside that is loaded: the server numbers what it loads in the order in which it
/// stands on the page, and the browser has to count alike.
#[component]
pub fn Deferred<V>(children: TypedChildren<V>) -> impl IntoView
where
    V: IntoView + Send + 'static,
{
    part(children)
}

/// Lets the browser do what waits, and goes on in another task.
#[cfg(feature = "hydrate")]
pub async fn yield_to_browser() {
    gloo_timers::future::sleep(std::time::Duration::ZERO).await;
}

/// On the server nothing waits for the page.
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
