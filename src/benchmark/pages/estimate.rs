//! The estimate of a benchmark, before it is started.

use std::time::Duration;

use leptos::prelude::*;

use crate::benchmark::api::estimate_benchmark;
use crate::benchmark::report::remarks::in_words;
use crate::benchmark::set_up::Complaint;
use crate::benchmark::submission::BenchmarkRequest;
use crate::benchmark::view::Estimate;
use ui::format;
use ui::sync_view::IntoSyncAny;

/// Debounce time: the server is called after this long without input.
const DEBOUNCE: Duration = Duration::from_millis(350);

/// Maximum number of remarks that are shown.
const MAX_REMARKS: usize = 6;

/// Shows requests, cost and duration, and changed parameters and skipped tiers. Follows the form.
#[component]
pub fn EstimateNote(
    asked: Memo<Result<BenchmarkRequest, Vec<Complaint>>>,
    /// The start button.
    children: Children,
) -> impl IntoView {
    let action = Action::new(|request: &BenchmarkRequest| {
        let request = request.clone();
        async move { (estimate_benchmark(request.clone()).await.ok(), request) }
    });
    estimate_debounced(asked, action);
    // Ignores an estimate for an earlier state of the form.
    let known = Memo::new(move |_| {
        let asked = asked.read();
        action.value().get().and_then(|(found, request)| found.filter(|_| asked.as_ref() == Ok(&request)))
    });
    let line = move || match (known.get(), asked.get()) {
        (Some(known), _) => summary_line(&known),
        (None, Ok(request)) => format!("up to {}", format::counted(requests(&request), "request")),
        (None, Err(_)) => String::new(),
    };
    let remarks = Memo::new(move |_| known.get().map(|known| remarks_on(&known)).unwrap_or_default());
    view! {
        <ul class="estimate-remarks">
            {move || remarks.get().into_iter().map(|remark| view! { <li>{remark}</li> }).collect_view()}
        </ul>
        <div class="mt-3 flex items-center gap-2.5">
            <p class="estimate" role="status">
                {line}
            </p>
            {children()}
        </div>
    }
    .into_sync_any()
}

/// Calls the server once the form has not changed for a while.
fn estimate_debounced(
    asked: Memo<Result<BenchmarkRequest, Vec<Complaint>>>,
    action: Action<BenchmarkRequest, (Option<Estimate>, BenchmarkRequest)>,
) {
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        timer.try_update_value(|timer| timer.take().into_iter().for_each(|timer| timer.clear()));
    };
    Effect::new(move |_| {
        stop();
        let Ok(request) = asked.get() else { return };
        let ask = move || {
            action.dispatch(request);
        };
        // Fails only without a window.
        timer.set_value(set_timeout_with_handle(ask, DEBOUNCE).ok());
    });
    on_cleanup(stop);
}

/// Returns the number of requests before it is known which tiers fit.
fn requests(request: &BenchmarkRequest) -> usize {
    let each = request.runs as usize + usize::from(request.warmup);
    request.targets.len() * request.context_tiers.len() * each
}

/// Summarises the estimate: `32 requests · up to ~$0.11 · ~3 min`.
fn summary_line(estimate: &Estimate) -> String {
    let requests = format::counted(estimate.total_requests as usize, "request");
    let cost = estimate.cost_at_most.map(|cost| {
        let unknown = if estimate.rows_without_cost > 0 { ", some prices unknown" } else { "" };
        format!("up to ~{}{unknown}", format::usd(cost))
    });
    let duration = estimate.duration_s.map(|seconds| format!("~{}", format::duration(seconds)));
    [Some(requests), cost, duration].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Lists skipped tiers and changed parameters, without duplicates.
fn remarks_on(estimate: &Estimate) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    for row in &estimate.rows {
        let tier = format::tokens(row.context_tokens);
        let skip = row.skip.as_ref().map(|reason| format!("{} skips {tier}: {reason}", row.model.model_id));
        let changes = row.adjustments.iter().filter_map(in_words);
        let changes = changes.map(|change| format!("{}: {change}", row.model.model_id));
        for remark in skip.into_iter().chain(changes) {
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
    }
    let more = remarks.len().saturating_sub(MAX_REMARKS);
    if more > 0 {
        remarks.truncate(MAX_REMARKS);
        remarks.push(format!("and {more} more"));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench::types::Preview;
    use endpoint::ModelRef;

    fn preview(tier: u64, skip: Option<&str>, cost: Option<f64>) -> Preview {
        Preview {
            provider: "OpenAI".into(),
            model: ModelRef { provider_key: "openai".into(), model_id: "gpt-5.2".into() },
            context_tokens: tier,
            skip: skip.map(str::to_owned),
            requests: if skip.is_some() { 0 } else { 4 },
            input_tokens: 20,
            max_output_tokens: 512,
            cost_at_most: cost,
            adjustments: Vec::new(),
        }
    }

    #[test]
    fn the_summary_line_shows_known_values() {
        let mut estimate = Estimate::of(vec![preview(0, None, Some(0.11)), preview(5_000, None, Some(0.02))]);
        assert_eq!(summary_line(&estimate), "8 requests · up to ~$0.13");
        estimate.duration_s = Some(180.0);
        assert_eq!(summary_line(&estimate), "8 requests · up to ~$0.13 · ~3 min");
        let unknown = Estimate::of(vec![preview(0, None, Some(0.11)), preview(1, None, None)]);
        assert_eq!(summary_line(&unknown), "8 requests · up to ~$0.11, some prices unknown");
        assert_eq!(summary_line(&Estimate::of(vec![preview(0, None, None)])), "4 requests");
    }

    #[test]
    fn truncates_long_lists_of_remarks() {
        let rows = (0..9).map(|tier| preview(tier, Some("too long"), None)).collect();
        let remarks = remarks_on(&Estimate::of(rows));
        assert_eq!(remarks.len(), MAX_REMARKS + 1);
        assert_eq!(remarks[0], "gpt-5.2 skips 0: too long");
        assert_eq!(remarks[MAX_REMARKS], "and 3 more");
    }
}
