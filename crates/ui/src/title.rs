//! The title of the document. Leptos writes it as it is, so only these components may set it.

use leptos::prelude::*;
use leptos::text_prop::TextProp;
use leptos_meta::Title;

use crate::raw_text::escaped;

/// Appends the app's name to the title of every page. Rendered once, around all pages.
#[component]
pub fn AppTitle(
    /// The app's name.
    name: &'static str,
) -> impl IntoView {
    view! { <Title formatter=move |page: String| format!("{} · {name}", escaped(&page)) /> }
}

/// Sets the title of the page.
#[component]
pub fn PageTitle(
    /// The title: any text.
    #[prop(into)]
    text: TextProp,
) -> impl IntoView {
    view! { <Title text /> }
}
