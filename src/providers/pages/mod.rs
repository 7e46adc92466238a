//! The pages of providers and models.

mod actions;
mod add;
mod discover;
mod fields;
mod key;
mod model;
mod panel;
mod provider;

use std::collections::HashMap;

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::actions::{ActionErrors, Actions};
use self::panel::{ProviderPanel, source_of};
use super::api::{RefreshModels, check_health, list_providers};
use super::listing::{self, ProviderHealth, ProviderListing};
use endpoint::types::Model;
use ui::button::{ButtonTone, SubmitButton};
use ui::figures::{Figure, Figures};
use ui::format::{UNKNOWN, counted, tokens, usd};
use ui::page::{EmptyState, PageHead, Skeleton};
use ui::tag::Dot;
use ui::title::PageTitle;

pub use add::AddProviderPage;
pub use discover::DiscoverPage;
pub use model::ModelPage;
pub use provider::ProviderPage;

/// The list of providers and models.
#[component]
pub fn ProvidersPage() -> impl IntoView {
    let actions = Actions::new();
    let listings = Resource::new(move || actions.version(), |_| list_providers());
    let parameters = use_query_map();
    let query = RwSignal::new(parameters.read_untracked().get("q").unwrap_or_default());
    // A link with another number checks again, also without JavaScript.
    let check =
        Memo::new(move |_| parameters.read().get("check").and_then(|number| number.parse::<u32>().ok()));
    let health = Resource::new(
        move || check.get(),
        async |check| match check {
            Some(_) => check_health().await.unwrap_or_default(),
            None => Vec::new(),
        },
    );
    let next_check = move || format!("/providers?check={}", check.get().unwrap_or_default().wrapping_add(1));
    view! {
        <PageTitle text="Providers & models" />
        <PageHead title="Providers & models" about="Endpoints you can benchmark, and their prices.">
            <FilterForm query />
            <a class="button" href=next_check>
                "Check health"
            </a>
            <RefreshModelsButton action=actions.refresh_models />
            <a class=ButtonTone::Primary.class() href="/providers/new">
                "Add provider"
            </a>
        </PageHead>
        <ActionErrors actions />
        <Transition fallback=|| {
            view! { <Skeleton rows=6 /> }
        }>
            {move || Suspend::new(async move {
                let health = health.await;
                match listings.await {
                    Ok(listings) => Either::Left(view! { <Overview listings health query actions /> }),
                    Err(error) => Either::Right(view! { <LoadError error=error.to_string() /> }),
                }
            })}
        </Transition>
    }
}

/// Filters while typing; without JavaScript the server filters.
#[component]
fn FilterForm(query: RwSignal<String>) -> impl IntoView {
    view! {
        <form method="get" action="/providers" role="search" class="min-w-0" on:submit=|event| event.prevent_default()>
            <label class="field w-56 max-w-full">
                <span class="sr-only">"Filter models"</span>
                <input
                    type="search"
                    name="q"
                    placeholder="Filter models"
                    autocomplete="off"
                    value=query.get_untracked()
                    on:input:target=move |event| query.set(event.target().value())
                />
            </label>
        </form>
    }
}

#[component]
fn RefreshModelsButton(action: ServerAction<RefreshModels>) -> impl IntoView {
    let pending = action.pending();
    view! {
        <ActionForm action>
            <SubmitButton pending>{move || if pending.get() { "Scanning…" } else { "Scan for local servers" }}</SubmitButton>
        </ActionForm>
    }
}

/// Shown in place of content that could not be loaded.
#[component]
fn LoadError(error: String) -> impl IntoView {
    view! {
        <EmptyState>
            <p role="alert">{error}</p>
        </EmptyState>
    }
}

#[component]
fn Overview(
    listings: Vec<ProviderListing>,
    health: Vec<ProviderHealth>,
    query: RwSignal<String>,
    actions: Actions,
) -> impl IntoView {
    let figures = view! { <KeyFigures listings=&listings /> };
    let health: HashMap<_, _> =
        health.into_iter().map(|health| (health.provider_key.clone(), health)).collect();
    let filtered = Memo::new(move |_| listing::matching(&listings, &query.read()));
    view! {
        {figures}
        <div class="grid gap-3.5">
            {move || {
                let filtered = filtered.get();
                if filtered.is_empty() {
                    Either::Left(view! { <NothingFound query=query.get() /> })
                } else {
                    let open = !query.read().trim().is_empty();
                    Either::Right(
                        filtered
                            .into_iter()
                            .map(|listing| {
                                let health = health.get(&listing.provider.key).cloned();
                                view! { <ProviderPanel listing open health actions /> }
                            })
                            .collect_view(),
                    )
                }
            }}
        </div>
    }
}

/// The three key figures.
#[component]
fn KeyFigures<'a>(listings: &'a [ProviderListing]) -> impl IntoView + use<> {
    let ready = listings.iter().filter(|listing| listing.ready()).count();
    let models: usize =
        listings.iter().filter(|listing| listing.ready()).map(|listing| listing.switched_on().count()).sum();
    let providers = if ready == 0 {
        "no provider is ready".to_owned()
    } else {
        format!("on {}", counted(ready, "provider"))
    };
    let cheapest = listing::cheapest_output(listings)
        .map(|(listing, model, price)| (ModelName::of(listing, model), price));
    let largest = listing::largest_context(listings)
        .map(|(listing, model, window)| (ModelName::of(listing, model), window));
    view! {
        <Figures>
            <Figure label="Ready to benchmark" value=models.to_string() unit=if models == 1 { "model" } else { "models" }>
                {providers}
            </Figure>
            {match cheapest {
                Some((name, price)) => Either::Left(view! {
                    <Figure label="Cheapest output" value=usd(price.output_per_mtok) unit="per 1M tokens">
                        {name.view()}
                        <span class="text-muted whitespace-nowrap">{source_of(price)}</span>
                    </Figure>
                }),
                None => Either::Right(view! {
                    <Figure label="Cheapest output" value=UNKNOWN>"add a provider with list prices"</Figure>
                }),
            }}
            {match largest {
                Some((name, window)) => Either::Left(view! {
                    <Figure label="Largest context" value=tokens(window) unit="tokens">
                        {name.view()}
                    </Figure>
                }),
                None => Either::Right(view! {
                    <Figure label="Largest context" value=UNKNOWN>"add a real model"</Figure>
                }),
            }}
        </Figures>
    }
}

/// The model of a figure, in its provider's hue.
#[derive(Clone)]
struct ModelName {
    hue: &'static str,
    name: String,
}

impl ModelName {
    fn of(listing: &ProviderListing, model: &Model) -> Self {
        Self { hue: listing.provider.kind.facts().key, name: model.display_name.clone() }
    }

    fn view(self) -> impl IntoView {
        view! {
            <Dot hue=self.hue />
            <span class="min-w-0 truncate">{self.name}</span>
        }
    }
}

#[component]
fn NothingFound(query: String) -> impl IntoView {
    if query.trim().is_empty() {
        return Either::Left(view! {
            <EmptyState>"No provider yet. Choose “Add provider”, or start a local server and choose “Scan for local servers”."</EmptyState>
        });
    }
    Either::Right(view! {
        <EmptyState>
            "No provider or model matches “" {query} "”. Try fewer words, or part of a model's name."
        </EmptyState>
    })
}
