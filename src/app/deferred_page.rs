//! The page that most people see first, taken over in a task of its own: what stands around it is alive by then.

use leptos::prelude::*;
use leptos_router::ChooseView;

use ui::hydration::yield_to_browser;

/// A page for a route.
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

    // The router waits for this before it takes over; afterwards it waits for nothing.
    async fn preload(&self) {
        yield_to_browser().await;
    }
}
