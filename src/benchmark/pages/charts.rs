//! The charts of a benchmark: speed and first token with their intervals, and one against the other.

use leptos::prelude::*;

use super::live::LiveBenchmark;
use super::timeline::TimelineChart;
use crate::benchmark::page_row::PageRow;
use crate::benchmark::report::charts::{first_token, output_speed, speed_against_first_token};
use ui::chart::{Chart, ChartSize, ChartSpec};
use ui::hydration::Deferred;
use ui::sync_view::IntoSyncAny;

/// Shows all charts. The rows must be known.
#[component]
pub fn Charts(benchmark: LiveBenchmark) -> impl IntoView {
    let rows = benchmark.rows.with_untracked(Vec::len);
    let spec = move |make: fn(&[PageRow]) -> ChartSpec| Memo::new(move |_| benchmark.with_rows(make));
    let size = ChartSize::for_rows(rows);
    view! {
        <div class="mt-3.5 grid gap-3.5 xl:grid-cols-2">
            <Deferred>
                <Chart
                    title="Output speed"
                    subtitle="tokens per second, bar = mean, whisker = 95 % interval"
                    spec=spec(output_speed)
                    size
                />
            </Deferred>
            <Deferred>
                <Chart
                    title="Time to first token"
                    subtitle="milliseconds, bar = mean, whisker = 95 % interval"
                    spec=spec(first_token)
                    size
                />
            </Deferred>
            <Deferred>
                <Chart
                    title="Output speed vs. TTFT"
                    subtitle="mean per model and size; top left is best"
                    spec=spec(speed_against_first_token)
                    size=ChartSize::Medium
                />
            </Deferred>
            <Deferred>
                <TimelineChart benchmark />
            </Deferred>
        </div>
    }
    .into_sync_any()
}
