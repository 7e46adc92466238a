//! The notes around the table: adjusted parameters, failures, skipped context sizes, and the client's own
//! measurement error.

use super::{
    columns::{has_estimated_context, is_estimated},
    figures::{dollars, measured, whole},
    printable, row_label,
};
use crate::cli::metrics::open_loop;
use bench::types::{ClientHealth, Clock, LoadParameters, Parameters, Report, ResultRow, Status};
use endpoint::{
    ErrorKind,
    registry::{Adjustment, AdjustmentAction},
};

/// Start delay from which on it changes what is measured, ms.
const LATE_MS: f64 = 10.0;
/// Share of the offered rate below which an endpoint did not keep up.
const KEPT_UP: f64 = 0.9;
/// Maximum number of distinct messages quoted per row.
const MAX_MESSAGES: usize = 3;

/// Returns the conditions of the benchmark in one line.
pub fn conditions(parameters: &Parameters) -> String {
    let much = match parameters.load {
        Some(LoadParameters { concurrency, requests, open_loop: Some(open) }) => format!(
            "{} requests at {} per second ({} arrivals), at most {} in flight",
            whole(requests),
            open.rate,
            open.arrivals.as_str(),
            whole(concurrency.into())
        ),
        Some(load) => {
            format!("{} requests, {} in flight", whole(load.requests), whole(load.concurrency.into()))
        }
        None if parameters.runs == 1 => "1 run per model and context size".to_owned(),
        None => format!("{} runs per model and context size", parameters.runs),
    };
    let warmup = if parameters.warmup { "after a warm-up" } else { "no warm-up" };
    format!(
        "{much}, {warmup}; max {} tokens, temperature {}",
        whole(parameters.max_tokens.into()),
        parameters.temperature
    )
}

/// Returns the adjusted parameters, each once per model.
pub fn adjustments(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    for row in &report.results {
        let model = format!("{}/{}", row.provider_key, row.model_id);
        for note in row.adjustments.iter().filter_map(|change| adjustment(&model, change)) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}

/// Returns the note on one adjusted parameter; `None` if it was only renamed.
pub fn adjustment(model: &str, change: &Adjustment) -> Option<String> {
    let Adjustment { param, original, adjusted, action, reason } = change;
    let what = match (action, adjusted) {
        (AdjustmentAction::Rename, _) => return None,
        (AdjustmentAction::Warn | AdjustmentAction::Passthrough, _) => {
            return Some(printable(&format!("Note on {model}: {reason}")));
        }
        (_, Some(adjusted)) => format!("{param} {original} → {adjusted}"),
        (_, None) => format!("{param} {original} not sent"),
    };
    Some(printable(&format!("Adjusted for {model}: {what} ({})", reason.trim_end_matches('.'))))
}

/// Returns all notes below the table.
pub fn remarks(report: &Report) -> Vec<String> {
    let rows = &report.results;
    let mut notes = Vec::new();
    notes.extend(rows.iter().filter_map(skipped));
    notes.extend(rows.iter().flat_map(failures));
    notes.extend(rows.iter().filter_map(warmup_failure));
    if rows.iter().any(|row| open_loop(row).is_some()) {
        notes.push(
            "TTFT and total time count from the intended start of each request: its wait before it was sent is \
             included."
                .into(),
        );
    }
    notes.extend(rows.iter().filter_map(start_delay));
    notes.extend(rows.iter().filter_map(overload));
    if rows.iter().any(|row| row.simulated) {
        notes.push(
            "Simulated models run on the built-in mock server. Their numbers say nothing about real models."
                .into(),
        );
    }
    if rows.iter().any(is_estimated) {
        notes.push("est.: the endpoint doesn't report token counts, so we counted with a tokenizer.".into());
    }
    if rows.iter().any(has_estimated_context) {
        notes.push("≈: tokenizer unknown; context size is approximate.".into());
    }
    notes.extend(rows.iter().filter_map(outliers));
    notes.extend(total_cost(rows));
    notes.extend(cut_short(report.status));
    notes
}

fn cut_short(status: Status) -> Option<String> {
    let how = match status {
        Status::Complete => return None,
        Status::Cancelled => "Cancelled",
        Status::Interrupted => "Interrupted",
    };
    Some(format!("{how}. Partial results."))
}

/// Returns the client's own measurement error in one line.
pub fn client(client: &ClientHealth) -> String {
    let clock = match client.clock {
        Clock::Kernel => "Kernel timestamps",
        Clock::User => "User-space timestamps",
        Clock::Reported => "Timings reported by another program",
    };
    let lateness = match (client.lateness_p50_ms, client.lateness_p99_ms) {
        (Some(p50), Some(p99)) => {
            format!("; client lag {} ms (p99 {} ms)", measured(p50), measured(p99))
        }
        _ => String::new(),
    };
    let cpu =
        client.cpu_us_per_token.map(|us| format!(", {} µs per token", measured(us))).unwrap_or_default();
    format!(
        "{clock}{lateness}. CPU {} s{cpu}, peak memory {} MB.",
        measured(client.cpu_s),
        measured(client.peak_rss_mb)
    )
}

fn skipped(row: &ResultRow) -> Option<String> {
    let skip = row.skipped.as_ref()?;
    Some(format!("Skipped {}: {}", row_label(row), printable(&skip.reason)))
}

fn failures(row: &ResultRow) -> Vec<String> {
    let failed = row.summary.error_count;
    if failed == 0 {
        return Vec::new();
    }
    let all = failed + row.summary.success_count;
    let heading = format!("Failed {}: {} of {}", row_label(row), whole(failed), whole(all));
    let messages = distinct_errors(row);
    let mut notes: Vec<_> = messages
        .iter()
        .take(MAX_MESSAGES)
        .map(|(message, count)| match count {
            1 => format!("{heading}: {message}"),
            _ => format!("{heading}: {message} ({} times)", whole(*count)),
        })
        .collect();
    if messages.is_empty() {
        notes.push(heading);
    } else if messages.len() > MAX_MESSAGES {
        notes.push(format!("{heading}: {} more messages in the results file", messages.len() - MAX_MESSAGES));
    }
    notes
}

/// Returns the row's error messages with their counts, in the order of their first occurrence.
fn distinct_errors(row: &ResultRow) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for error in row.runs.iter().filter_map(|run| run.error.as_ref()) {
        let message = printable(&error.to_string());
        match found.iter_mut().find(|(known, _)| *known == message) {
            Some((_, count)) => *count += 1,
            None => found.push((message, 1)),
        }
    }
    found
}

/// How late the requests of an open loop were sent, and why.
fn start_delay(row: &ResultRow) -> Option<String> {
    let open = open_loop(row)?;
    let delay = open.start_delay_ms?;
    let figures = format!(
        "Start delay of {}: mean {} ms, p99 {} ms, max {} ms",
        row_label(row),
        measured(delay.mean),
        measured(delay.p99),
        measured(delay.max)
    );
    let (load, held_back) = (row.load.as_ref()?, open.held_back);
    let cause = if held_back > 0 {
        format!(
            ". {} waited because {} were in flight (--concurrency)",
            if held_back == 1 { "1 request".to_owned() } else { format!("{} requests", whole(held_back)) },
            whole(load.concurrency.into())
        )
    } else if delay.p99 > LATE_MS {
        ". No request waited for the limit of requests in flight: connections opened slowly, or this machine \
         was too busy"
            .to_owned()
    } else {
        String::new()
    };
    Some(format!("{figures}{cause}."))
}

fn warmup_failure(row: &ResultRow) -> Option<String> {
    let error = row.warmup.as_ref()?.error.as_ref()?;
    let repeated = row.runs.iter().filter_map(|run| run.error.as_ref()).any(|other| other == error);
    let counts = error.kind != ErrorKind::NoOutput && !repeated;
    counts.then(|| format!("Warm-up of {} failed: {}", row_label(row), printable(&error.to_string())))
}

/// Returns the note that the rate was too high for the endpoint or the limit of requests in flight.
fn overload(row: &ResultRow) -> Option<String> {
    let open = open_loop(row)?;
    let achieved = row.load.as_ref()?.requests_per_second?;
    let offered = open.offered_requests_per_second;
    (open.held_back > 0 && achieved < offered * KEPT_UP).then(|| {
        format!(
            "{} did not keep up: {} of {offered} requests per second. Such latencies grow for as long as the load \
             lasts.",
            row_label(row),
            measured(achieved)
        )
    })
}

/// Returns the note on values beyond 1.5 IQR; `None` below n = 8.
fn outliers(row: &ResultRow) -> Option<String> {
    let (ttft, total) = match open_loop(row) {
        Some(open) => (open.ttft_ms, open.total_time_s),
        None => (row.summary.ttft_ms, row.summary.total_time_s),
    };
    let times = [("TTFT", ttft), ("total time", total)];
    let found: Vec<String> = times
        .into_iter()
        .filter_map(|(name, summary)| Some((name, summary?.outliers?, summary?.n)))
        .filter(|(_, outliers, _)| *outliers > 0)
        .map(|(name, outliers, n)| format!("{} of {} {name} values", whole(outliers), whole(n)))
        .collect();
    (!found.is_empty()).then(|| {
        format!("{}: {} are outliers (1.5 IQR, still included)", row_label(row), found.join(" and "))
    })
}

fn total_cost(rows: &[ResultRow]) -> Option<String> {
    let costs: Vec<f64> = rows.iter().filter_map(|row| row.summary.total_cost).collect();
    let total: f64 = costs.iter().sum();
    (total > 0.0).then(|| format!("Total cost: {}.", dollars(total)))
}
