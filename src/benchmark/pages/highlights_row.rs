//! The three highlights above the charts.

use leptos::either::Either;
use leptos::prelude::*;

use super::live::LiveBenchmark;
use crate::benchmark::report::highlights::{Highlight, Highlights};
use ui::figures::{Figure, Figures};
use ui::format::UNKNOWN;
use ui::sync_view::IntoSyncAny;
use ui::tag::Dot;

/// Shows the fastest output, the quickest first token and the cheapest run.
#[component]
pub fn HighlightsRow(benchmark: LiveBenchmark) -> impl IntoView {
    let best = Memo::new(move |_| benchmark.with_rows(Highlights::of));
    let waiting = move || if benchmark.is_active() { "waiting for the first result" } else { "no data" };
    let no_price =
        move || if benchmark.is_active() { "waiting for the first result" } else { "no price set" };
    view! {
        <Figures>
            {move || figure("Fastest output", "tok/s", best.read().fastest.clone(), waiting())}
            {move || figure("Lowest TTFT", "ms", best.read().quickest.clone(), waiting())}
            {move || figure("Cheapest", "per run", best.read().cheapest.clone(), no_price())}
        </Figures>
    }
    .into_sync_any()
}

fn figure(
    label: &'static str,
    unit: &'static str,
    best: Option<Highlight>,
    none: &'static str,
) -> impl IntoView {
    match best {
        Some(best) => Either::Left(view! {
            <Figure label=label value=best.value unit=unit>
                <Dot hue=best.hue />
                <span class="truncate">{best.who}</span>
                <span class="text-muted num whitespace-nowrap text-xs" title=best.interval>
                    {best.about}
                </span>
            </Figure>
        }),
        None => Either::Right(view! {
            <Figure label=label value=UNKNOWN>
                <span>{none}</span>
            </Figure>
        }),
    }
}
