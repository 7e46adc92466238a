//! The layout of both benchmark pages: the form stays beside the results, so that a benchmark can be
//! repeated.

use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_query_map};

use super::api::load_set_up;
use super::sentence;
use super::set_up_form::SetUpForm;
use ui::hydration::Deferred;
use ui::page::{EmptyState, Skeleton};
use ui::sync_view::IntoSyncAny;
use ui::title::PageTitle;

/// Shows the form and the page beside it.
#[component]
pub fn Workbench() -> impl IntoView {
    let pathname = use_location().pathname;
    let shown = Memo::new(move |_| pathname.read().strip_prefix("/benchmark/").map(str::to_owned));
    let asked = use_query_map().read_untracked().get("like");
    // The form is loaded once: opening another benchmark must not overwrite the user's input.
    let like = shown.get_untracked().filter(|id| !id.is_empty()).or(asked);
    let set_up = Resource::new(|| (), move |()| load_set_up(like.clone()));
    let folded = Memo::new(move |_| shown.read().is_some());
    view! {
        <div class="workbench" data-results=move || folded.get().then_some("")>
            <details class="set-up" open=move || !folded.get()>
                <summary class="button">"New benchmark"</summary>
                <Suspense fallback=|| {
                    view! { <Skeleton rows=12 /> }
                }>
                    {move || Suspend::new(async move {
                        match set_up.await {
                            Ok(set_up) if set_up.menu.groups.is_empty() => {
                                view! { <NothingConfigured /> }.into_sync_any()
                            }
                            Ok(set_up) => {
                                view! {
                                    <Deferred>
                                        <SetUpForm set_up />
                                    </Deferred>
                                }
                                    .into_sync_any()
                            }
                            Err(error) => {
                                view! {
                                    <EmptyState>
                                        <p role="alert">{sentence(&error)}</p>
                                    </EmptyState>
                                }
                                    .into_sync_any()
                            }
                        }
                    })}
                </Suspense>
            </details>
            <div class="min-w-0">
                <Outlet />
            </div>
            <span class="workbench-end" hidden></span>
        </div>
    }
    .into_sync_any()
}

#[component]
fn NothingConfigured() -> impl IntoView {
    view! {
        <EmptyState>
            <p>"No models to benchmark yet."</p>
            <p class="mt-2">
                <a class="link" href="/providers">
                    "Add a provider"
                </a>
                " or start a local server, then reload this page."
            </p>
        </EmptyState>
    }
}

/// The placeholder beside the form before a benchmark is opened.
#[component]
pub fn StartHere() -> impl IntoView {
    view! {
        <PageTitle text="Benchmark" />
        <h1 class="sr-only">"Benchmark"</h1>
        // Aligned with the form beside it.
        <div class="lg:-mt-3.5">
            <EmptyState>
                <p class="text-base-content font-semibold">"Choose models and press Run."</p>
                <p class="mx-auto mt-2 max-w-md">
                    "The speed, time to first token and cost of each model appear here as results come in. Providers run in parallel; models within a provider run one at a time."
                </p>
                <p class="mt-3">
                    <a class="link" href="/history">
                        "Earlier benchmarks"
                    </a>
                </p>
            </EmptyState>
        </div>
    }
    .into_sync_any()
}

/// The error page for a benchmark that cannot be shown.
#[component]
pub(super) fn NotShown(title: &'static str, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <PageTitle text=title />
        <EmptyState>
            <h1 class="text-base-content font-semibold">{title}</h1>
            <p class="mt-2">{text}</p>
            <p class="mt-3">
                <a class="link" href="/history">
                    "Earlier benchmarks"
                </a>
            </p>
        </EmptyState>
    }
    .into_sync_any()
}
