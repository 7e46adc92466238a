//! The notes below the results: failures, skipped tiers, changed parameters, and whether the client was a
//! bottleneck.

use crate::benchmark::page_row::PageRow;
use bench::types::{ClientHealth, Parameters, ResultRow, TokenSource};
use endpoint::registry::{Adjustment, AdjustmentAction};
use ui::format;

/// Minimum number of runs for the detection of outliers.
const OUTLIER_MIN_RUNS: u32 = 8;

/// One remark about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The model and its context size.
    pub about: String,
    pub text: String,
}

/// Returns the model and its context size: `gpt-5.2 at 5K`.
pub fn label(row: &ResultRow) -> String {
    with_context(&row.model, row.context_tokens)
}

/// Returns a model's name with a context size: `gpt-5.2 at 5K`, `gpt-5.2 · no context`.
pub fn with_context(name: &str, context_tokens: u64) -> String {
    match context_tokens {
        0 => format!("{name} · no context"),
        tokens => format!("{name} at {}", format::tokens(tokens)),
    }
}

/// Lists failed runs, grouped by row and reason.
pub fn failures(rows: &[PageRow]) -> Vec<Remark> {
    rows.iter().flat_map(failures_of).collect()
}

fn failures_of(row: &PageRow) -> Vec<Remark> {
    let reasons = &row.notes.failures;
    let made = row.made();
    let warmup = row.warmup.as_ref().and_then(|warmup| warmup.error.as_ref()).map(ToString::to_string);
    let alone = warmup.clone().filter(|reason| !reasons.contains_key(reason));
    let runs = reasons.iter().map(|(reason, count)| {
        let also = if warmup.as_ref() == Some(reason) { " and the warm-up" } else { "" };
        format!("{count} of {made} runs{also} failed: {reason}")
    });
    let texts = runs.chain(alone.map(|reason| format!("the warm-up failed: {reason}")));
    texts.map(|text| Remark { about: label(row), text }).collect()
}

/// Lists skipped tiers.
pub fn skipped(rows: &[PageRow]) -> Vec<Remark> {
    rows.iter()
        .filter_map(|row| {
            let skip = row.skipped.as_ref()?;
            Some(Remark { about: label(row), text: skip.reason.clone() })
        })
        .collect()
}

/// Lists changed parameters, once for each model.
pub fn adjustments(rows: &[PageRow]) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = Vec::new();
    for row in rows {
        for text in row.adjustments.iter().filter_map(in_words) {
            let remark = Remark { about: row.model.clone(), text };
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
    }
    remarks
}

/// Describes a parameter change; `None` if only the parameter's name differs.
pub fn in_words(change: &Adjustment) -> Option<String> {
    let Adjustment { param, original, adjusted, action, reason } = change;
    match (action, adjusted) {
        (AdjustmentAction::Rename, _) => None,
        (AdjustmentAction::Warn | AdjustmentAction::Passthrough, _) => Some(reason.clone()),
        (_, Some(adjusted)) => Some(format!("{param} {original} → {adjusted}. {reason}")),
        (_, None) => Some(format!("{param} {original} not sent. {reason}")),
    }
}

/// Lists notes on how to read the results, one sentence each.
pub fn reading(rows: &[PageRow], parameters: &Parameters, client: Option<&ClientHealth>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(warning) = client.and_then(|client| client.warning.as_ref()) {
        notes.push(format!("The measuring client may have been the bottleneck: {warning}."));
    }
    if rows.iter().any(|row| row.simulated) {
        notes.push(
            "Simulated models run on the built-in mock server. Their numbers say nothing about real models."
                .into(),
        );
    }
    if rows.iter().any(|row| row.reported) {
        notes.push(
            "Reported: another program measured these runs and counted their tokens. The accuracy is unknown."
                .into(),
        );
    }
    if rows.iter().any(|row| is_estimated(row) && !row.reported) {
        notes.push(
            "Estimated: the endpoint doesn’t report token counts, so we counted with a tokenizer.".into(),
        );
    }
    if rows.iter().any(|row| has_estimated_context(row)) {
        notes.push("≈: tokenizer unknown; context size is approximate.".into());
    }
    if parameters.runs < OUTLIER_MIN_RUNS {
        let few = if parameters.runs == 1 {
            "One run is".to_owned()
        } else {
            format!("{} runs are", parameters.runs)
        };
        notes.push(format!(
            "± is the standard deviation. {few} too few to detect outliers (needs {OUTLIER_MIN_RUNS})."
        ));
    } else {
        notes.push("± is the standard deviation.".into());
    }
    notes
}

/// Returns whether a row's token counts are estimated.
pub fn is_estimated(row: &PageRow) -> bool {
    row.notes.estimated
}

/// Returns whether a row's context was measured with another model's tokenizer.
pub fn has_estimated_context(row: &ResultRow) -> bool {
    row.context_tokens > 0 && row.context_token_source == Some(TokenSource::Estimated)
}

/// Counts the row's values beyond 1.5 IQR; `None` if there are too few runs.
pub fn outliers(row: &PageRow) -> Option<u64> {
    row.summary.output_speed_tps?.outliers.filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::benchmark::report::testing::{failed, page_row as row, run};
    use bench::types::{Clock, Run, Skip, WarmupOutcome};

    fn texts(remarks: Vec<Remark>) -> Vec<String> {
        remarks.into_iter().map(|remark| format!("{}: {}", remark.about, remark.text)).collect()
    }

    #[test]
    fn does_not_describe_reported_counts_as_estimated_here() {
        let estimated = Run { token_source: Some(TokenSource::Estimated), ..run(1) };
        let mut row = row("openai", "a", 0, vec![estimated]);
        let notes =
            |row: &PageRow| reading(std::slice::from_ref(row), &Parameters::default(), None).join(" ");
        assert!(notes(&row).contains("Estimated:") && !notes(&row).contains("Reported:"));
        row.row.reported = true;
        assert!(notes(&row).contains("Reported:") && !notes(&row).contains("Estimated:"));
    }

    #[test]
    fn groups_failures_by_reason() {
        let rows = [row("openai", "a", 5_000, vec![run(1), failed(2), failed(3)])];
        assert_eq!(texts(failures(&rows)), ["a at 5K: 2 of 3 runs failed: [rate_limited] slow down"]);
    }

    #[test]
    fn groups_a_failed_warm_up_with_runs_of_the_same_reason() {
        let mut row = row("openai", "a", 0, vec![failed(1)]);
        let outcome = |error| WarmupOutcome {
            success: false,
            ttft_ms: None,
            connect_ms: None,
            dns_ms: None,
            tcp_ms: None,
            tls_ms: None,
            error,
        };
        row.row.warmup = Some(outcome(row.runs[0].error.clone()));
        let expected = ["a · no context: 1 of 1 runs and the warm-up failed: [rate_limited] slow down"];
        assert_eq!(texts(failures(&[row])), expected);
    }

    #[test]
    fn skipped_tiers_show_their_reason() {
        let mut long = row("openai", "a", 50_000, vec![]);
        long.row.skipped = Some(Skip { reason: "The window holds 8,192 tokens.".into() });
        assert_eq!(texts(skipped(&[long])), ["a at 50K: The window holds 8,192 tokens."]);
    }

    #[test]
    fn lists_a_parameter_change_once_per_model() {
        let change = Adjustment {
            param: "temperature".into(),
            original: json!(0.7),
            adjusted: Some(json!(1)),
            action: AdjustmentAction::Clamp,
            reason: "It is fixed.".into(),
        };
        let mut rows = [row("openai", "a", 0, vec![]), row("openai", "a", 5_000, vec![])];
        rows.iter_mut().for_each(|row| row.row.adjustments = vec![change.clone()]);
        assert_eq!(texts(adjustments(&rows)), ["a: temperature 0.7 → 1. It is fixed."]);
        assert_eq!(in_words(&Adjustment { action: AdjustmentAction::Rename, ..change }), None);
    }

    #[test]
    fn lists_a_client_bottleneck_first() {
        let client = ClientHealth {
            clock: Clock::User,
            lateness_p50_ms: None,
            lateness_p99_ms: None,
            lateness_max_ms: None,
            cpu_s: 1.0,
            cpu_us_per_token: None,
            peak_rss_mb: 10.0,
            warning: Some("this client was busy".into()),
        };
        let notes = reading(&[row("openai", "a", 0, vec![run(1)])], &Parameters::default(), Some(&client));
        assert!(notes[0].contains("this client was busy"), "{notes:?}");
        assert!(notes[1].contains("3 runs are too few"), "{notes:?}");
    }
}
