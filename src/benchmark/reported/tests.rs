//! Tests for the conversion of reports from JSON to rows.

use serde_json::{Value, json};

use super::*;
use endpoint::{PriceSource, ProviderKind};

const NOW: i64 = 1_800_000_000_000;

fn known() -> Vec<ProviderListing> {
    let price = Price {
        input_per_mtok: 1.0,
        cached_input_per_mtok: None,
        output_per_mtok: 10.0,
        up_to_input_tokens: None,
        source: PriceSource::Custom,
    };
    let qwen = Model { price: Some(price), ..Model::named("qwen") };
    vec![
        ProviderListing::for_test(ProviderKind::LmStudio, [qwen, Model::named("phi")]),
        ProviderListing::for_test(ProviderKind::Ollama, [Model::named("qwen")]),
    ]
}

fn run(number: u64) -> Value {
    json!({
        "provider": "LM Studio", "model_id": "qwen", "run_number": number, "context_tokens": 0,
        "ttft_ms": 500.0, "total_time_s": 2.5, "output_tokens": 101, "input_tokens": 50,
        "itl_ms": 20.0, "success": true,
        // Additional fields that a page of the Python product sends.
        "tokens_per_second": 1e9, "output_speed_tps": 1e9, "cost": 1e9, "error": null,
    })
}

fn with(number: u64, changes: Value) -> Value {
    let mut run = run(number);
    for (name, value) in changes.as_object().unwrap() {
        run[name] = value.clone();
    }
    run
}

fn rows(results: &[Value]) -> Result<ConvertedReport, PlanError> {
    let report: ReportedBenchmark =
        serde_json::from_value(json!({ "results": results, "prompt": "Hello?", "context_tiers": [7] }))
            .unwrap();
    report.rows(&known(), NOW)
}

#[test]
fn calculates_rates_and_costs_from_times_and_counts() {
    let ConvertedReport { rows, parameters, targets, skipped } = rows(&[run(1), run(2)]).unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(row.reported && !row.simulated);
    assert_eq!((row.provider_key.as_str(), row.model_id.as_str()), ("lm_studio", "qwen"));
    let first = &row.runs[0];
    assert_eq!(first.clock, Clock::Reported);
    assert_eq!(first.token_source, Some(TokenSource::Estimated));
    assert_eq!(first.tokens_per_second, Some(101.0 / 2.5));
    assert_eq!(first.output_speed_tps, Some(50.0));
    assert_eq!(first.input_tokens_per_second, Some(100.0));
    assert_eq!(first.cost, Some((50.0 + 1010.0) / 1e6));
    assert_eq!(row.summary.success_count, 2);
    assert_eq!((parameters.runs, parameters.prompt.as_str()), (2, "Hello?"));
    assert_eq!((parameters.context_tiers, targets.len(), skipped), (vec![0], 1, 0));
}

#[test]
fn skips_models_that_the_user_does_not_have() {
    let results = [
        with(1, json!({ "provider": "ollama" })),
        with(1, json!({ "provider": "Nobody" })),
        with(1, json!({ "model_id": "gpt-9" })),
        with(1, json!({ "model_id": "phi", "context_tokens": 5000 })),
    ];
    let kept = rows(&results).unwrap();
    let found: Vec<_> = kept.rows.iter().map(|row| (row.provider_key.as_str(), row.context_tokens)).collect();
    assert_eq!((found, kept.skipped), (vec![("ollama", 0), ("lm_studio", 5000)], 2));
    assert_eq!(kept.parameters.context_tiers, [0, 5000]);
}

#[test]
fn failed_runs_keep_their_reason_and_are_excluded_from_averages() {
    let failed = json!({ "success": false, "error": "it hung up", "total_time_s": null, "ttft_ms": null });
    let kept = rows(&[run(1), with(2, failed)]).unwrap();
    let row = &kept.rows[0];
    assert_eq!((row.summary.success_count, row.summary.error_count), (1, 1));
    assert_eq!(row.runs[1].error.as_ref().unwrap().to_string(), "[reported] it hung up");
}

#[test]
fn rejects_invalid_values_by_name() {
    let twice = [run(1), with(1, json!({ "provider": "lm_studio" }))];
    assert_eq!(rows(&twice).unwrap_err().0, "run 1 of qwen at 0 tokens of context is there twice");
    for (changes, named) in [
        (json!({ "run_number": 0 }), "run_number"),
        (json!({ "ttft_ms": -1 }), "ttft_ms"),
        (json!({ "ttft_ms": null }), "has ttft_ms and total_time_s"),
        (json!({ "ttft_ms": 2600 }), "comes later than the last"),
        (json!({ "total_time_s": 1e9 }), "total_time_s"),
        (json!({ "output_tokens": 1_000_000_000 }), "output_tokens"),
        (json!({ "context_tokens": 1_000_000_000 }), "context_tokens"),
    ] {
        let error = rows(&[with(1, changes.clone())]).unwrap_err().0;
        assert!(error.contains(named), "{changes}: {error}");
    }
    let long = "x".repeat(crate::benchmark::submission::MAX_PROMPT_CHARS + 1);
    let report = json!({ "results": [run(1)], "prompt": long });
    let report: ReportedBenchmark = serde_json::from_value(report).unwrap();
    assert!(report.rows(&known(), NOW).unwrap_err().0.starts_with("the prompt has 500001 characters"));
    assert!(rows(&[]).unwrap_err().0.starts_with("the number of results must be 1 to"));
    let many: Vec<Value> = (1..=21).map(run).collect();
    assert!(rows(&many).unwrap_err().0.starts_with("runs must be 1 to 20"));
}
