//! How far something is.

use leptos::prelude::*;

/// A bar in a provider's hue, or in the accent colour where `hue` is empty.
///
/// Only the bar: the page writes the numbers beside it.
#[component]
pub fn ProgressBar(
    /// What is progressing, for those who do not see the line it stands in.
    #[prop(into)]
    label: String,
    /// How much is done, of `total`; zero of zero is nothing done.
    #[prop(into)]
    done: Signal<f64>,
    /// The amount that counts as done.
    #[prop(into)]
    total: Signal<f64>,
    /// A provider kind's key, as for [`Dot`](super::tag::Dot).
    #[prop(optional, into)]
    hue: Option<String>,
) -> impl IntoView {
    view! {
        <progress
            class="progress-bar"
            data-hue=hue
            aria-label=label
            max=move || total.get().max(f64::MIN_POSITIVE)
            value=move || done.get().clamp(0.0, total.get().max(0.0))
        ></progress>
    }
}
