//! Progress of each provider while a benchmark is running.

use leptos::prelude::*;

use super::live::LiveBenchmark;
use crate::benchmark::report::progress::{ProviderProgress, by_provider};
use ui::format::time_left;
use ui::progress::ProgressBar;
use ui::sync_view::IntoSyncAny;
use ui::tag::Dot;
use ui::time::current_time;

/// Shows a line for each provider: finished and total requests, and the remaining time.
#[component]
pub fn ProviderProgressPanel(benchmark: LiveBenchmark) -> impl IntoView {
    let now = current_time();
    let progress = Memo::new(move |_| {
        benchmark
            .with_rows(|rows| benchmark.parameters.with_value(|asked| by_provider(rows, asked, now.get())))
    });
    let keys = Memo::new(move |_| progress.read().iter().map(|line| line.key.clone()).collect::<Vec<_>>());
    view! {
        <section class="panel my-3.5 grid gap-2 px-4.5 py-3" aria-label="Progress by provider">
            <For each=move || keys.get() key=String::clone let:key>
                <ProviderLine progress key />
            </For>
        </section>
    }
    .into_sync_any()
}

#[component]
fn ProviderLine(progress: Memo<Vec<ProviderProgress>>, key: String) -> impl IntoView {
    let find = move |progress: &[ProviderProgress]| progress.iter().find(|line| line.key == key).cloned();
    let first = find(&progress.read_untracked())?;
    let line = Memo::new({
        let first = first.clone();
        move |_| find(&progress.read()).unwrap_or_else(|| first.clone())
    });
    let done = Signal::derive(move || line.read().done as f64);
    let total = Signal::derive(move || line.read().total as f64);
    let counted = move || format!("{} of {}", line.read().done, line.read().total);
    let failed = move || line.read().failed;
    let left = move || {
        let line = line.read();
        line.seconds_left.filter(|_| line.done < line.total).map(|left| format!("· {}", time_left(left)))
    };
    Some(view! {
        <div class="progress-line">
            <span class="flex min-w-0 items-center gap-1.5">
                <Dot hue=first.hue />
                <span class="truncate">{first.name.clone()}</span>
            </span>
            <ProgressBar label=first.name.clone() done total hue=first.hue />
            <span class="num text-right">
                {counted}
                {move || (failed() > 0).then(|| view! { <span class="text-error">{format!(", {} failed", failed())}</span> })}
                <span class="unit">{left}</span>
            </span>
        </div>
    })
}
