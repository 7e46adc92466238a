//! The chunks of one run over time: which run is chosen here, and fetched when it is. So are the runs of its
//! row where the page came without them.

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

/// Names one run: its row's place in the report and its number.
type RunName = (usize, u64);

/// The timeline of one run, the first successful one until another is chosen.
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
    // The last one stays while the next is on its way. No resource: the page around it would wait for that.
    let latest = RwSignal::new(None);
    Effect::new(move |_| {
        let Some(name) = shown.get() else { return };
        spawn_local(async move {
            let found = load(benchmark, name).await;
            // Another one may have been chosen meanwhile, and the page may be gone.
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
            // While results come, the lists would change under the hand that opens them.
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

/// The runs of the row, which are loaded if the page does not hold them.
#[component]
fn RunChoice(
    benchmark: LiveBenchmark,
    row: Memo<Option<usize>>,
    /// None as long as they are not loaded.
    runs: Memo<Option<Vec<u64>>>,
    chosen: RwSignal<String>,
) -> impl IntoView {
    // Of which row, and why.
    let failure = RwSignal::new(None::<(usize, String)>);
    let attempts = RwSignal::new(0_u32);
    Effect::new(move |_| {
        attempts.track();
        let Some(place) = row.get().filter(|_| runs.read().is_none()) else { return };
        failure.set(None);
        spawn_local(async move {
            if let Err(reason) = load_into(benchmark, place).await {
                // The page may be gone.
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

/// Loads the runs of the row at this place; why that failed, as a sentence.
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

/// The chart of this run; none where it cannot be had.
async fn load(benchmark: LiveBenchmark, (place, number): RunName) -> Option<ChartSpec> {
    let row = benchmark.with_rows_untracked(|rows| rows.get(place).cloned())?;
    let (model, context_tokens) = name_of(&row);
    let arrivals = load_timeline(benchmark.id(), model, context_tokens, number).await.ok()?;
    timeline_of(&row, &arrivals.chunk_deltas_us)
}

/// The model of a row and its context size, which name the row to the server.
fn name_of(row: &ResultRow) -> (ModelRef, u64) {
    let model = ModelRef { provider_key: row.provider_key.clone(), model_id: row.model_id.clone() };
    (model, row.context_tokens)
}

/// Places of the rows with runs of which there is something to see; where the runs are not loaded, with such
/// as should have something.
fn measured_rows(rows: &[PageRow]) -> Vec<usize> {
    let is_measured = |row: &PageRow| match measured_runs(row) {
        Some(runs) => !runs.is_empty(),
        None => row.summary.success_count > 0 && !row.reported,
    };
    rows.iter().enumerate().filter(|(_, row)| is_measured(row)).map(|(place, _)| place).collect()
}

/// Numbers of the row's runs of which there is something to see; none as long as its runs are not loaded.
fn measured_runs(row: &PageRow) -> Option<Vec<u64>> {
    let seen = row.runs.iter().filter(|run| run.success && run.chunks > 0);
    row.holds_runs().then(|| seen.map(|run| run.run_number).collect())
}

/// The row's first successful run as far as that is known without its runs.
fn first_before_loading(row: &PageRow) -> Option<u64> {
    (row.summary.error_count == 0).then_some(1)
}

/// The row, and the number of its run where that is known.
fn label(row: &ResultRow, number: Option<u64>) -> String {
    let run = number.map(|number| format!(", run {number}")).unwrap_or_default();
    remarks::label(row) + &run
}

/// The chart of these arrivals, in µs; none where there are none.
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
    fn only_successful_runs_can_be_seen() {
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
    fn rows_can_be_chosen_before_their_runs_are_loaded() {
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
    fn arrivals_become_milliseconds() {
        let row = row("openai", "a", 0, vec![]);
        let Some(ChartSpec::Timeline(timeline)) = timeline_of(&row, &[840_000, 20_000, 310_500]) else {
            panic!("no timeline")
        };
        assert_eq!((timeline.ttft_ms, timeline.deltas_ms), (840.0, vec![20.0, 310.5]));
        assert_eq!(timeline_of(&row, &[]), None);
    }
}
