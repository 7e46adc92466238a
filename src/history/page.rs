//! The list of finished benchmarks, newest first.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::api::{DeleteBenchmark, PAGE, list_history};
use crate::benchmark::view::{BenchmarkStatus, Headline, HistoryItem};
use ui::button::{ButtonTone, SubmitButton};
use ui::dialog::ConfirmDialog;
use ui::format::{self, counted, tokens};
use ui::page::{EmptyState, PageHead, Skeleton};
use ui::tag::{Tag, Tone};
use ui::time::Ago;
use ui::title::PageTitle;

/// The history: finished benchmarks, one page at a time.
#[component]
pub fn HistoryPage() -> impl IntoView {
    let query = use_query_map();
    let before = Memo::new(move |_| query.read().get("before"));
    let delete = ServerAction::<DeleteBenchmark>::new();
    let page =
        Resource::new(move || (before.get(), delete.version().get()), |(before, _)| list_history(before));
    let refused = move || delete.value().get().and_then(Result::err).map(|error| error.to_string());
    view! {
        <PageTitle text="History" />
        <PageHead title="History" about="Finished benchmarks, newest first." />
        <p role="alert" class="form-error">
            {refused}
        </p>
        <Transition fallback=|| {
            view! { <Skeleton rows=6 /> }
        }>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(items) if items.is_empty() => Either::Left(view! { <Nothing older=before.get().is_some() /> }),
                    Ok(items) => Either::Right(Either::Left(view! { <Items items delete /> })),
                    Err(error) => {
                        Either::Right(
                            Either::Right(
                                view! {
                                    <EmptyState>
                                        <p role="alert">{error.to_string()}</p>
                                    </EmptyState>
                                },
                            ),
                        )
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn Nothing(older: bool) -> impl IntoView {
    view! {
        <EmptyState>
            <p>{if older { "No older benchmarks." } else { "No benchmarks yet." }}</p>
            <p class="mt-2">
                <a class="link" href=if older { "/history" } else { "/benchmark" }>
                    {if older { "Back to newest" } else { "Start a benchmark" }}
                </a>
            </p>
        </EmptyState>
    }
}

#[component]
fn Items(items: Vec<HistoryItem>, delete: ServerAction<DeleteBenchmark>) -> impl IntoView {
    let full = items.len() >= PAGE as usize;
    let older = items.last().filter(|_| full).map(|item| format!("/history?before={}", item.id));
    view! {
        <ul class="panel history mt-3.5">
            {items.into_iter().map(|item| view! { <Item item delete /> }).collect_view()}
        </ul>
        <nav class="mt-3 flex gap-2" aria-label="Pages">
            {older
                .map(|older| {
                    view! {
                        <a class="button" href=older>
                            "Older"
                        </a>
                    }
                })}
        </nav>
    }
}

#[component]
fn Item(item: HistoryItem, delete: ServerAction<DeleteBenchmark>) -> impl IntoView {
    let title = title(&item.headline);
    let failed = item.status == BenchmarkStatus::Failed;
    let Headline { fastest, reported, .. } = item.headline;
    let href = format!("/benchmark/{}", item.id);
    view! {
        <li class="history-item">
            <div class="min-w-0">
                <a class="link font-medium" href=href>
                    {title.clone()}
                </a>
                {reported.then(|| view! { <Tag text="reported" /> })}
                {failed.then(|| view! { <Tag tone=Tone::Warning text="failed" /> })}
                <p class="text-soft mt-0.5 text-[13px] [overflow-wrap:anywhere]">
                    {tiers(&item.context_tiers)} " · " {counted(item.runs as usize, "run")} " · “"
                    {item.prompt} "”"
                </p>
            </div>
            <p class="text-[13px]">
                {fastest
                    .map(|(model, speed)| {
                        view! {
                            <span class="num font-semibold">{format::number(speed)}</span>
                            <span class="unit">"tok/s"</span>
                            <span class="text-soft block truncate text-xs">{model}</span>
                        }
                    })}
            </p>
            <p class="text-soft text-[13px]">
                <Ago at_ms=item.finished_at.unwrap_or(item.created_at) />
            </p>
            <ConfirmDialog
                id=format!("delete-{}", item.id)
                trigger="Delete"
                trigger_label=format!("Delete {title}")
                trigger_tone=ButtonTone::Quiet
                title="Delete this benchmark?"
            >
                <p>{format!("{title} and its results will be permanently deleted.")}</p>
                <ActionForm action=delete>
                    <input type="hidden" name="id" value=item.id.clone() />
                    <SubmitButton tone=ButtonTone::Danger pending=delete.pending()>
                        "Delete"
                    </SubmitButton>
                </ActionForm>
            </ConfirmDialog>
        </li>
    }
}

/// The models, the first ones by name.
fn title(headline: &Headline) -> String {
    let named = headline.models.join(", ");
    let more = headline.model_count.saturating_sub(headline.models.len() as u64);
    match (named.is_empty(), more) {
        (true, _) => "Benchmark without a result".to_owned(),
        (false, 0) => named,
        (false, more) => format!("{named} and {more} more"),
    }
}

fn tiers(tiers: &[u64]) -> String {
    let sizes: Vec<_> = tiers.iter().map(|tier| tokens(*tier)).collect();
    format!("context {}", sizes.join(", "))
}
