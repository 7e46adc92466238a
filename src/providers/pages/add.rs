//! The page that adds a provider: a known one, or any URL.

use leptos::prelude::*;

use super::actions::error_of;
use crate::providers::api::AddProvider;
use endpoint::types::ProviderKind;
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{PasswordField, PasswordPurpose, Select, SelectOption, TextField};
use ui::page::PageHead;
use ui::title::PageTitle;

/// Adds a provider.
#[component]
pub fn AddProviderPage() -> impl IntoView {
    let add = ServerAction::<AddProvider>::new();
    view! {
        <PageTitle text="Add a provider" />
        <PageHead title="Add a provider" about="A hosted provider, your own server, or any OpenAI-compatible endpoint." />
        <section class="panel mt-3.5 max-w-2xl px-4.5 py-4">
            <ActionForm action=add attr:class="grid gap-3.5">
                <Select label="Kind" name="kind" options=kinds() value="custom" hint="Sets the API protocol, parameter rules and default prices." />
                <TextField label="Name" name="display_name" max_length=256 hint="Leave empty to use the provider's name." />
                <TextField
                    label="Base URL"
                    name="base_url"
                    kind="url"
                    placeholder="https://api.example.com/v1"
                    hint="Leave empty to use the provider's default URL. Required for a custom provider."
                />
                <PasswordField
                    label="API key"
                    name="api_key"
                    purpose=PasswordPurpose::Secret
                    hint="Stored encrypted, never shown again, only sent to this URL. Leave empty if not needed."
                />
                <p class="form-error" role="alert">
                    {move || error_of(add)}
                </p>
                <div class="flex gap-2">
                    <SubmitButton tone=ButtonTone::Primary pending=add.pending()>
                        "Add provider"
                    </SubmitButton>
                    <a class="button" href="/providers">
                        "Cancel"
                    </a>
                </div>
            </ActionForm>
        </section>
    }
}

fn kinds() -> Vec<SelectOption> {
    let kinds = ProviderKind::all().filter(|facts| facts.kind != ProviderKind::Demo);
    let option = |facts: &'static endpoint::types::KindFacts| {
        let group = match (facts.kind, facts.local) {
            (ProviderKind::Custom, _) => "OpenAI-compatible (custom)",
            (_, true) => "Local server",
            (_, false) => "Hosted",
        };
        SelectOption::new(facts.key, facts.display_name).under(group)
    };
    kinds.map(option).collect()
}
