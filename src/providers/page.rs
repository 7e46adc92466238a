//! The page of providers and models: what can be measured, and how to add more.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::api::{LookAgain, list_providers};
use super::listing::{self, KeyState, ModelListing, ProviderListing};
use super::types::{Model, Price, PriceSource, ProviderKind};
use crate::ui::figures::{Figure, Figures};
use crate::ui::format::{UNKNOWN, counted, tokens, usd};
use crate::ui::page::{EmptyState, PageHead, Skeleton};
use crate::ui::tag::{Dot, Tag, Tone};

/// Keeps the panel's edge where the columns to the right are hidden.
const LAST_ON_NARROW: &str = "max-lg:pr-4.5";

/// A provider with more models than this is folded until it is asked for.
const FOLDED_FROM: usize = 30;

/// What can be measured.
#[component]
pub fn ProvidersPage() -> impl IntoView {
    let look_again = ServerAction::<LookAgain>::new();
    let listings = Resource::new(move || look_again.version().get(), |_| list_providers());
    let query = RwSignal::new(use_query_map().read_untracked().get("q").unwrap_or_default());
    view! {
        <Title text="Providers & models" />
        <PageHead title="Providers & models" about="What can be measured from here, and what it costs.">
            <FilterForm query />
            <LookAgainButton action=look_again />
        </PageHead>
        <Transition fallback=|| {
            view! { <Skeleton rows=6 /> }
        }>
            {move || Suspend::new(async move {
                match listings.await {
                    Ok(listings) => Either::Left(view! { <Overview listings query /> }),
                    Err(error) => Either::Right(view! { <Failure error=error.to_string() /> }),
                }
            })}
        </Transition>
    }
}

/// Filters as one types; without JavaScript it asks the server.
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
fn LookAgainButton(action: ServerAction<LookAgain>) -> impl IntoView {
    let pending = action.pending();
    view! {
        <ActionForm action>
            <button class="button" disabled=pending>
                {move || if pending.get() { "Looking…" } else { "Look again" }}
            </button>
        </ActionForm>
    }
}

#[component]
fn Failure(error: String) -> impl IntoView {
    view! {
        <EmptyState>
            <p role="alert">{error}</p>
        </EmptyState>
    }
}

#[component]
fn Overview(listings: Vec<ProviderListing>, query: RwSignal<String>) -> impl IntoView {
    let missing = listing::missing_kinds(&listings);
    let figures = view! { <Answers listings=&listings /> };
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
                            .map(|listing| view! { <ProviderPanel listing open /> })
                            .collect_view(),
                    )
                }
            }}
        </div>
        <NextStep />
        <MoreProviders missing />
    }
}

/// The three figures that matter.
#[component]
fn Answers<'a>(listings: &'a [ProviderListing]) -> impl IntoView + use<> {
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
            <Figure label="Ready to measure" value=models.to_string() unit=if models == 1 { "model" } else { "models" }>
                {providers}
            </Figure>
            {match cheapest {
                Some((name, price)) => Either::Left(view! {
                    <Figure label="Cheapest output" value=usd(price.output_per_mtok) unit="per Mtok">
                        {name.view()}
                        <span class="text-muted whitespace-nowrap">{source_of(price)}</span>
                    </Figure>
                }),
                None => Either::Right(view! {
                    <Figure label="Cheapest output" value=UNKNOWN>"known once a provider with list prices is here"</Figure>
                }),
            }}
            {match largest {
                Some((name, window)) => Either::Left(view! {
                    <Figure label="Largest context" value=tokens(window) unit="tokens">
                        {name.view()}
                    </Figure>
                }),
                None => Either::Right(view! {
                    <Figure label="Largest context" value=UNKNOWN>"known once a real model is here"</Figure>
                }),
            }}
        </Figures>
    }
}

/// Names a model beside a figure, in its provider's hue.
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
            <EmptyState>"No provider yet. Add one as below, then choose “Look again”."</EmptyState>
        });
    }
    Either::Right(view! {
        <EmptyState>
            "No provider or model matches “" {query} "”. Try fewer words, or part of a model's name."
        </EmptyState>
    })
}

/// One provider with its models. `open` unfolds even a long list.
#[component]
fn ProviderPanel(listing: ProviderListing, open: bool) -> impl IntoView {
    let unfolded = open || listing.models.len() < FOLDED_FROM;
    let count = counted(listing.models.len(), "model");
    let problem = listing.problem.clone().map(|problem| {
        view! { <p class="border-line-soft text-warning border-t px-4.5 py-2.5 text-[13px]">{problem}</p> }
    });
    view! {
        <details class="panel group overflow-hidden" open=unfolded>
            <summary class="flex cursor-pointer flex-wrap items-center gap-x-2.5 gap-y-1 px-4.5 py-3">
                <Dot hue=listing.provider.kind.facts().key />
                <h2 class="font-semibold">{listing.provider.display_name.clone()}</h2>
                <ProviderTags listing=&listing />
                <span class="text-muted w-full truncate text-xs sm:ml-auto sm:w-auto">
                    <span class="num">{count}</span>
                    " · "
                    {listing.provider.base_url.clone()}
                </span>
            </summary>
            {problem}
            <ModelTable models=listing.models simulated=listing.provider.simulated() />
        </details>
    }
}

#[component]
fn ProviderTags<'a>(listing: &'a ProviderListing) -> impl IntoView + use<> {
    let local = listing.local();
    let key = listing.key.clone();
    view! {
        {local.then(|| view! { <Tag text="local" /> })}
        {match key {
            KeyState::NotNeeded => None,
            KeyState::Missing => Some(view! { <Tag tone=Tone::Warning text="no key" /> }),
            KeyState::Locked { .. } => Some(view! { <Tag tone=Tone::Warning text="key of another address" /> }),
            KeyState::Saved { .. } | KeyState::Environment(_) | KeyState::Shared => {
                Some(view! { <Tag tone=Tone::Good text="key set" /> })
            }
        }}
    }
}

#[component]
fn ModelTable(models: Vec<ModelListing>, simulated: bool) -> impl IntoView {
    if models.is_empty() {
        return Either::Left(view! {
            <p class="border-line-soft text-soft border-t px-4.5 py-3">
                "No models known yet. Choose “Look again” to ask for them."
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
            <tbody>{models.into_iter().map(|model| view! { <ModelRow model=model.model simulated /> }).collect_view()}</tbody>
        </table>
    })
}

#[component]
fn ModelRow(model: Model, simulated: bool) -> impl IntoView {
    let price = model.price;
    let named = (model.display_name != model.id).then(|| model.id.clone());
    view! {
        <tr>
            <td class="break-words [overflow-wrap:anywhere]">
                {model.display_name} {named.map(|id| view! { <span class="text-muted ml-2 text-xs">{id}</span> })}
            </td>
            <TokensCell count=model.context_window />
            <TokensCell count=model.max_output_tokens class="hidden md:table-cell" />
            <PriceCell amount=price.map(|price| price.input_per_mtok) class="hidden sm:table-cell" />
            <PriceCell amount=price.and_then(|price| price.cached_input_per_mtok) class="hidden md:table-cell" />
            <PriceCell amount=price.map(|price| price.output_per_mtok) class=LAST_ON_NARROW />
            <td class="text-muted hidden pl-6 text-xs whitespace-nowrap lg:table-cell">
                {match price {
                    Some(price) => source_of(price),
                    None if simulated => "simulated, costs nothing",
                    None => "not known",
                }}
            </td>
        </tr>
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
            {amount.map(|_| view! { <span class="text-muted ml-0.5 text-[0.86em]">"/Mtok"</span> })}
        </td>
    }
}

fn source_of(price: Price) -> &'static str {
    match price.source {
        PriceSource::Catalog => "catalog price",
        PriceSource::Custom => "custom price",
    }
}

/// What to do with the models above.
#[component]
fn NextStep() -> impl IntoView {
    view! {
        <section class="mt-8" aria-labelledby="next-step">
            <h2 id="next-step" class="font-semibold">
                "Measure them"
            </h2>
            <p class="text-soft mt-0.5">"In a terminal, in the directory of the repository:"</p>
            <pre class="panel mt-2 overflow-x-auto px-3.5 py-2.5 font-mono text-[12.5px]" tabindex="0">
                "target/release/llm-studio bench --provider demo --runs 3"
            </pre>
        </section>
    }
}

/// What else could be measured, and what to do for it.
#[component]
fn MoreProviders(missing: Vec<ProviderKind>) -> impl IntoView {
    let (local, hosted): (Vec<_>, Vec<_>) = missing.into_iter().partition(|kind| kind.facts().local);
    view! {
        <section class="mt-8" aria-labelledby="more-providers">
            <h2 id="more-providers" class="font-semibold">
                "More providers"
            </h2>
            <p class="text-soft mt-0.5">
                "Set a provider's key in the environment and start again, or start a local server and choose “Look again”."
            </p>
            <ul class="mt-3 grid gap-x-6 gap-y-2 sm:grid-cols-2 xl:grid-cols-3">
                {hosted
                    .into_iter()
                    .map(|kind| view! { <MissingKind kind hint=kind.facts().key_env.join(" or ") /> })
                    .collect_view()}
                {local
                    .into_iter()
                    .map(|kind| view! { <MissingKind kind hint=kind.facts().base_url.unwrap_or_default() /> })
                    .collect_view()}
            </ul>
        </section>
    }
}

#[component]
fn MissingKind(kind: ProviderKind, #[prop(into)] hint: String) -> impl IntoView {
    let facts = kind.facts();
    view! {
        <li class="flex min-w-0 items-baseline gap-2">
            <Dot hue=facts.key />
            <span class="whitespace-nowrap">{facts.display_name}</span>
            <code class="text-muted min-w-0 truncate font-mono text-xs">{hint}</code>
        </li>
    }
}
