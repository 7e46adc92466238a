//! The head of a benchmark's page: its title, parameters, time and actions.

use leptos::prelude::*;

use super::api::RunAgain;
use super::live::LiveBenchmark;
use super::sentence;
use crate::jobs::JobState;
use crate::jobs::api::CancelJob;
use bench::types::Parameters;
use ui::button::{ButtonTone, SubmitButton};
use ui::dialog::ConfirmDialog;
use ui::format::counted;
use ui::page::Panel;
use ui::raw_text::NoScript;
use ui::sync_view::IntoSyncAny;
use ui::time::Ago;

/// Maximum number of characters of the prompt in the head.
const QUOTE_CHARS: usize = 48;

/// Shows "4 models, 2 context sizes, 3 runs" and the actions.
#[component]
pub fn ResultHead(benchmark: LiveBenchmark, targets: usize, created_at: i64) -> impl IntoView {
    let (title, about) = benchmark.parameters.with_value(|asked| (title(targets, asked), about(asked)));
    let active = Memo::new(move |_| benchmark.is_active());
    let started = move || match benchmark.job.get() {
        JobState::Pending | JobState::Queued => "Queued",
        _ => "Started",
    };
    // Has the same width while running and afterwards, so that the text beside the buttons does not wrap
    // differently.
    view! {
        <div class="flex flex-wrap items-start gap-x-4 gap-y-2">
            <div class="min-w-0 flex-1 basis-64">
                <h1 class="text-[19px] leading-snug font-bold tracking-tight">{title}</h1>
                <p class="text-soft mt-0.5 [overflow-wrap:anywhere]">{started} " " <Ago at_ms=created_at /> " · " {about}</p>
            </div>
            <div class="flex flex-wrap items-center gap-2 sm:min-w-44 sm:justify-end">
                <Show
                    when=move || active.get()
                    fallback=move || {
                        view! {
                            <RunAgainButton benchmark />
                            <ExportLinks benchmark />
                        }
                    }
                >
                    <CancelButton benchmark />
                </Show>
            </div>
        </div>
    }
    .into_sync_any()
}

fn title(models: usize, asked: &Parameters) -> String {
    [
        counted(models, "model"),
        counted(asked.context_tiers.len(), "context size"),
        counted(asked.runs as usize, "run"),
    ]
    .join(", ")
}

fn about(asked: &Parameters) -> String {
    let prompt = asked.prompt.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = match prompt.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", prompt.get(..end).unwrap_or(&prompt).trim_end()),
        None => prompt,
    };
    let warmup = if asked.warmup { "warm-up on" } else { "no warm-up" };
    format!("“{quoted}” · max {} tokens · temp {} · {warmup}", asked.max_tokens, asked.temperature)
}

#[component]
fn RunAgainButton(benchmark: LiveBenchmark) -> impl IntoView {
    let action = ServerAction::<RunAgain>::new();
    let refused = move || action.value().get().and_then(Result::err).map(|error| sentence(&error));
    view! {
        <ActionForm action>
            <input type="hidden" name="id" value=benchmark.id() />
            <SubmitButton pending=action.pending()>"Run again"</SubmitButton>
        </ActionForm>
        <p role="alert" class="text-error basis-full text-xs empty:hidden">
            {refused}
        </p>
    }
}

#[component]
fn ExportLinks(benchmark: LiveBenchmark) -> impl IntoView {
    let id = benchmark.id();
    view! {
        <a class="button" href=format!("/api/history/{id}") download=format!("benchmark-{id}.json") rel="external">
            "Export"
        </a>
    }
}

#[component]
fn CancelButton(benchmark: LiveBenchmark) -> impl IntoView {
    let action = ServerAction::<CancelJob>::new();
    let refused = move || action.value().get().and_then(Result::err).map(|error| sentence(&error));
    let lost = Memo::new(move |_| {
        benchmark.with_rows(|rows| rows.iter().map(|row| row.made() as usize).sum::<usize>())
    });
    view! {
        <ConfirmDialog id="cancel-benchmark" trigger="Cancel" keep="Keep running" title="Cancel this benchmark?">
            <p>
                {move || match lost.get() {
                    0 => "No results yet.".to_owned(),
                    runs => format!("The results so far ({}) will be discarded.", counted(runs, "run")),
                }}
            </p>
            <ActionForm action>
                <input type="hidden" name="job_id" value=benchmark.id() />
                <SubmitButton tone=ButtonTone::Danger pending=action.pending()>
                    "Cancel benchmark"
                </SubmitButton>
            </ActionForm>
            <p role="alert" class="text-error text-xs empty:hidden">
                {refused}
            </p>
        </ConfirmDialog>
    }
    .into_sync_any()
}

/// Shows why the benchmark is queued or why it ended. Reloads the page of a running benchmark without
/// JavaScript.
#[component]
pub fn StateNotice(benchmark: LiveBenchmark) -> impl IntoView {
    let notice = move || {
        let failed = || benchmark.error.get().unwrap_or_else(|| "Failed for an unknown reason.".to_owned());
        match benchmark.job.get() {
            JobState::Pending | JobState::Queued => {
                Some("Queued. Starts automatically when its turn comes.".to_owned())
            }
            JobState::Running if benchmark.rows.read().is_empty() => Some("Starting…".to_owned()),
            JobState::Running | JobState::Done => None,
            JobState::Interrupted => Some("Interrupted. Resumes when the server is back.".to_owned()),
            JobState::Failed => Some(format!("{} Partial results below.", failed())),
            JobState::Cancelled => Some("Cancelled. Results were discarded.".to_owned()),
        }
    };
    let refresh = benchmark.job.get_untracked().is_active().then(|| {
        view! { <NoScript html="<meta http-equiv=\"refresh\" content=\"3\">" /> }
    });
    view! {
        <div aria-live="polite">
            {move || {
                notice()
                    .map(|text| {
                        view! {
                            <div class="mt-3.5">
                                <Panel>
                                    <p class="text-soft px-4.5 py-3">{text}</p>
                                </Panel>
                            </div>
                        }
                    })
            }}
        </div>
        {refresh}
    }
    .into_sync_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_contains_counts_and_the_quoted_prompt() {
        let asked = Parameters {
            context_tiers: vec![0, 5_000],
            prompt: "Explain\n recursion  to someone who has just learned what a function is.".into(),
            ..Parameters::default()
        };
        assert_eq!(title(4, &asked), "4 models, 2 context sizes, 3 runs");
        assert_eq!(
            about(&asked),
            "“Explain recursion to someone who has just learne…” · max 512 tokens · temp 0.7 · warm-up on"
        );
    }
}
