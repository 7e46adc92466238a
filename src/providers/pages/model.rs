//! The model editor, and the adjustments of the default parameters for this model.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use serde_json::Value;

use super::LoadError;
use super::actions::error_of;
use crate::providers::api::{ChangeModel, ProviderDetails, get_provider};
use crate::providers::forms::ModelForm;
use crate::providers::listing::{ModelListing, ProviderListing};
use bench::types::Parameters;
use endpoint::registry::{self, Adjustment, Requested};
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{TextArea, TextField};
use ui::page::{PageHead, Skeleton};
use ui::title::PageTitle;

/// The page of a model.
#[component]
pub fn ModelPage() -> impl IntoView {
    let parameters = use_params_map();
    let provider = Memo::new(move |_| parameters.read().get("provider").unwrap_or_default());
    let model = Memo::new(move |_| parameters.read().get("model").unwrap_or_default());
    let details = Resource::new(move || provider.get(), get_provider);
    view! {
        <Transition fallback=|| {
            view! { <Skeleton rows=8 /> }
        }>
            {move || Suspend::new(async move {
                let found = details.await.map(|details| model_of(details, &model.get_untracked()));
                match found {
                    Ok(Some((provider, listing))) => Either::Left(view! { <Editor provider listing /> }),
                    Ok(None) => {
                        Either::Right(view! { <LoadError error="Model not found. It may have been deleted.".to_owned() /> })
                    }
                    Err(ServerFnError::ServerError(error)) => Either::Right(view! { <LoadError error /> }),
                    Err(error) => Either::Right(view! { <LoadError error=error.to_string() /> }),
                }
            })}
        </Transition>
    }
}

fn model_of(details: ProviderDetails, id: &str) -> Option<(ProviderListing, ModelListing)> {
    let listing = details.listing.models.iter().find(|listing| listing.id == id)?.clone();
    Some((details.listing, listing))
}

#[component]
fn Editor(provider: ProviderListing, listing: ModelListing) -> impl IntoView {
    let name = listing.model.display_name.clone();
    let about = format!("{} · {}", provider.provider.display_name, listing.model.id);
    let back = format!("/providers/{}", provider.id);
    let provider_name = provider.provider.display_name.clone();
    view! {
        <PageTitle text=name.clone() />
        <PageHead title=name about>
            <a class="button" href=back>
                {provider_name}
            </a>
        </PageHead>
        <Adjustments provider=&provider listing=&listing />
        {provider.own().then(|| view! { <EditorForm provider=provider.id listing /> })}
    }
}

/// Lists the differences between a benchmark's default parameters and what is sent.
#[component]
fn Adjustments<'a>(provider: &'a ProviderListing, listing: &'a ModelListing) -> impl IntoView + use<> {
    let (parameters, model) = (Parameters::default(), &listing.model);
    let requested = Requested {
        max_tokens: Some(parameters.max_tokens),
        temperature: Some(parameters.temperature),
        params: &parameters.params,
    };
    let endpoint = &provider.provider;
    let resolved = registry::resolve(
        endpoint.kind,
        endpoint.protocol,
        &model.id,
        &model.skip_params,
        &model.params,
        &requested,
    );
    let sent = Value::Object(resolved.params).to_string();
    view! {
        <section class="panel mt-3.5 px-4.5 py-4" aria-labelledby="sent">
            <h2 id="sent" class="font-semibold">
                "Request settings"
            </h2>
            <p class="text-soft mt-0.5">
                "With a benchmark's default parameters: " <code class="font-mono text-xs [overflow-wrap:anywhere]">{sent}</code>
            </p>
            {if resolved.adjustments.is_empty() {
                Either::Left(view! { <p class="text-soft mt-1.5">"Parameters are sent unchanged."</p> })
            } else {
                Either::Right(
                    view! {
                        <ul class="text-warning mt-1.5 grid gap-1 text-[13px]">
                            {resolved
                                .adjustments
                                .into_iter()
                                .map(|Adjustment { reason, .. }| view! { <li>{reason}</li> })
                                .collect_view()}
                        </ul>
                    },
                )
            }}
        </section>
    }
}

#[component]
fn EditorForm(provider: String, listing: ModelListing) -> impl IntoView {
    let change = ServerAction::<ChangeModel>::new();
    let form = ModelForm::of(&listing.settings);
    let model = listing.model;
    let known = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    let price = model.price;
    view! {
        <section class="panel mt-3.5 px-4.5 py-4" aria-labelledby="settings">
            <h2 id="settings" class="font-semibold">
                "Settings"
            </h2>
            <p class="text-soft mt-0.5">"Leave a field empty to use the provider’s or catalog value."</p>
            <ActionForm action=change attr:class="mt-2.5 grid gap-3.5 sm:grid-cols-2">
                <input type="hidden" name="provider" value=provider />
                <input type="hidden" name="model" value=listing.id />
                <TextField label="Model ID" name="model_id" value=model.id required=true max_length=256 hint="The ID used in API requests." />
                <TextField label="Name" name="form[display_name]" value=form.display_name placeholder=model.display_name max_length=256 />
                <TextField
                    label="Context window (tokens)"
                    name="form[context_window]"
                    value=form.context_window
                    placeholder=known(model.context_window.map(|tokens| tokens.to_string()))
                />
                <TextField
                    label="Maximum output (tokens)"
                    name="form[max_output_tokens]"
                    value=form.max_output_tokens
                    placeholder=known(model.max_output_tokens.map(|tokens| tokens.to_string()))
                />
                <TextField
                    label="Input price ($ per 1M tokens)"
                    name="form[input_price]"
                    value=form.input_price
                    placeholder=known(price.map(|price| price.input_per_mtok.to_string()))
                />
                <TextField
                    label="Output price ($ per 1M tokens)"
                    name="form[output_price]"
                    value=form.output_price
                    placeholder=known(price.map(|price| price.output_per_mtok.to_string()))
                />
                <TextField
                    label="Cached input price ($ per 1M tokens)"
                    name="form[cached_input_price]"
                    value=form.cached_input_price
                    placeholder=known(price.and_then(|price| price.cached_input_per_mtok).map(|usd| usd.to_string()))
                />
                <TextField
                    label="Skipped parameters"
                    name="form[skip_params]"
                    value=form.skip_params
                    placeholder="temperature, top_p"
                    hint="Never sent to this model. Separate with commas."
                />
                <TextField
                    label="Aliases"
                    name="form[aliases]"
                    value=form.aliases
                    hint="Alternative names for API requests. Separate with commas."
                />
                <div class="sm:col-span-2">
                    <TextArea label="System prompt" name="form[system_prompt]" value=form.system_prompt rows=4 />
                </div>
                <div class="sm:col-span-2">
                    <TextArea
                        label="Extra parameters (JSON), always sent"
                        name="form[params]"
                        value=form.params
                        rows=4
                        placeholder="{\"top_p\": 0.9}"
                    />
                </div>
                <p class="form-error sm:col-span-2" role="alert">
                    {move || error_of(change)}
                </p>
                <div>
                    <SubmitButton tone=ButtonTone::Primary pending=change.pending()>
                        "Save model"
                    </SubmitButton>
                </div>
            </ActionForm>
        </section>
    }
}
