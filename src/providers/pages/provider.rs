//! The page of a provider: key, URL, models, sharing.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::LoadError;
use super::actions::{ActionErrors, Actions};
use super::fields::{StepFields, SwitchFields};
use super::key::{KeySection, KeyTag};
use super::panel::ModelTags;
use crate::providers::api::{ProviderDetails, get_provider};
use crate::providers::listing::{Access, ModelListing, ProviderListing};
use crate::providers::settings::Step;
use endpoint::PriceSource;
use ui::button::{ButtonTone, SubmitButton};
use ui::dialog::ConfirmDialog;
use ui::form::TextField;
use ui::format::counted;
use ui::page::{PageHead, Skeleton};
use ui::tag::{Dot, Tag};
use ui::title::PageTitle;

/// The page of a provider.
#[component]
pub fn ProviderPage() -> impl IntoView {
    let actions = Actions::new();
    let parameters = use_params_map();
    let id = Memo::new(move |_| parameters.read().get("provider").unwrap_or_default());
    let details = Resource::new(move || (id.get(), actions.version()), |(id, _)| get_provider(id));
    view! {
        <ActionErrors actions />
        <Transition fallback=|| {
            view! { <Skeleton rows=8 /> }
        }>
            {move || Suspend::new(async move {
                match details.await {
                    Ok(details) => Either::Left(view! { <Details details actions /> }),
                    Err(ServerFnError::ServerError(error)) => Either::Right(view! { <LoadError error /> }),
                    Err(error) => Either::Right(view! { <LoadError error=error.to_string() /> }),
                }
            })}
        </Transition>
    }
}

#[component]
fn Details(details: ProviderDetails, actions: Actions) -> impl IntoView {
    let ProviderDetails { listing, admin, environment } = details;
    let name = listing.provider.display_name.clone();
    let own = listing.own();
    let simulated = listing.provider.simulated();
    let (hue, key) = (listing.provider.kind.facts().key, listing.key.clone());
    let discover = format!("/providers/{}/discover", listing.id);
    view! {
        <PageTitle text=name.clone() />
        <PageHead title=name about=listing.provider.base_url.clone()>
            <Dot hue />
            <KeyTag key />
            <a class="button" href="/providers">
                "← Providers"
            </a>
            {own
                .then(|| {
                    view! {
                        <a class=ButtonTone::Primary.class() href=discover>
                            "Find models"
                        </a>
                    }
                })}
        </PageHead>
        {(!own)
            .then(|| {
                view! {
                    <p class="text-soft mt-3.5">
                        "Shared by an admin. You can benchmark its models; only the admin can change it."
                    </p>
                }
            })}
        {(own && !simulated)
            .then(|| {
                view! {
                    <KeySection listing=listing.clone() actions />
                    {admin.then(|| view! { <ShareSection listing=listing.clone() environment actions /> })}
                    <AddressSection listing=listing.clone() actions />
                }
            })}
        <ModelsSection listing=listing.clone() actions />
        {own.then(|| view! { <DeleteSection listing actions /> })}
    }
}

#[component]
fn ShareSection(listing: ProviderListing, environment: Option<String>, actions: Actions) -> impl IntoView {
    let shared = listing.access == Access::OwnShared;
    let Actions { share, .. } = actions;
    view! {
        <section class="panel mt-3.5 px-4.5 py-4" aria-labelledby="share">
            <h2 id="share" class="font-semibold">
                "Share with all users"
            </h2>
            <p class="text-soft mt-0.5">
                "Everyone can benchmark these models with your key. Only you can see the key or change the URL."
                {environment
                    .map(|name| {
                        view! {
                            " The server's "
                            <code class="font-mono">{name}</code>
                            " is used if you haven’t saved a key."
                        }
                    })}
            </p>
            <ActionForm action=share attr:class="mt-2.5">
                <input type="hidden" name="provider" value=listing.id />
                <input type="hidden" name="shared" value=(!shared).to_string() />
                <SubmitButton pending=share.pending()>
                    {if shared { "Stop sharing" } else { "Share with all users" }}
                </SubmitButton>
            </ActionForm>
        </section>
    }
}

#[component]
fn AddressSection(listing: ProviderListing, actions: Actions) -> impl IntoView {
    let Actions { change, .. } = actions;
    view! {
        <section class="panel mt-3.5 px-4.5 py-4" aria-labelledby="address">
            <h2 id="address" class="font-semibold">
                "Connection"
            </h2>
            <ActionForm action=change attr:class="mt-2.5 grid gap-3.5 sm:grid-cols-2">
                <input type="hidden" name="provider" value=listing.id />
                <TextField label="Name" name="display_name" value=listing.provider.display_name required=true max_length=256 />
                <TextField
                    label="Model ID prefix"
                    name="model_prefix"
                    value=listing.model_prefix.unwrap_or_default()
                    max_length=64
                    hint="Optional prefix used in API requests, e.g. openai/gpt-4o."
                />
                <div class="sm:col-span-2">
                    <TextField
                        label="Base URL"
                        name="base_url"
                        kind="url"
                        value=listing.provider.base_url
                        required=true
                        hint="If you change the host or port, re-enter the key."
                    />
                </div>
                <div>
                    <SubmitButton pending=change.pending()>"Save"</SubmitButton>
                </div>
            </ActionForm>
        </section>
    }
}

#[component]
fn ModelsSection(listing: ProviderListing, actions: Actions) -> impl IntoView {
    let Actions { add_model, .. } = actions;
    let own = listing.own();
    let provider = listing.id.clone();
    view! {
        <section class="mt-6" aria-labelledby="models">
            <h2 id="models" class="font-semibold">
                {counted(listing.models.len(), "model")}
            </h2>
            <ul class="panel divide-base-200 mt-2 divide-y">
                {listing
                    .models
                    .into_iter()
                    .map(|model| view! { <ModelItem provider=provider.clone() listing=model own actions /> })
                    .collect_view()}
            </ul>
            {own
                .then(|| {
                    view! {
                        <ActionForm action=add_model attr:class="mt-2.5 flex flex-wrap items-end gap-2">
                            <input type="hidden" name="provider" value=listing.id />
                            <TextField label="Add a model by ID" name="model_id" required=true max_length=256 />
                            <SubmitButton pending=add_model.pending()>"Add model"</SubmitButton>
                        </ActionForm>
                    }
                })}
        </section>
    }
}

#[component]
fn ModelItem(provider: String, listing: ModelListing, own: bool, actions: Actions) -> impl IntoView {
    let ModelListing { model, enabled, offered, .. } = listing.clone();
    let named = (model.display_name != model.id).then_some(model.id);
    let custom_price = model.price.is_some_and(|price| price.source == PriceSource::Custom);
    view! {
        <li class="flex flex-wrap items-center gap-x-2.5 gap-y-1 px-4.5 py-2">
            <span class="min-w-0 [overflow-wrap:anywhere]">
                {model.display_name} {named.map(|id| view! { <span class="text-muted ml-2 text-xs">{id}</span> })}
            </span>
            <ModelTags enabled offered />
            {custom_price.then(|| view! { <Tag text="custom price" /> })}
            {own.then(|| view! { <ModelTools provider listing actions /> })}
        </li>
    }
}

#[component]
fn ModelTools(provider: String, listing: ModelListing, actions: Actions) -> impl IntoView {
    let (id, name) = (listing.id, listing.model.display_name);
    let edit = format!("/providers/{provider}/models/{id}");
    let edit_label = format!("Edit {name}");
    let [up, down] = [Step::Up, Step::Down]
        .map(|step| view! { <StepFields kind="model" id=id.clone() name=name.clone() step /> });
    let switch = view! {
        <SwitchFields
            kind="model"
            id=id.clone()
            name=name.clone()
            enabled=listing.enabled
            pending=actions.switch_model.pending()
        />
    };
    view! {
        <div class="flex flex-wrap items-center gap-1 sm:ml-auto">
            <a class=ButtonTone::Quiet.class() href=edit aria-label=edit_label>
                "Edit"
            </a>
            <ActionForm action=actions.switch_model>{switch}</ActionForm>
            <ActionForm action=actions.step_model>{up}</ActionForm>
            <ActionForm action=actions.step_model>{down}</ActionForm>
            <ModelDelete provider id name actions />
        </div>
    }
}

#[component]
fn ModelDelete(provider: String, id: String, name: String, actions: Actions) -> impl IntoView {
    let Actions { delete_model, .. } = actions;
    view! {
        <ConfirmDialog
            id=format!("delete-{id}")
            trigger="Delete"
            trigger_label=format!("Delete {name}")
            trigger_tone=ButtonTone::Quiet
            title=format!("Delete {name}?")
        >
            <p>"Its settings will be deleted. Past results are kept."</p>
            <ActionForm action=delete_model>
                <input type="hidden" name="provider" value=provider />
                <input type="hidden" name="model" value=id />
                <SubmitButton tone=ButtonTone::Danger pending=delete_model.pending()>
                    "Delete model"
                </SubmitButton>
            </ActionForm>
        </ConfirmDialog>
    }
}

#[component]
fn DeleteSection(listing: ProviderListing, actions: Actions) -> impl IntoView {
    let name = listing.provider.display_name;
    let models = counted(listing.models.len(), "model");
    let Actions { delete, .. } = actions;
    view! {
        <div class="mt-6">
            <ConfirmDialog
                id="delete-provider"
                trigger=format!("Delete {name}")
                trigger_tone=ButtonTone::Danger
                title=format!("Delete {name} and its {models}?")
            >
                <p>"Its key and model settings will be deleted. Past results are kept."</p>
                <ActionForm action=delete>
                    <input type="hidden" name="provider" value=listing.id />
                    <SubmitButton tone=ButtonTone::Danger pending=delete.pending()>
                        "Delete provider"
                    </SubmitButton>
                </ActionForm>
            </ConfirmDialog>
        </div>
    }
}
