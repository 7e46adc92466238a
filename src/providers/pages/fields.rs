//! Fields of the small forms for an entry of a list, which is a provider or a model.

use leptos::prelude::*;

use crate::providers::settings::Step;
use ui::button::{ButtonTone, SubmitButton};

/// Enables or disables the entry. `kind` is its field's name, `id` the entry's id, `name` its display name.
#[component]
pub(super) fn SwitchFields(
    kind: &'static str,
    id: String,
    name: String,
    enabled: bool,
    #[prop(into)] pending: Signal<bool>,
) -> impl IntoView {
    view! {
        <input type="hidden" name=kind value=id />
        <input type="hidden" name="on" value=(!enabled).to_string() />
        <SubmitButton tone=ButtonTone::Quiet pending>
            {if enabled { "Disable" } else { "Enable" }}
            <span class="sr-only">{format!(" {name}")}</span>
        </SubmitButton>
    }
}

/// Moves the entry by one position.
#[component]
pub(super) fn StepFields(kind: &'static str, id: String, name: String, step: Step) -> impl IntoView {
    view! {
        <input type="hidden" name=kind value=id />
        <input type="hidden" name="step" value=step.as_str() />
        <button class=ButtonTone::Quiet.class() aria-label=format!("Move {name} {}", step.as_str())>
            {step.arrow()}
        </button>
    }
}
