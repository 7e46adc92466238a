//! A link that was just made.

use leptos::prelude::*;

/// A link to pass on, which is shown this once. `what` it is stands in the middle of a sentence.
#[component]
pub fn FreshLink(path: String, what: &'static str) -> impl IntoView {
    view! {
        <p class="mt-3" role="status">
            "Copy the address of "
            <a class="link" href=path rel="external">
                {what}
            </a>
            " now: it is shown this once."
        </p>
    }
}
