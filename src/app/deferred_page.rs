//! A page that hydrates in a task of its own, after the frame around it.

use leptos::prelude::*;
use leptos_router::ChooseView;

use ui::hydration::yield_to_browser;

/// The page of a route.
#[derive(Clone, Copy)]
pub struct DeferredPage<F>(pub F);

impl<F, V> ChooseView for DeferredPage<F>
where
    F: Fn() -> V + Send + Clone + 'static,
    V: IntoView + 'static,
{
    async fn choose(self) -> AnyView {
        (self.0)().into_any()
    }

    // The router awaits this before hydration; later navigation does not wait.
    async fn preload(&self) {
        yield_to_browser().await;
    }
}
