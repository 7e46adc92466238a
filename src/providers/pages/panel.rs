//! The panel of a provider in the list: its state, its models, and actions.

use leptos::either::Either;
use leptos::prelude::*;

use super::actions::Actions;
use super::fields::{StepFields, SwitchFields};
use super::key::{KeyForm, KeyTag};
use crate::providers::listing::{
    Access, HealthStatus, KeyState, ModelListing, ProviderHealth, ProviderListing,
};
use crate::providers::settings::Step;
use endpoint::types::{Price, PriceSource};
use ui::button::ButtonTone;
use ui::format::{UNKNOWN, counted, millis, tokens, usd};
use ui::tag::{Dot, Tag, Tone};

/// Padding at the panel's edge if the columns to the right are hidden.
const LAST_ON_NARROW: &str = "max-lg:pr-4.5";

/// A provider with more models than this is initially collapsed.
const FOLDED_FROM: usize = 30;

/// A provider with its models. `open` expands even a long list.
#[component]
pub(super) fn ProviderPanel(
    listing: ProviderListing,
    open: bool,
    health: Option<ProviderHealth>,
    actions: Actions,
) -> impl IntoView {
    let unfolded = open || (listing.ready() && listing.models.len() < FOLDED_FROM);
    let count = counted(listing.models.len(), "model");
    let problem = listing.problem.clone().or_else(|| health.as_ref().and_then(|health| health.error.clone()));
    let lacks_key = matches!(listing.key, KeyState::Missing | KeyState::Locked { .. }) && listing.own();
    let simulated = listing.provider.simulated();
    view! {
        <details class="panel group overflow-hidden" open=unfolded>
            <summary class="flex cursor-pointer flex-wrap items-center gap-x-2.5 gap-y-1 px-4.5 py-3">
                <Dot hue=listing.provider.kind.facts().key />
                <h2 class="font-semibold">{listing.provider.display_name.clone()}</h2>
                <ProviderTags listing=&listing />
                {health.map(|health| view! { <HealthTag health /> })}
                <span class="text-muted w-full truncate text-xs sm:ml-auto sm:w-auto">
                    <span class="num">{count}</span>
                    " · "
                    {listing.provider.base_url.clone()}
                </span>
            </summary>
            {problem
                .map(|problem| {
                    view! {
                        <p class="border-line-soft text-warning border-t px-4.5 py-2.5 text-[13px]">{problem}</p>
                    }
                })}
            {lacks_key
                .then(|| {
                    view! {
                        <div class="border-line-soft border-t px-4.5 py-3">
                            <KeyForm listing=listing.clone() actions />
                        </div>
                    }
                })}
            <PanelTools listing=&listing actions />
            <ModelTable models=listing.models simulated />
        </details>
    }
}

#[component]
fn ProviderTags<'a>(listing: &'a ProviderListing) -> impl IntoView + use<> {
    view! {
        {listing.local().then(|| view! { <Tag text="local" /> })}
        {(!listing.enabled).then(|| view! { <Tag text="off" /> })}
        {match listing.access {
            Access::Own => None,
            Access::OwnShared => Some(view! { <Tag text="shared with all" /> }),
            Access::Shared => Some(view! { <Tag text="shared by an admin" /> }),
        }}
        <KeyTag key=listing.key.clone() />
    }
}

/// The result of the health check.
#[component]
fn HealthTag(health: ProviderHealth) -> impl IntoView {
    match (health.status, health.latency_ms) {
        (HealthStatus::Ok, Some(latency)) => {
            view! { <Tag tone=Tone::Good text=format!("OK · {} ms", millis(latency)) /> }
        }
        (HealthStatus::Ok, None) => view! { <Tag tone=Tone::Good text="answers" /> },
        (HealthStatus::NoKey, _) => view! { <Tag text="not checked" /> },
        (HealthStatus::Error, _) => view! { <Tag tone=Tone::Warning text="unreachable" /> },
    }
}

#[component]
fn PanelTools<'a>(listing: &'a ProviderListing, actions: Actions) -> impl IntoView + use<> {
    if !listing.own() {
        return None;
    }
    let (id, name) = (listing.id.clone(), listing.provider.display_name.clone());
    let [settings, find] = ["", "/discover"].map(|page| format!("/providers/{id}{page}"));
    let [settings_label, find_label] = ["Settings of", "Find models of"].map(|what| format!("{what} {name}"));
    let [up, down] = [Step::Up, Step::Down]
        .map(|step| view! { <StepFields kind="provider" id=id.clone() name=name.clone() step /> });
    let (enabled, pending) = (listing.enabled, actions.switch.pending());
    let switch = view! { <SwitchFields kind="provider" id name enabled pending /> };
    Some(view! {
        <div class="border-line-soft flex flex-wrap items-center gap-1.5 border-t px-3 py-1.5">
            <a class=ButtonTone::Quiet.class() href=settings aria-label=settings_label>
                "Settings"
            </a>
            <a class=ButtonTone::Quiet.class() href=find aria-label=find_label>
                "Find models"
            </a>
            <ActionForm action=actions.switch>{switch}</ActionForm>
            <ActionForm action=actions.step>{up}</ActionForm>
            <ActionForm action=actions.step>{down}</ActionForm>
        </div>
    })
}

#[component]
fn ModelTable(models: Vec<ModelListing>, simulated: bool) -> impl IntoView {
    if models.is_empty() {
        return Either::Left(view! {
            <p class="border-line-soft text-soft border-t px-4.5 py-3">
                "No models yet. Choose “Find models”."
            </p>
        });
    }
    Either::Right(view! {
        <table class="data-table border-base-300 table-fixed border-t">
            <thead>
                <tr>
                    <th scope="col">"Model"</th>
                    <th scope="col" class="n w-18 sm:w-22">"Context"</th>
                    <th scope="col" class="n hidden w-26 md:table-cell">"Max output"</th>
                    <th scope="col" class="n hidden w-28 sm:table-cell">"Input"</th>
                    <th scope="col" class="n hidden w-28 md:table-cell">"Cached input"</th>
                    <th scope="col" class=format!("n w-24 sm:w-28 {LAST_ON_NARROW}")>"Output"</th>
                    <th scope="col" class="hidden w-44 pl-6 lg:table-cell">"Price"</th>
                </tr>
            </thead>
            <tbody>{models.into_iter().map(|listing| view! { <ModelRow listing simulated /> }).collect_view()}</tbody>
        </table>
    })
}

#[component]
fn ModelRow(listing: ModelListing, simulated: bool) -> impl IntoView {
    let ModelListing { model, enabled, offered, .. } = listing;
    let price = model.price;
    let named = (model.display_name != model.id).then(|| model.id.clone());
    view! {
        <tr>
            <td class="break-words [overflow-wrap:anywhere]">
                {model.display_name} {named.map(|id| view! { <span class="text-muted ml-2 text-xs">{id}</span> })}
                <ModelTags enabled offered />
            </td>
            <TokensCell count=model.context_window />
            <TokensCell count=model.max_output_tokens class="hidden md:table-cell" />
            <PriceCell amount=price.map(|price| price.input_per_mtok) class="hidden sm:table-cell" />
            <PriceCell amount=price.and_then(|price| price.cached_input_per_mtok) class="hidden md:table-cell" />
            <PriceCell amount=price.map(|price| price.output_per_mtok) class=LAST_ON_NARROW />
            <td class="text-muted hidden pl-6 text-xs whitespace-nowrap lg:table-cell">
                {match price {
                    Some(price) => source_of(price),
                    None if simulated => "free (simulated)",
                    None => "unknown",
                }}
            </td>
        </tr>
    }
}

/// Tags for a model that is disabled or no longer available.
#[component]
pub(super) fn ModelTags(enabled: bool, offered: bool) -> impl IntoView {
    view! {
        {(!enabled)
            .then(|| {
                view! {
                    " "
                    <Tag text="off" />
                }
            })}
        {(!offered)
            .then(|| {
                view! {
                    " "
                    <Tag tone=Tone::Warning text="no longer available" />
                }
            })}
    }
}

#[component]
fn TokensCell(count: Option<u64>, #[prop(optional)] class: &'static str) -> impl IntoView {
    let exact = count.map(|count| format!("{count} tokens"));
    view! {
        <td class=format!("n {class}") title=exact>
            {count.map_or(UNKNOWN.to_owned(), tokens)}
        </td>
    }
}

/// US dollars per million tokens.
#[component]
fn PriceCell(amount: Option<f64>, #[prop(optional)] class: &'static str) -> impl IntoView {
    view! {
        <td class=format!("n {class}")>
            {amount.map_or(UNKNOWN.to_owned(), usd)}
            {amount.map(|_| view! { <span class="text-muted ml-0.5 text-[0.86em]">"/1M tok"</span> })}
        </td>
    }
}

pub(super) fn source_of(price: Price) -> &'static str {
    match price.source {
        PriceSource::Catalog => "catalog price",
        PriceSource::Custom => "custom price",
    }
}
