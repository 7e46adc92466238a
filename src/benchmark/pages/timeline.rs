//! The chunks of one run over time: which run is chosen here, and fetched when it is.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::live::LiveBenchmark;
use crate::benchmark::api::load_timeline;
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
    let runs = Memo::new(move |_| benchmark.with_rows(measured_runs));
    let chosen = RwSignal::new(String::new());
    let shown = Memo::new(move |_| {
        let runs = runs.read();
        parse(&chosen.read()).filter(|name| runs.contains(name)).or_else(|| runs.first().copied())
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
        let name = shown.get().and_then(|name| benchmark.with_rows_untracked(|rows| label(rows, name)));
        match name {
            Some(name) => format!("{name}: one tick per chunk"),
            None if benchmark.is_active() => "waiting for the first result".to_owned(),
            None => "no per-chunk timings were recorded".to_owned(),
        }
    });
    view! {
        <div class="min-w-0">
            <Chart title="Token timeline" subtitle spec size=ChartSize::Short />
            // While results come, the list would change under the hand that opens it.
            <div class="needs-script mt-2 min-h-14">
                {move || {
                    let runs = runs.get();
                    if benchmark.is_active() || runs.is_empty() {
                        return Either::Left(());
                    }
                    let options = benchmark.with_rows_untracked(|rows| {
                        runs.iter()
                            .filter_map(|name| Some(SelectOption::new(write(*name), label(rows, *name)?)))
                            .collect()
                    });
                    Either::Right(view! {
                        <Select label="Run" name="timeline-run" options bind=chosen />
                    })
                }}
            </div>
        </div>
    }
    .into_sync_any()
}

/// The chart of this run; none where it cannot be had.
async fn load(benchmark: LiveBenchmark, (place, number): RunName) -> Option<ChartSpec> {
    let row = benchmark.with_rows_untracked(|rows| rows.get(place).cloned())?;
    let model = ModelRef { provider_key: row.provider_key.clone(), model_id: row.model_id.clone() };
    let arrivals = load_timeline(benchmark.id(), model, row.context_tokens, number).await.ok()?;
    timeline_of(&row, &arrivals.chunk_deltas_us)
}

/// Runs of which there is something to see.
fn measured_runs(rows: &[ResultRow]) -> Vec<RunName> {
    let of = |(place, row): (usize, &ResultRow)| {
        let seen = row.runs.iter().filter(|run| run.success && run.chunks > 0);
        seen.map(|run| (place, run.run_number)).collect::<Vec<_>>()
    };
    rows.iter().enumerate().flat_map(of).collect()
}

fn label(rows: &[ResultRow], (place, number): RunName) -> Option<String> {
    Some(format!("{}, run {number}", remarks::label(rows.get(place)?)))
}

fn write((place, number): RunName) -> String {
    format!("{place}-{number}")
}

fn parse(text: &str) -> Option<RunName> {
    let (place, number) = text.split_once('-')?;
    Some((place.parse().ok()?, number.parse().ok()?))
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
    use crate::benchmark::report::testing::{failed, row, run};

    #[test]
    fn only_successful_runs_can_be_seen() {
        let rows = [row("openai", "a", 0, vec![failed(1), run(2)]), row("openai", "b", 5_000, vec![run(1)])];
        assert_eq!(measured_runs(&rows), [(0, 2), (1, 1)]);
        assert_eq!(label(&rows, (1, 1)).unwrap(), "b at 5K, run 1");
        assert_eq!(parse(&write((1, 12))), Some((1, 12)));
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
