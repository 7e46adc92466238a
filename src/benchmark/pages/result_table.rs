//! The table of results, with a row for each model and tier from the start.

use leptos::prelude::*;

use super::live::LiveBenchmark;
use crate::benchmark::page_row::PageRow;
use crate::benchmark::report::columns::{COLUMNS, Column, Metric, Width, best};
use crate::benchmark::report::remarks::{has_estimated_context, is_estimated, outliers};
use crate::benchmark::report::{hue_of, short_name};
use ui::case::lower_case;
use ui::format;
use ui::hydration::Deferred;
use ui::sync_view::IntoSyncAny;
use ui::table::{Direction, NumberCell, Sort, SortHeader};
use ui::tag::{Dot, Tag, Tone};

/// The sort key of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// The planned order: rows do not move while results arrive.
    Plan,
    Model,
    Context,
    Metric(Metric),
    Runs,
}

/// Shows every model and tier with its results. Sorted by output speed when all runs are finished, else as
/// planned.
#[component]
pub fn ResultTable(benchmark: LiveBenchmark) -> impl IntoView {
    let finished = !benchmark.job.get_untracked().is_active();
    let by_speed = Sort::new(Key::Metric(Metric::OutputSpeed), Direction::Descending);
    let sort = RwSignal::new(if finished { by_speed } else { Sort::new(Key::Plan, Direction::Ascending) });
    let everything = RwSignal::new(false);
    // Sorted when a header is clicked and when the set of rows changes, not when a result arrives.
    let order = Memo::new(move |_| {
        benchmark.rows.track();
        let sort = sort.get();
        benchmark.with_rows_untracked(|rows| ordered(rows, sort))
    });
    let bests = Memo::new(move |_| {
        benchmark.with_rows(|rows| {
            COLUMNS
                .iter()
                .filter(|column| is_marked(column))
                .map(|column| best(column, rows))
                .collect::<Vec<_>>()
        })
    });
    view! {
        <div class="panel mt-3.5">
            <div class="flex flex-wrap items-center gap-x-4 px-4.5 pt-3">
                <h2 id="results-title" class="text-[13px] font-semibold">
                    "Results"
                </h2>
                <label class="needs-script text-soft ml-auto flex items-center gap-2 text-[13px]">
                    <input
                        type="checkbox"
                        class="accent-primary"
                        on:change:target=move |event| everything.set(event.target().checked())
                    />
                    "All metrics"
                </label>
            </div>
            <div class="overflow-x-auto" tabindex="0" role="region" aria-labelledby="results-title">
                <table class="data-table result-table" data-all=move || everything.get().then_some("")>
                    <Deferred>
                        <TableHead sort />
                    </Deferred>
                    <tbody>
                        <For
                            each=move || {
                                let rows = benchmark.rows.read();
                                order
                                    .get()
                                    .into_iter()
                                    .filter_map(|place| Some((place, *rows.get(place)?)))
                                    .collect::<Vec<_>>()
                            }
                            key=|(_, row)| *row
                            let((place, row))
                        >
                            <Deferred>
                                <TableRow
                                    place
                                    row
                                    bests
                                    runs=benchmark.parameters.with_value(|asked| asked.runs)
                                    everything
                                />
                            </Deferred>
                        </For>
                    </tbody>
                </table>
            </div>
        </div>
    }
    .into_sync_any()
}

/// Returns the indices of the rows in sort order.
fn ordered(rows: &[PageRow], sort: Sort<Key>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    let row = |place: &usize| rows.get(*place);
    let number = |place: &usize| match sort.key {
        Key::Plan => Some(*place as f64),
        Key::Context => row(place).map(|row| row.context_tokens as f64),
        Key::Metric(metric) => row(place).and_then(|row| metric.value(row)),
        Key::Runs => row(place).map(|row| row.summary.success_count as f64),
        Key::Model => None,
    };
    if sort.key == Key::Model {
        let name = |place: &usize| row(place).map(|row| (lower_case(&row.model), row.context_tokens));
        places.sort_by(|a, b| sort.order(&name(a), &name(b)));
    } else {
        places.sort_by(|a, b| sort.order_known(&number(a), &number(b)));
    }
    places
}

/// Returns whether the best value of the column is highlighted.
fn is_marked(column: &Column) -> bool {
    matches!(column.metric, Metric::OutputSpeed | Metric::EndToEnd | Metric::Ttft | Metric::Cost)
}

/// Returns the class that shows a column from its minimum screen size on.
fn class_of(column: &Column) -> &'static str {
    match column.width {
        Width::Phone => "",
        Width::Tablet => "from-tablet",
        Width::Desktop => "from-desktop",
        Width::OnDemand => "on-demand",
    }
}

#[component]
fn TableHead(sort: RwSignal<Sort<Key>>) -> impl IntoView {
    view! {
        <thead>
            <tr>
                <SortHeader sort key=Key::Model label="Model" />
                <SortHeader sort key=Key::Context label="Context" class="n" />
                {COLUMNS.iter().map(|column| view! { <MetricHeader column sort /> }).collect_view()}
                <SortHeader sort key=Key::Runs label="Runs" best_first=Direction::Descending class="n" />
            </tr>
        </thead>
    }
    .into_sync_any()
}

#[component]
fn MetricHeader(column: &'static Column, sort: RwSignal<Sort<Key>>) -> impl IntoView {
    view! {
        <SortHeader
            sort
            key=Key::Metric(column.metric)
            label=column.title
            about=column.about
            best_first=column.best_first
            class=format!("n {}", class_of(column))
        />
    }
}

#[component]
fn TableRow(
    place: usize,
    row: RwSignal<PageRow>,
    bests: Memo<Vec<Option<usize>>>,
    /// The requested number of runs.
    runs: u32,
    /// Whether hidden columns have cells.
    everything: RwSignal<bool>,
) -> impl IntoView {
    let mine = Memo::new(move |_| bests.read().iter().map(|best| *best == Some(place)).collect::<Vec<_>>());
    let first = row.get_untracked();
    let (hue, name) = (hue_of(&first), short_name(&first).to_owned());
    let (simulated, reported) = (first.simulated, first.reported);
    view! {
        <tr>
            <th scope="row" class="model-cell">
                <span class="flex items-center gap-1.5">
                    <Dot hue=hue />
                    <span title=first.provider.clone()>
                        {name} {simulated.then(|| view! { <Tag text="simulated" /> })}
                        {reported.then(|| view! { <Tag text="reported" /> })}
                    </span>
                </span>
            </th>
            {move || cells(&row.read(), &mine.read(), runs, everything.get())}
        </tr>
    }
    .into_sync_any()
}

/// Shows the cells of a row. Columns that are hidden by default get cells only on demand, because they are
/// most of a large table.
fn cells(row: &PageRow, best: &[bool], runs: u32, everything: bool) -> impl IntoView + use<> {
    let context = format::integer(row.context_tokens);
    let context = if has_estimated_context(row) { format!("≈ {context}") } else { context };
    let mut marks = best.iter().copied();
    let numbers: Vec<_> = COLUMNS
        .iter()
        .filter(|column| everything || column.width != Width::OnDemand)
        .map(|column| {
            let best = is_marked(column) && marks.next().unwrap_or(false);
            number(column, row, best)
        })
        .collect();
    view! {
        <td class="n">{context}</td>
        {numbers}
        <RunsCell
            succeeded=row.summary.success_count
            failed=row.summary.error_count
            runs
            skipped=row.skipped.as_ref().map(|skip| skip.reason.clone())
            outliers=outliers(row)
        />
    }
}

fn number(column: &Column, row: &PageRow, best: bool) -> impl IntoView + use<> {
    let cell = column.metric.cell(row);
    let (value, spread) = cell.map_or((None, None), |cell| (Some(cell.value), cell.spread));
    let estimated = column.metric == Metric::OutputTokens && value.is_some() && is_estimated(row);
    let unit = (!column.unit.is_empty()).then(|| column.unit.to_owned());
    view! {
        <NumberCell value unit spread best class=class_of(column)>
            {estimated.then(|| view! { <Tag tone=Tone::Warning text="estimated" /> })}
        </NumberCell>
    }
}

/// Shows the number of successful runs, and of failed and missing ones.
#[component]
fn RunsCell(
    succeeded: u64,
    failed: u64,
    runs: u32,
    skipped: Option<String>,
    outliers: Option<u64>,
) -> impl IntoView {
    if let Some(reason) = skipped {
        return view! {
            <td class="n" title=reason>
                <Tag text="skipped" />
            </td>
        }
        .into_sync_any();
    }
    view! {
        <td class="n">
            <span class=(failed > 0).then_some("text-error")>{succeeded}</span>
            " "
            {(succeeded < u64::from(runs)).then(|| view! { <span class="unit">{format!("of {runs}")}</span> })}
            {outliers.map(|count| view! { <Tag tone=Tone::Warning text=format::counted(count as usize, "outlier") /> })}
        </td>
    }
    .into_sync_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::report::testing::{page_row as row, run};

    #[test]
    fn rows_are_in_planned_order_until_a_header_is_clicked() {
        let rows = [
            row("openai", "b", 0, vec![run(3)]),
            row("openai", "a", 5_000, vec![]),
            row("openai", "a", 0, vec![run(1)]),
        ];
        let by = |key, direction| ordered(&rows, Sort::new(key, direction));
        assert_eq!(by(Key::Plan, Direction::Ascending), [0, 1, 2]);
        assert_eq!(by(Key::Model, Direction::Ascending), [2, 1, 0]);
        assert_eq!(by(Key::Metric(Metric::OutputSpeed), Direction::Descending), [2, 0, 1]);
        assert_eq!(by(Key::Metric(Metric::Ttft), Direction::Descending), [0, 2, 1]);
    }
}
