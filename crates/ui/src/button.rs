//! Buttons.

use leptos::prelude::*;

/// The kind of action that a button performs. [`ButtonTone::class`] gives a link the same look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonTone {
    /// An ordinary action.
    #[default]
    Plain,
    /// The main action of the page; at most one on a page.
    Primary,
    /// Deletes something, which the button's text names.
    Danger,
    /// A secondary action, such as in a table row.
    Quiet,
}

impl ButtonTone {
    /// Returns the CSS classes of a button or link in this tone.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button button-primary",
            Self::Danger => "button button-danger",
            Self::Quiet => "button button-quiet",
        }
    }
}

/// Submits its form; disabled while `pending`.
#[component]
pub fn SubmitButton(
    /// The kind of action.
    #[prop(optional)]
    tone: ButtonTone,
    /// Whether the form is being submitted, as from `ServerAction::pending`.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// Whether the form cannot be submitted for another reason, which the page shows.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The button's content.
    children: Children,
) -> impl IntoView {
    view! {
        <button
            class=tone.class()
            disabled=move || pending.get() || disabled.get()
            aria-busy=move || pending.get().then_some("true")
        >
            {children()}
        </button>
    }
}
