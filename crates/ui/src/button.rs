//! Buttons by what pressing them means.

use leptos::prelude::*;

/// What pressing a button means. [`ButtonTone::class`] makes a link look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonTone {
    /// An ordinary action.
    #[default]
    Plain,
    /// What the page is for; one on a page.
    Primary,
    /// Destroys something; the button's text says what.
    Danger,
    /// Of little weight, such as in a row of a table.
    Quiet,
}

impl ButtonTone {
    /// The classes of a button or a link in this tone.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button button-primary",
            Self::Danger => "button button-danger",
            Self::Quiet => "button button-quiet",
        }
    }
}

/// Sends the form it stands in; held while `pending`.
#[component]
pub fn SubmitButton(
    /// What pressing the button means.
    #[prop(optional)]
    tone: ButtonTone,
    /// While the form is on its way, as from `ServerAction::pending`.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// While the form cannot be sent for another reason, which the page shows.
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
