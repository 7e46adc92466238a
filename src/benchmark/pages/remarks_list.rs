//! Notes below the results: failures, skipped tiers, changed parameters.

use leptos::prelude::*;

use super::live::LiveBenchmark;
use crate::benchmark::report::remarks::{Remark, adjustments, failures, reading, skipped};
use ui::sync_view::IntoSyncAny;

/// Shows all notes, grouped by kind.
#[component]
pub fn Remarks(benchmark: LiveBenchmark) -> impl IntoView {
    let failed = Memo::new(move |_| benchmark.with_rows(failures));
    let left_out = Memo::new(move |_| benchmark.with_rows(skipped));
    let changed = Memo::new(move |_| benchmark.with_rows(adjustments));
    let notes = Memo::new(move |_| {
        let client = benchmark.client.read();
        benchmark
            .with_rows(|rows| benchmark.parameters.with_value(|asked| reading(rows, asked, client.as_ref())))
    });
    view! {
        <RemarkGroup title="Failed" class="text-error" remarks=failed />
        <RemarkGroup title="Skipped" class="text-warning" remarks=left_out />
        <RemarkGroup title="Adjusted parameters" class="text-warning" remarks=changed />
        <ul class="text-muted mt-3.5 grid gap-1 px-1 text-xs">
            {move || notes.get().into_iter().map(|note| view! { <li>{note}</li> }).collect_view()}
        </ul>
    }
    .into_sync_any()
}

#[component]
fn RemarkGroup(title: &'static str, class: &'static str, remarks: Memo<Vec<Remark>>) -> impl IntoView {
    let some = Memo::new(move |_| !remarks.read().is_empty());
    view! {
        <Show when=move || some.get()>
            <section class="mt-3.5 px-1 text-[13px]">
                <h2 class=format!("font-semibold {class}")>{title}</h2>
                <ul class="mt-1 grid gap-0.5">
                    {move || {
                        remarks
                            .get()
                            .into_iter()
                            .map(|Remark { about, text }| {
                                view! {
                                    <li class="[overflow-wrap:anywhere]">
                                        <span class="font-medium">{about} ": "</span>
                                        <span class="text-soft">{text}</span>
                                    </li>
                                }
                            })
                            .collect_view()
                    }}
                </ul>
            </section>
        </Show>
    }
}
