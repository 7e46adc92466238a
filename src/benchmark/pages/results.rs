//! The page of one benchmark, running or finished.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::charts::Charts;
use super::highlights_row::HighlightsRow;
use super::live::{LiveBenchmark, MessageBuffer};
use super::provider_progress::ProviderProgressPanel;
use super::remarks_list::Remarks;
use super::result_head::{ResultHead, StateNotice};
use super::result_table::ResultTable;
use super::sentence;
use super::workbench::NotShown;
use crate::benchmark::api::load_benchmark;
use crate::benchmark::page_row::PageRow;
use crate::benchmark::view::BenchmarkView;
use crate::jobs::JobState;
use crate::live::use_event_stream;
use ui::hydration::Deferred;
use ui::page::Skeleton;
use ui::sync_view::IntoSyncAny;
use ui::title::PageTitle;

/// Loads the benchmark of the URL and shows it.
#[component]
pub fn ResultsPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let buffer = MessageBuffer::listen();
    let load = move |id| {
        buffer.begin();
        load_benchmark(id)
    };
    let benchmark = Resource::new(move || id.get(), load);
    view! {
        <Suspense fallback=|| {
            view! { <Skeleton rows=8 /> }
        }>
            {move || Suspend::new(async move {
                match benchmark.await {
                    Ok(view) => view! { <Results view buffer /> }.into_sync_any(),
                    Err(error) => {
                        view! { <NotShown title="This benchmark can’t be shown" text=sentence(&error) /> }.into_sync_any()
                    }
                }
            })}
        </Suspense>
    }
    .into_sync_any()
}

#[component]
fn Results(view: BenchmarkView<PageRow>, buffer: MessageBuffer) -> impl IntoView {
    let created_at = view.created_at;
    let targets = view.targets.len();
    let benchmark = LiveBenchmark::of(view);
    let watched = benchmark.job.get_untracked().is_active();
    buffer.apply_to(benchmark);
    use_event_stream().listen(move |message| benchmark.on_message(message));
    if watched {
        load_again(benchmark);
    }
    let measured =
        Memo::new(move |_| !benchmark.rows.read().is_empty() && benchmark.job.get() != JobState::Cancelled);
    view! {
        <PageTitle text="Benchmark" />
        <Deferred>
            <ResultHead benchmark targets created_at />
        </Deferred>
        <StateNotice benchmark />
        <Show when=move || measured.get()>
            <Deferred>
                <HighlightsRow benchmark />
            </Deferred>
        </Show>
        // Remains visible at the end, so that the content below does not move.
        <Show when=move || watched && measured.get()>
            <ProviderProgressPanel benchmark />
        </Show>
        <Show when=move || measured.get()>
            <Charts benchmark />
            <Deferred>
                <ResultTable benchmark />
            </Deferred>
            <Remarks benchmark />
        </Show>
        <Announcer benchmark />
    }
    .into_sync_any()
}

/// Reloads the benchmark at its end, when the client's health is known, and whenever the page has missed its
/// final event.
fn load_again(benchmark: LiveBenchmark) {
    let reasons = Memo::new(move |_| (!benchmark.is_active(), benchmark.times_outdated()));
    Effect::new(move |_| {
        if reasons.get() == (false, 0) {
            return;
        }
        leptos::task::spawn_local(async move {
            if let Ok(view) = load_benchmark(benchmark.id()).await {
                benchmark.refresh(view);
            }
        });
    });
}

/// Announces finished rows to screen readers, one at a time.
#[component]
fn Announcer(benchmark: LiveBenchmark) -> impl IntoView {
    let runs = benchmark.parameters.with_value(|asked| u64::from(asked.runs));
    let done =
        Memo::new(move |_| benchmark.with_rows(|rows| rows.iter().filter(|row| row.made() >= runs).count()));
    let first = done.get_untracked();
    let text = move || {
        let (done, all) = (done.get(), benchmark.rows.read().len());
        (done != first).then(|| format!("{done} of {all} rows measured"))
    };
    view! {
        <p class="sr-only" role="status" aria-live="polite">
            {text}
        </p>
    }
}
