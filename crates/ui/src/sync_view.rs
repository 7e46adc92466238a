//! Type-erased views that hydrate synchronously.
//!
//! Only views that contain the router have to wait during hydration, for the code of the page. Leptos compiles
//! asynchronous hydration into every element of every erased view; without it the first page's code is 10 %
//! smaller.

use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::prelude::*;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::ssr::StreamBuilder;
use leptos::tachys::view::{Position, PositionState};

/// Erases the type of views that do not contain a router.
pub trait IntoSyncAny {
    /// Erases the view's type like [`into_any`](IntoAny::into_any), without the code for asynchronous
    /// hydration.
    fn into_sync_any(self) -> AnyView;
}

impl<V: RenderHtml + Send + 'static> IntoSyncAny for V {
    fn into_sync_any(self) -> AnyView {
        SyncView(self).into_any()
    }
}

/// Wraps a view with the default [`RenderHtml::hydrate_async`], which hydrates synchronously.
struct SyncView<V>(V);

impl<V: Render> Render for SyncView<V> {
    type State = V::State;

    fn build(self) -> Self::State {
        self.0.build()
    }

    fn rebuild(self, state: &mut Self::State) {
        self.0.rebuild(state);
    }
}

impl<V: RenderHtml> AddAnyAttr for SyncView<V> {
    type Output<A: Attribute> = SyncView<V::Output<A>>;

    fn add_any_attr<A: Attribute>(self, attribute: A) -> Self::Output<A>
    where
        Self::Output<A>: RenderHtml,
    {
        SyncView(self.0.add_any_attr(attribute))
    }
}

impl<V: RenderHtml> RenderHtml for SyncView<V> {
    type AsyncOutput = V::AsyncOutput;
    type Owned = SyncView<V::Owned>;

    const MIN_LENGTH: usize = V::MIN_LENGTH;
    const EXISTS: bool = V::EXISTS;

    fn dry_resolve(&mut self) {
        self.0.dry_resolve();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        self.0.resolve().await
    }

    fn html_len(&self) -> usize {
        self.0.html_len()
    }

    fn to_html_with_buf(
        self,
        html: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        attributes: Vec<AnyAttribute>,
    ) {
        self.0.to_html_with_buf(html, position, escape, mark_branches, attributes);
    }

    fn to_html_async_with_buf<const OUT_OF_ORDER: bool>(
        self,
        html: &mut StreamBuilder,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        attributes: Vec<AnyAttribute>,
    ) {
        self.0.to_html_async_with_buf::<OUT_OF_ORDER>(html, position, escape, mark_branches, attributes);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        self.0.hydrate::<FROM_SERVER>(cursor, position)
    }

    fn into_owned(self) -> Self::Owned {
        SyncView(self.0.into_owned())
    }
}
