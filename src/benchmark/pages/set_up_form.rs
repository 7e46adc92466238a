//! The form that starts a benchmark. It works without JavaScript; with JavaScript it validates the fields and
//! estimates the benchmark while the user types.

use leptos::html;
use leptos::prelude::*;
use leptos::web_sys::FormData;

use super::api::SetUp;
use super::estimate::EstimateNote;
use super::model_choice::ModelChoice;
use super::parameters::{Complaints, Parameters};
use crate::benchmark::api::StartBenchmark;
use ui::button::{ButtonTone, SubmitButton};
use ui::hydration::Deferred;
use ui::sync_view::IntoSyncAny;

/// Shows models, parameters, the estimate and the start button.
#[component]
pub fn SetUpForm(set_up: SetUp) -> impl IntoView {
    let SetUp { menu, fields, templates } = set_up;
    let start = ServerAction::<StartBenchmark>::new();
    let form = NodeRef::<html::Form>::new();
    let typed = RwSignal::new(fields.clone());
    let tiers = RwSignal::new(fields.tiers.clone());
    let read = move || {
        if let Some(now) = form.get_untracked().and_then(|form| FormData::new_with_form(&form).ok())
            && let Ok(StartBenchmark { fields }) = StartBenchmark::from_form_data(&now)
        {
            typed.set(fields);
        }
    };
    // Restores text that was typed before hydration, and chips that the form's own script has checked.
    Effect::new(move |_| {
        tiers.track();
        request_animation_frame(read);
    });
    let asked = Memo::new(move |_| typed.read().request());
    let complaints =
        Complaints(Signal::derive(move || asked.read().as_ref().err().cloned().unwrap_or_default()));
    let chosen = Signal::derive(move || typed.read().models.clone());
    let refused = move || start.value().get().and_then(Result::err).map(|error| super::sentence(&error));
    view! {
        <ActionForm action=start node_ref=form attr:class="panel set-up-form" on:input=move |_| read() on:change=move |_| read()>
            <Deferred>
                <ModelChoice menu chosen complaint=complaints.of("models") changed=Callback::new(move |()| read()) />
            </Deferred>
            <Parameters fields templates tiers complaints />
            <EstimateNote asked>
                // Not disabled by validation errors: without JavaScript it would never be enabled again.
                <SubmitButton tone=ButtonTone::Primary pending=start.pending()>
                    "Run"
                </SubmitButton>
            </EstimateNote>
            <p class="form-error" role="alert">
                {refused}
            </p>
        </ActionForm>
    }
    .into_sync_any()
}
