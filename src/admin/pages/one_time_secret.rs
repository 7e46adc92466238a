//! A one-time link, shown once after it was created.

use leptos::prelude::*;

/// A one-time link to copy. `what` is its name within a sentence.
#[component]
pub fn OneTimeLink(path: String, what: &'static str) -> impl IntoView {
    view! {
        <p class="mt-3" role="status">
            "Copy the address of "
            <a class="link" href=path rel="external">
                {what}
            </a>
            ". You won’t see this link again."
        </p>
    }
}
