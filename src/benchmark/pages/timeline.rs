//! The chunks of one run over time. The run is chosen and its chunk times are loaded here, as are the runs of
//! its row if the page does not contain them.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::live::LiveBenchmark;
use super::sentence;
use crate::benchmark::api::{load_runs, load_timeline};
use crate::benchmark::page_row::PageRow;
use crate::benchmark::report::{hue_of, remarks};
use bench::types::ResultRow;
use endpoint::ModelRef;
use ui::chart::{Chart, ChartSize, ChartSpec, Timeline};
use ui::form::{Select, SelectOption};
use ui::sync_view::IntoSyncAny;

/// Identifies one run: its row's index in the report and its number.
type RunName = (usize, u64);

/// Shows the timeline of one run; the first successful one by default.
#[component]
pub fn TimelineChart(benchmark: LiveBenchmark) -> impl IntoView {
    let rows = Memo::new(move |_| benchmark.with_rows(measured_rows));
    let (chosen_row, chosen_run) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let row = Memo::new(move |_| {
        let rows = rows.read();
        let chosen = chosen_row.read().parse().ok().filter(|place| rows.contains(place));
        chosen.or_else(|| rows.first().copied())
    });
    let runs = Memo::new(move |_| {
        let place = row.get()?;
        benchmark.with_rows(|rows| rows.get(place).and_then(measured_runs))
    });
    let shown = Memo::new(move |_| {
        let place = row.get()?;
        let number = match &*runs.read() {
            Some(runs) => {
                let chosen = chosen_run.read().parse().ok().filter(|number| runs.contains(number));
                chosen.or_else(|| runs.first().copied())
            }
            None => benchmark.with_rows(|rows| rows.get(place).and_then(first_before_loading)),
        };
        Some((place, number?))
    });
    // Shows the last chart while the next is loading. This is no resource, because the page's suspense would
    // wait for it.
    let latest = RwSignal::new(None);
    Effect::new(move |_| {
        let Some(name) = shown.get() else { return };
        spawn_local(async move {
            let found = load(benchmark, name).await;
            // Another run may have been chosen meanwhile, and the component may be unmounted.
            if found.is_some() && shown.try_get_untracked() == Some(Some(name)) {
                latest.try_set(found);
            }
        });
    });
    let spec = Signal::derive(move || {
        latest.get().unwrap_or_else(|| {
            ChartSpec::Timeline(Timeline { ttft_ms: 0.0, deltas_ms: Vec::new(), hue: String::new() })
        })
    });
    let subtitle = Signal::derive(move || {
        let number = shown.get().map(|(_, number)| number);
        let place = row.get();
        match place
            .and_then(|place| benchmark.with_rows_untracked(|rows| Some(label(rows.get(place)?, number))))
        {
            Some(name) => format!("{name}: one tick per chunk"),
            None if benchmark.is_active() => "waiting for the first result".to_owned(),
            None => "no per-chunk timings were recorded".to_owned(),
        }
    });
    view! {
        <div class="min-w-0">
            <Chart title="Token timeline" subtitle spec size=ChartSize::Short />
            // Hidden while results arrive, because an open list must not change.
            <div class="needs-script mt-2 grid min-h-14 grid-cols-2 gap-3">
                {move || {
                    let rows = rows.get();
                    if benchmark.is_active() || rows.is_empty() {
                        return Either::Left(());
                    }
                    let options = benchmark.with_rows_untracked(|all| {
                        let option = |place: &usize| {
                            Some(SelectOption::new(place.to_string(), remarks::label(all.get(*place)?)))
                        };
                        rows.iter().filter_map(option).collect()
                    });
                    Either::Right(view! {
                        <div class="min-w-0">
                            <Select label="Model" name="timeline-row" options bind=chosen_row />
                        </div>
                        <RunChoice benchmark row runs chosen=chosen_run />
                    })
                }}
            </div>
        </div>
    }
    .into_sync_any()
}

/// Chooses a run of the row. The runs are loaded if the page does not contain them.
#[component]
fn RunChoice(
    benchmark: LiveBenchmark,
    row: Memo<Option<usize>>,
    /// `None` until they are loaded.
    runs: Memo<Option<Vec<u64>>>,
    chosen: RwSignal<String>,
) -> impl IntoView {
    // The index of the row, and the reason.
    let failure = RwSignal::new(None::<(usize, String)>);
    let attempts = RwSignal::new(0_u32);
    Effect::new(move |_| {
        attempts.track();
        let Some(place) = row.get().filter(|_| runs.read().is_none()) else { return };
        failure.set(None);
        spawn_local(async move {
            if let Err(reason) = load_into(benchmark, place).await {
                // The component may be unmounted.
                failure.try_set(Some((place, reason)));
            }
        });
    });
    let failed = Memo::new(move |_| {
        let failure = failure.read();
        failure.as_ref().filter(|(place, _)| row.get() == Some(*place)).map(|(_, reason)| reason.clone())
    });
    view! {
        <div class="min-w-0">
            {move || match (runs.get(), failed.get()) {
                (Some(runs), _) => {
                    let option = |number: &u64| SelectOption::new(number.to_string(), number.to_string());
                    let options = runs.iter().map(option).collect();
                    EitherOf3::A(view! { <Select label="Run" name="timeline-run" options bind=chosen /> })
                }
                (None, None) => {
                    let options = vec![SelectOption::new("", "Loading…")];
                    EitherOf3::B(view! { <Select label="Run" name="timeline-run" options /> })
                }
                (None, Some(reason)) => {
                    EitherOf3::C(
                        view! {
                            <p role="alert" class="text-error text-xs">
                                {reason}
                            </p>
                            <button
                                type="button"
                                class="button button-quiet text-xs"
                                on:click=move |_| attempts.update(|attempts| *attempts += 1)
                            >
                                "Load runs again"
                            </button>
                        },
                    )
                }
            }}
        </div>
    }
}

/// Loads the runs of the row at this index; returns the reason of a failure as a sentence.
async fn load_into(benchmark: LiveBenchmark, place: usize) -> Result<(), String> {
    let Some((model, context_tokens)) = benchmark.with_rows_untracked(|rows| Some(name_of(rows.get(place)?)))
    else {
        return Ok(());
    };
    let runs = load_runs(benchmark.id(), model, context_tokens).await.map_err(|error| sentence(&error))?;
    if benchmark.put_runs(place, runs) {
        Ok(())
    } else {
        Err("These runs are not those of the page. Reload the page.".to_owned())
    }
}

/// Loads the chart of this run; `None` if that fails.
async fn load(benchmark: LiveBenchmark, (place, number): RunName) -> Option<ChartSpec> {
    let row = benchmark.with_rows_untracked(|rows| rows.get(place).cloned())?;
    let (model, context_tokens) = name_of(&row);
    let arrivals = load_timeline(benchmark.id(), model, context_tokens, number).await.ok()?;
    timeline_of(&row, &arrivals.chunk_deltas_us)
}

/// Returns the model of a row and its context size, which identify the row in requests.
fn name_of(row: &ResultRow) -> (ModelRef, u64) {
    let model = ModelRef { provider_key: row.provider_key.clone(), model_id: row.model_id.clone() };
    (model, row.context_tokens)
}

/// Returns the indices of the rows with chunk times; for rows without loaded runs, of those that probably
/// have some.
fn measured_rows(rows: &[PageRow]) -> Vec<usize> {
    let is_measured = |row: &PageRow| match measured_runs(row) {
        Some(runs) => !runs.is_empty(),
        None => row.summary.success_count > 0 && !row.reported,
    };
    rows.iter().enumerate().filter(|(_, row)| is_measured(row)).map(|(place, _)| place).collect()
}

/// Returns the numbers of the row's runs with chunk times; `None` until its runs are loaded.
fn measured_runs(row: &PageRow) -> Option<Vec<u64>> {
    let seen = row.runs.iter().filter(|run| run.success && run.chunks > 0);
    row.holds_runs().then(|| seen.map(|run| run.run_number).collect())
}

/// Returns the row's first successful run, if it is known without its runs.
fn first_before_loading(row: &PageRow) -> Option<u64> {
    (row.summary.error_count == 0).then_some(1)
}

/// Returns the row's name, and the number of its run if it is known.
fn label(row: &ResultRow, number: Option<u64>) -> String {
    let run = number.map(|number| format!(", run {number}")).unwrap_or_default();
    remarks::label(row) + &run
}

/// Returns the chart of these chunk times in µs; `None` if there are none.
fn timeline_of(row: &ResultRow, deltas_us: &[u32]) -> Option<ChartSpec> {
    let (first, further) = deltas_us.split_first()?;
    Some(ChartSpec::Timeline(Timeline {
        ttft_ms: f64::from(*first) / 1e3,
        deltas_ms: further.iter().map(|delta| f64::from(*delta) / 1e3).collect(),
        hue: hue_of(row).to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::report::testing::{failed, page_row as row, run};

    #[test]
    fn only_successful_runs_can_be_selected() {
        let rows = [
            row("openai", "a", 0, vec![failed(1), run(2)]),
            row("openai", "b", 5_000, vec![failed(1)]),
            row("openai", "c", 5_000, vec![run(1)]),
        ];
        assert_eq!(measured_rows(&rows), [0, 2]);
        assert_eq!(measured_runs(&rows[0]), Some(vec![2]));
        assert_eq!(label(&rows[2], Some(1)), "c at 5K, run 1");
        assert_eq!(label(&rows[2], None), "c at 5K");
    }

    #[test]
    fn rows_can_be_selected_before_their_runs_are_loaded() {
        let mut reported = row("openai", "c", 0, vec![run(1)]).without_runs();
        reported.row.reported = true;
        let rows = [
            row("openai", "a", 0, vec![failed(1), run(2)]).without_runs(),
            row("openai", "b", 0, vec![failed(1)]).without_runs(),
            reported,
            row("openai", "d", 0, vec![run(1), run(2)]).without_runs(),
        ];
        assert_eq!(measured_rows(&rows), [0, 3]);
        assert_eq!(rows.each_ref().map(measured_runs), [None, None, None, None]);
        assert_eq!((first_before_loading(&rows[0]), first_before_loading(&rows[3])), (None, Some(1)));
    }

    #[test]
    fn converts_chunk_times_to_milliseconds() {
        let row = row("openai", "a", 0, vec![]);
        let Some(ChartSpec::Timeline(timeline)) = timeline_of(&row, &[840_000, 20_000, 310_500]) else {
            panic!("no timeline")
        };
        assert_eq!((timeline.ttft_ms, timeline.deltas_ms), (840.0, vec![20.0, 310.5]));
        assert_eq!(timeline_of(&row, &[]), None);
    }
}
