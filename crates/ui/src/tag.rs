//! Small marks beside a name: tags and the provider's dot.

use leptos::prelude::*;

/// What a [`Tag`] means. Its text says the same, so that colour never stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Neutral.
    #[default]
    Plain,
    /// Good.
    Good,
    /// Needs attention.
    Warning,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "tag",
            Self::Good => "tag tag-good",
            Self::Warning => "tag tag-warning",
        }
    }
}

/// A word in a thin frame.
#[component]
pub fn Tag(
    /// What the tag means.
    #[prop(optional)]
    tone: Tone,
    /// The text of the tag.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <span class=tone.class()>{text}</span> }
}

/// A square in the hue of a provider kind; each keeps its own on every page (`style/hues.css`).
#[component]
pub fn Dot(
    /// The provider kind's key.
    #[prop(into)]
    hue: String,
) -> impl IntoView {
    view! { <span class="dot" data-hue=hue aria-hidden="true"></span> }
}
