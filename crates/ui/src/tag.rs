//! Small marks beside a name: tags and the provider's dot.

use leptos::prelude::*;

/// The meaning of a [`Tag`]. Its text says the same, so that colour is never the only cue.
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

/// A word with a thin border.
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

/// A square in the hue of a provider kind, which is the same on every page (`style/hues.css`).
#[component]
pub fn Dot(
    /// The provider kind's key.
    #[prop(into)]
    hue: String,
) -> impl IntoView {
    view! { <span class="dot" data-hue=hue aria-hidden="true"></span> }
}
