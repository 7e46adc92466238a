//! The page that lists a provider's models for selection.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::LoadError;
use super::actions::error_of;
use crate::providers::api::{AddModels, Candidate, discover_models};
use ui::button::{ButtonTone, SubmitButton};
use ui::format::{UNKNOWN, tokens, usd};
use ui::page::{EmptyState, PageHead, Skeleton};
use ui::tag::Tag;
use ui::title::PageTitle;

/// The page for adding listed models.
#[component]
pub fn DiscoverPage() -> impl IntoView {
    let parameters = use_params_map();
    let provider = Memo::new(move |_| parameters.read().get("provider").unwrap_or_default());
    let candidates = Resource::new(move || provider.get(), discover_models);
    view! {
        <PageTitle text="Find models" />
        <PageHead title="Find models" about="Chat models currently available from this provider." />
        <Transition fallback=|| {
            view! { <Skeleton rows=8 /> }
        }>
            {move || Suspend::new(async move {
                match candidates.await {
                    Ok(candidates) => {
                        Either::Left(view! { <PickList provider=provider.get_untracked() candidates /> })
                    }
                    Err(ServerFnError::ServerError(error)) => Either::Right(view! { <LoadError error /> }),
                    Err(error) => Either::Right(view! { <LoadError error=error.to_string() /> }),
                }
            })}
        </Transition>
        <p class="mt-3.5">
            <a class="link" href=move || format!("/providers/{}", provider.get())>
                "Back to provider"
            </a>
        </p>
    }
}

#[component]
fn PickList(provider: String, candidates: Vec<Candidate>) -> impl IntoView {
    let add = ServerAction::<AddModels>::new();
    if candidates.is_empty() {
        return Either::Left(view! {
            <EmptyState>"No chat models found. Load one on the server and try again."</EmptyState>
        });
    }
    let only = candidates.len() == 1;
    Either::Right(view! {
        <ActionForm action=add>
            <input type="hidden" name="provider" value=provider />
            <div class="panel mt-3.5 overflow-hidden">
                <table class="data-table table-fixed">
                    <thead>
                        <tr>
                            <th scope="col">"Model"</th>
                            <th scope="col" class="n w-18 sm:w-22">"Context"</th>
                            <th scope="col" class="n hidden w-28 sm:table-cell">"Output price"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {candidates
                            .into_iter()
                            .map(|candidate| view! { <CandidateRow candidate checked=only /> })
                            .collect_view()}
                    </tbody>
                </table>
            </div>
            <p class="form-error mt-2" role="alert">
                {move || error_of(add)}
            </p>
            <SubmitButton tone=ButtonTone::Primary pending=add.pending()>
                "Add selected models"
            </SubmitButton>
        </ActionForm>
    })
}

#[component]
fn CandidateRow(candidate: Candidate, checked: bool) -> impl IntoView {
    let Candidate { model, here } = candidate;
    let named = (model.display_name != model.id).then(|| model.id.clone());
    view! {
        <tr>
            <td class="[overflow-wrap:anywhere]">
                <label class="flex items-center gap-2.5">
                    <input
                        type="checkbox"
                        class="accent-primary"
                        name="models[]"
                        value=model.id
                        checked=here || checked
                        disabled=here
                    />
                    <span>
                        {model.display_name}
                        {named.map(|id| view! { <span class="text-muted ml-2 text-xs">{id}</span> })}
                    </span>
                    {here.then(|| view! { <Tag text="added" /> })}
                </label>
            </td>
            <td class="n">{model.context_window.map_or(UNKNOWN.to_owned(), tokens)}</td>
            <td class="n hidden sm:table-cell">
                {model.price.map_or(UNKNOWN.to_owned(), |price| usd(price.output_per_mtok))}
            </td>
        </tr>
    }
}
