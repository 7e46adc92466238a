//! Icons as inline SVG, which have the colour of the surrounding text.

use leptos::prelude::*;

use super::theme::Theme;

/// A gauge: the mark of the product.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke-linecap="round" aria-hidden="true">
            <path class="stroke-primary" d="M3 14a7 7 0 0 1 14 0" stroke-width="2.2" />
            <path class="stroke-base-content" d="M10 14l4-5" stroke-width="2" />
        </svg>
    }
}

/// Sun, moon, or a half-filled circle for the system's theme.
#[component]
pub fn ThemeIcon(
    /// The theme to draw.
    theme: Theme,
) -> impl IntoView {
    let drawing = match theme {
        Theme::Light => {
            "M8 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6ZM8 1.2v1.3M8 13.5v1.3M1.2 8h1.3M13.5 8h1.3M3.2 3.2l.9.9M11.9 11.9l.9.9M3.2 12.8l.9-.9M11.9 4.1l.9-.9"
        }
        Theme::Dark => "M13.6 9.6A6 6 0 0 1 6.4 2.4a6 6 0 1 0 7.2 7.2Z",
        Theme::System => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 0v12M8 4.5h4.8M8 8h6M8 11.5h4.8",
    };
    view! {
        <svg
            width="16"
            height="16"
            viewBox="0 0 16 16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.4"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d=drawing />
        </svg>
    }
}

/// A bell: no active jobs.
#[component]
pub fn BellIcon() -> impl IntoView {
    view! {
        <svg
            width="16"
            height="16"
            viewBox="0 0 16 16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.4"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d="M4 7a4 4 0 0 1 8 0c0 3 1.2 4 1.2 4H2.8S4 10 4 7ZM6.8 13.4a1.4 1.4 0 0 0 2.4 0" />
        </svg>
    }
}

/// A circular progress bar; the caller shows the number beside it.
#[component]
pub fn ProgressRing(
    /// 0 to 100.
    percent: Signal<f64>,
) -> impl IntoView {
    view! {
        <svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke-width="3" aria-hidden="true">
            <circle class="stroke-base-300" cx="8" cy="8" r="5.5" />
            <circle
                class="stroke-primary"
                cx="8"
                cy="8"
                r="5.5"
                pathLength="100"
                stroke-dasharray=move || format!("{} 100", percent.get().clamp(0.0, 100.0))
                transform="rotate(-90 8 8)"
            />
        </svg>
    }
}
