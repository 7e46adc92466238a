//! The page that most people see first, taken over in a task of its own: what stands around it is alive by then.

use leptos::prelude::*;
use leptos_router::ChooseView;

use ui::turns::pause;

/// A page for a route.
#[derive(Clone, Copy)]
pub struct InOwnTask<F>(pub F);

impl<F, V> ChooseView for InOwnTask<F>
where
    F: Fn() -> V + Send + Clone + 'static,
    V: IntoView + 'static,
{
    async fn choose(self) -> AnyView {
        (self.0)().into_any()
    }

    // The router waits for this before it takes over; afterwards it waits for nothing.
    async fn preload(&self) {
        pause().await;
    }
}
