//! The parameters of a benchmark as form fields, with an advanced section.

use leptos::prelude::*;

use crate::benchmark::set_up::{Complaint, SetUpFields, TIERS, bounds};
use crate::prompts::Template;
use bench::types::{MAX_TIER, Timeouts};
use ui::disclosure::Disclosure;
use ui::form::{Checkbox, Chip, ChipGroup, CustomValue, NumberField, Select, SelectOption, TextArea};
use ui::format::{integer, tokens};
use ui::hydration::Deferred;
use ui::raw_text::NoScript;
use ui::sync_view::IntoSyncAny;

const EFFORTS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];

/// The errors of all fields.
#[derive(Debug, Clone, Copy)]
pub struct Complaints(pub Signal<Vec<Complaint>>);

impl Complaints {
    /// Returns the error of this field.
    pub fn of(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            let complaints = self.0.read();
            complaints.iter().find(|complaint| complaint.field == field).map(|found| found.sentence.clone())
        })
    }
}

/// Shows all fields except the models. Fields hold their own text; `tiers` are the checked context sizes.
#[component]
pub fn Parameters(
    fields: SetUpFields,
    templates: Vec<Template>,
    tiers: RwSignal<Vec<String>>,
    complaints: Complaints,
) -> impl IntoView {
    let advanced = fields.clone();
    view! {
        <Deferred>
            <div class="mt-3 grid grid-cols-2 gap-2">
                <NumberField label="Runs" name="runs" value=fields.runs bounds=bounds::RUNS error=complaints.of("runs") />
                <NumberField
                    label="Max tokens"
                    name="max_tokens"
                    value=fields.max_tokens
                    bounds=bounds::MAX_TOKENS
                    error=complaints.of("max_tokens")
                />
                <NumberField
                    label="Temperature"
                    name="temperature"
                    value=fields.temperature
                    bounds=bounds::TEMPERATURE
                    error=complaints.of("temperature")
                />
                <NumberField
                    label="Timeout"
                    name="timeout"
                    value=fields.timeout
                    bounds=bounds::TIMEOUT
                    unit="s"
                    placeholder=Timeouts::default().total_s.to_string()
                    error=complaints.of("timeout")
                />
            </div>
        </Deferred>
        <Deferred>
            <Prompt prompt=fields.prompt templates complaints />
        </Deferred>
        <Deferred>
            <div class="mt-2.5">
                <ChipGroup
                    legend="Context size"
                    name="tiers[]"
                    options=TIERS.iter().map(|tier| Chip::new(tier.to_string(), tokens(*tier))).collect()
                    chosen=tiers
                    own=CustomValue { label: "Custom size (tokens)", name: "own_tiers", read: own_tier }
                    error=complaints.of("tiers")
                />
            </div>
        </Deferred>
        <Deferred>
            <div class="mt-2.5">
                <Checkbox
                    label="Warm-up run"
                    name="warmup"
                    checked=!fields.warmup.is_empty()
                    hint="One extra, discarded run per model and size."
                />
            </div>
        </Deferred>
        <Deferred>
            <div class="mt-2.5">
                <Disclosure summary="Advanced" open=advanced.has_advanced()>
                    <Advanced fields=advanced complaints />
                </Disclosure>
            </div>
        </Deferred>
    }
    .into_sync_any()
}

/// Shows the prompt and the templates for it.
#[component]
fn Prompt(prompt: String, templates: Vec<Template>, complaints: Complaints) -> impl IntoView {
    let offered = !templates.is_empty();
    let same = templates.iter().find(|entry| entry.prompt == prompt);
    let chosen = RwSignal::new(same.map(|entry| entry.key.clone()).unwrap_or_default());
    let text = RwSignal::new(prompt);
    let entries = std::iter::once(SelectOption::new("", "Custom"))
        .chain(
            templates
                .iter()
                .map(|entry| SelectOption::new(&entry.key, &entry.label).under(entry.category.title())),
        )
        .collect();
    let known = StoredValue::new(templates);
    // The text of the chosen template replaces the prompt, where it can be edited.
    Effect::watch(
        move || chosen.get(),
        move |key, before, _| {
            if before.is_some_and(|before| before != key) {
                let found = known.with_value(|known| known.iter().find(|entry| entry.key == *key).cloned());
                found.into_iter().for_each(|entry| text.set(entry.prompt));
            }
        },
        true,
    );
    view! {
        <div class="mt-2 grid gap-2">
            {offered.then(|| view! { <Select label="Template" name="template" options=entries bind=chosen /> })}
            <TextArea label="Prompt" name="prompt" bind=text rows=3 error=complaints.of("prompt") />
            {offered
                .then(|| {
                    view! {
                        <NoScript html="<p class=\"form-hint\">Clear the text to use the template unchanged.</p>" />
                    }
                })}
        </div>
    }
    .into_sync_any()
}

#[component]
fn Advanced(fields: SetUpFields, complaints: Complaints) -> impl IntoView {
    let efforts = std::iter::once(SelectOption::new("", "Model default"))
        .chain(EFFORTS.map(|effort| SelectOption::new(effort, effort)))
        .collect();
    view! {
        <div class="grid grid-cols-2 gap-2">
            <NumberField label="Top p" name="top_p" value=fields.top_p bounds=bounds::TOP_P error=complaints.of("top_p") />
            <NumberField label="Top k" name="top_k" value=fields.top_k bounds=bounds::TOP_K error=complaints.of("top_k") />
            <NumberField
                label="Frequency penalty"
                name="frequency_penalty"
                value=fields.frequency_penalty
                bounds=bounds::PENALTY
                error=complaints.of("frequency_penalty")
            />
            <NumberField
                label="Presence penalty"
                name="presence_penalty"
                value=fields.presence_penalty
                bounds=bounds::PENALTY
                error=complaints.of("presence_penalty")
            />
            <NumberField label="Seed" name="seed" value=fields.seed bounds=bounds::SEED error=complaints.of("seed") />
            <Select
                label="Reasoning effort"
                name="reasoning_effort"
                options=efforts
                value=fields.reasoning_effort
            />
            <div class="col-span-2">
                <TextArea label="Stop sequences" name="stop" value=fields.stop rows=2 hint="One per line." />
            </div>
            <div class="col-span-2">
                <TextArea
                    label="Extra parameters (JSON)"
                    name="passthrough"
                    value=fields.passthrough
                    rows=2
                    placeholder="{\"min_p\": 0.05}"
                    hint="Merged unchanged into every request."
                    error=complaints.of("passthrough")
                />
            </div>
        </div>
    }
    .into_sync_any()
}

/// Creates a chip for a custom context size.
fn own_tier(text: &str) -> Result<Chip, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '_')).collect();
    match digits.parse::<u64>() {
        Ok(tier) if tier <= MAX_TIER => Ok(Chip::new(tier.to_string(), tokens(tier))),
        _ => Err(format!("Context size must be 0–{} tokens.", integer(MAX_TIER))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_custom_context_sizes_with_or_without_separators() {
        assert_eq!(own_tier("7,000"), Ok(Chip::new("7000", "7K")));
        assert_eq!(own_tier(" 300 "), Ok(Chip::new("300", "300")));
        assert!(own_tier("-1").is_err() && own_tier("9999999").is_err() && own_tier("").is_err());
    }
}
