//! Progress bars.

use leptos::prelude::*;

/// A bar in a provider's hue, or in the accent colour if `hue` is not set.
///
/// The page shows the numbers.
#[component]
pub fn ProgressBar(
    /// Accessible name: what is progressing.
    #[prop(into)]
    label: String,
    /// The amount done, of `total`; 0 of 0 is shown as 0 %.
    #[prop(into)]
    done: Signal<f64>,
    /// The total amount.
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
