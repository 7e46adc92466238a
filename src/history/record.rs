//! Converts stored benchmarks to entries of the history.

use jiff::Timestamp;

use super::types::{Confidence, HistoryDetail, HistoryResult, HistoryRun};
use crate::benchmark::view::{BenchmarkView, HistoryItem, RowFigures};
use bench::types::{Parameters, RowHead};

impl From<HistoryItem> for HistoryRun {
    fn from(item: HistoryItem) -> Self {
        let Parameters { context_tiers, runs, max_tokens, temperature, warmup, .. } = item.parameters;
        Self {
            id: item.id,
            status: item.status,
            error: item.error,
            timestamp: rfc3339(item.created_at),
            created_at: item.created_at,
            finished_at: item.finished_at,
            prompt: item.prompt,
            context_tiers,
            runs,
            max_tokens,
            temperature,
            warmup,
            results: item.rows.into_iter().map(|(head, figures)| listed(head, figures)).collect(),
        }
    }
}

impl From<BenchmarkView> for HistoryDetail {
    fn from(view: BenchmarkView) -> Self {
        let Parameters { prompt, context_tiers, runs, max_tokens, temperature, warmup, .. } =
            view.parameters.clone();
        let run = HistoryRun {
            id: view.id,
            status: view.status,
            error: view.error,
            timestamp: rfc3339(view.created_at),
            created_at: view.created_at,
            finished_at: view.finished_at,
            prompt,
            context_tiers,
            runs,
            max_tokens,
            temperature,
            warmup,
            results: view.rows.iter().map(|row| listed(row.head(), RowFigures::of(row))).collect(),
        };
        Self { run, parameters: view.parameters, client: view.client, rows: view.rows }
    }
}

fn listed(head: RowHead, figures: RowFigures) -> HistoryResult {
    HistoryResult {
        provider_key: head.provider_key,
        provider: head.provider,
        model_id: head.model_id,
        model: head.model,
        simulated: head.simulated,
        reported: head.reported,
        context_tokens: head.context_tokens,
        runs: figures.success_count + figures.error_count,
        confidence_level: Confidence::of(&figures),
        skipped: head.skipped,
        figures,
    }
}

fn rfc3339(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).unwrap_or_default().to_string()
}
