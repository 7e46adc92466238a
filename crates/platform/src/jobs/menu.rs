//! The menu of the top bar: what runs, how far it is, and what has finished.

use leptos::prelude::*;

use super::api::{CancelJob, load_job_board};
use super::job_list::JobList;
use crate::live::use_event_stream;
use crate::messages::{Job, JobState};
use ui::button::{ButtonTone, SubmitButton};
use ui::disclosure::Menu;
use ui::format::{counted, percent};
use ui::hydration::Deferred;
use ui::icons::{BellIcon, ProgressRing};
use ui::progress::ProgressBar;
use ui::sync_view::IntoSyncAny;
use ui::tag::{Tag, Tone};
use ui::time::{Ago, now_ms};

/// The user's jobs, in the server's HTML and kept current in the browser. It keeps the event stream
/// open: it is on every page of a signed-in user.
#[component]
pub fn JobsMenu() -> impl IntoView {
    use_event_stream().keep_open();
    // Blocking, so that the top bar does not move when the jobs are known.
    let board = Resource::new_blocking(|| (), |()| load_job_board());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                // Jobs that cannot be loaded now come with the event stream.
                let board = board.await.unwrap_or_default();
                view! {
                    <Deferred>
                        <LiveJobsMenu board />
                    </Deferred>
                }
            })}
        </Suspense>
    }
    .into_sync_any()
}

#[component]
fn LiveJobsMenu(board: JobList) -> impl IntoView {
    let board = RwSignal::new(board);
    use_event_stream().listen(move |message| {
        board.maybe_update(|board| board.apply(message, now_ms()));
    });
    let progress = Memo::new(move |_| board.read().progress_pct());
    let active = Memo::new(move |_| board.read().active.len());
    let label = Signal::derive(move || label(active.get(), progress.get()));
    view! {
        <Menu label button=move || view! { <BellButton active progress /> }>
            <div class="grid w-80 max-w-full gap-3 p-2">
                <ActiveJobs board />
                <RecentJobs board />
            </div>
        </Menu>
    }
    .into_sync_any()
}

/// For those who do not see the ring: "Jobs: 2 active, 62 %".
fn label(active: usize, progress_pct: Option<f64>) -> String {
    match progress_pct {
        Some(done) => format!("Jobs: {active} active, {}", percent(done / 100.0)),
        None => "Jobs: none active".to_owned(),
    }
}

/// As wide with a ring and a number as with a menu: nothing moves when a job begins or ends.
#[component]
fn BellButton(active: Memo<usize>, progress: Memo<Option<f64>>) -> impl IntoView {
    let done = Signal::derive(move || progress.get().unwrap_or_default());
    let running = Memo::new(move |_| active.get() > 0);
    view! {
        <span class="num inline-flex w-16 items-center justify-center gap-2">
            <Show when=move || running.get() fallback=BellIcon>
                <ProgressRing percent=done />
                <span>{move || percent(done.get().floor() / 100.0)}</span>
            </Show>
        </span>
    }
    .into_sync_any()
}

#[component]
fn ActiveJobs(board: RwSignal<JobList>) -> impl IntoView {
    let ids = Memo::new(move |_| board.read().active.iter().map(|job| job.id.clone()).collect::<Vec<_>>());
    view! {
        <section aria-labelledby="active-jobs">
            <h2 id="active-jobs" class="text-muted text-xs font-semibold">
                {move || match ids.read().len() {
                    0 => "No active jobs".to_owned(),
                    active => counted(active, "active job"),
                }}
            </h2>
            <ul class="grid gap-3">
                <For each=move || ids.get() key=String::clone let:id>
                    <ActiveJob board id />
                </For>
            </ul>
        </section>
    }
    .into_sync_any()
}

/// Follows one job: changes of others do not touch it.
#[component]
fn ActiveJob(board: RwSignal<JobList>, id: String) -> impl IntoView {
    let first = board.with_untracked(|board| board.active_job(&id).cloned())?;
    let (title, href) = (title_of(&first.job_type), address_of(&first));
    let job = Memo::new({
        let id = id.clone();
        // The last that is known, in the moment between its end and the list's next look.
        move |before: Option<&Job>| {
            board.read().active_job(&id).or(before).cloned().unwrap_or_else(|| first.clone())
        }
    });
    let done = Signal::derive(move || job.read().progress_pct);
    let detail = Signal::derive(move || job.read().progress_detail.clone());
    let state = move || match job.read().status {
        JobState::Running => percent(done.get().floor() / 100.0),
        _ => "queued".to_owned(),
    };
    Some(view! {
        <li class="mt-2 grid gap-1">
            <div class="flex items-baseline justify-between gap-2">
                <JobTitle title=title.clone() href />
                <span class="text-muted num text-xs">{state}</span>
            </div>
            <ProgressBar label=format!("Progress of {title}") done total=100.0 />
            <div class="flex items-center justify-between gap-2">
                <span class="text-soft min-w-0 truncate text-xs">{detail}</span>
                <CancelButton id title detail />
            </div>
        </li>
    })
}

#[component]
fn CancelButton(id: String, title: String, detail: Signal<String>) -> impl IntoView {
    let action = ServerAction::<CancelJob>::new();
    let refused = move || action.value().get().and_then(Result::err).map(|error| error.to_string());
    view! {
        <ActionForm action>
            <input type="hidden" name="job_id" value=id />
            <SubmitButton tone=ButtonTone::Quiet pending=action.pending()>
                "Cancel"
                <span class="sr-only">{move || format!(" {title}: {}", detail.get())}</span>
            </SubmitButton>
        </ActionForm>
        <p role="alert" class="text-error text-xs empty:hidden">
            {refused}
        </p>
    }
    .into_sync_any()
}

#[component]
fn RecentJobs(board: RwSignal<JobList>) -> impl IntoView {
    let recent = Memo::new(move |_| board.read().recent.clone());
    let none = Memo::new(move |_| recent.read().is_empty());
    view! {
        <section aria-labelledby="recent-jobs">
            <h2 id="recent-jobs" class="text-muted text-xs font-semibold">
                {move || if none.get() { "No finished jobs" } else { "Finished" }}
            </h2>
            <ul class="grid gap-1.5">
                <For each=move || recent.get() key=|job| job.id.clone() let:job>
                    <RecentJob job />
                </For>
            </ul>
        </section>
    }
    .into_sync_any()
}

#[component]
fn RecentJob(job: Job) -> impl IntoView {
    let (tone, outcome) = outcome_of(job.status);
    view! {
        <li class="mt-1.5">
            <div class="flex items-baseline gap-2">
                <JobTitle title=title_of(&job.job_type) href=address_of(&job) />
                <Tag tone text=outcome />
                <span class="text-muted ml-auto text-xs">{job.finished_at.map(|at_ms| view! { <Ago at_ms /> })}</span>
            </div>
            <p class="text-soft truncate text-xs">{job.error.unwrap_or(job.progress_detail)}</p>
        </li>
    }
    .into_sync_any()
}

/// A link to the job's page where it has one.
#[component]
fn JobTitle(title: String, href: Option<String>) -> impl IntoView {
    match href {
        Some(href) => view! {
            <a class="link font-medium" href=href>
                {title}
            </a>
        }
        .into_sync_any(),
        None => view! { <span class="font-medium">{title}</span> }.into_sync_any(),
    }
}

/// `tool_eval` as "Tool eval".
fn title_of(job_type: &str) -> String {
    let words = job_type.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Where to see the job: a benchmark has its page from its start, under the id of its result or, until
/// there is one, its own. What was cancelled has left nothing to see.
fn address_of(job: &Job) -> Option<String> {
    let shown = job.job_type == "benchmark" && job.status != JobState::Cancelled;
    shown.then(|| format!("/benchmark/{}", job.result_ref.as_ref().unwrap_or(&job.id)))
}

fn outcome_of(status: JobState) -> (Tone, &'static str) {
    match status {
        JobState::Done => (Tone::Good, "done"),
        JobState::Failed => (Tone::Warning, "failed"),
        other => (Tone::Plain, other.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(job_type: &str, status: JobState, result_ref: Option<&str>) -> Job {
        Job {
            id: "j".into(),
            user_id: None,
            job_type: job_type.into(),
            status,
            progress_pct: 0.0,
            progress_detail: String::new(),
            result_ref: result_ref.map(str::to_owned),
            error: None,
            created_at: 0,
            started_at: None,
            finished_at: None,
        }
    }

    #[test]
    fn the_label_counts() {
        assert_eq!(label(2, Some(62.0)), "Jobs: 2 active, 62 %");
        assert_eq!(label(0, None), "Jobs: none active");
    }

    #[test]
    fn benchmarks_have_a_page_unless_nothing_is_left_of_them() {
        let address = |job| address_of(&job);
        assert_eq!(address(job("benchmark", JobState::Running, None)).unwrap(), "/benchmark/j");
        assert_eq!(address(job("benchmark", JobState::Done, Some("b"))).unwrap(), "/benchmark/b");
        assert_eq!(address(job("benchmark", JobState::Cancelled, None)), None);
        assert_eq!(address(job("tool_eval", JobState::Done, Some("t"))), None);
    }

    #[test]
    fn a_kind_of_job_reads_like_words() {
        assert_eq!(title_of("benchmark"), "Benchmark");
        assert_eq!(title_of("tool_eval"), "Tool eval");
    }
}
