//! Converts stored benchmarks to entries of the history.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Map;
use serde_json::value::RawValue;

use super::types::{HistoryConfig, HistoryDetail, HistoryRun};
use crate::benchmark::view::{BenchmarkStatus, BenchmarkView, HistoryItem, HistoryResult, RowFigures};
use crate::times;
use bench::types::Parameters;

/// A [`HistoryPage`](super::types::HistoryPage) whose results are the stored JSON, which is neither parsed
/// nor written again.
#[derive(Debug, Serialize)]
pub struct StoredPage {
    pub runs: Vec<StoredRun>,
    pub next: Option<String>,
}

/// A [`HistoryRun`] in the same way.
#[derive(Debug, Serialize)]
pub struct StoredRun {
    id: String,
    status: BenchmarkStatus,
    error: Option<String>,
    timestamp: String,
    #[serde(flatten, with = "times::created_at")]
    created_at: i64,
    #[serde(flatten, with = "times::finished_at")]
    finished_at: Option<i64>,
    prompt: String,
    context_tiers: Vec<u64>,
    runs: u32,
    max_tokens: u32,
    temperature: f64,
    warmup: bool,
    results: Option<Box<RawValue>>,
}

impl StoredPage {
    /// The page with these benchmarks, and their results by id.
    pub fn new(
        items: Vec<HistoryItem>,
        mut results: HashMap<String, Box<RawValue>>,
        next: Option<String>,
    ) -> Self {
        let runs = items.into_iter().map(|item| {
            let results = results.remove(&item.id);
            StoredRun::new(item, results)
        });
        Self { runs: runs.collect(), next }
    }
}

impl StoredRun {
    fn new(item: HistoryItem, results: Option<Box<RawValue>>) -> Self {
        Self {
            id: item.id,
            status: item.status,
            error: item.error,
            timestamp: rfc3339(item.created_at),
            created_at: item.created_at,
            finished_at: item.finished_at,
            prompt: item.prompt,
            context_tiers: item.context_tiers,
            runs: item.runs,
            max_tokens: item.max_tokens,
            temperature: item.temperature,
            warmup: item.warmup,
            results: results.or_else(|| RawValue::from_string("[]".to_owned()).ok()),
        }
    }
}

impl From<BenchmarkView> for HistoryDetail {
    fn from(view: BenchmarkView) -> Self {
        let Parameters { prompt, context_tiers, runs, max_tokens, temperature, warmup, params, .. } =
            view.parameters.clone();
        let mut results: Vec<_> =
            view.rows.iter().map(|row| HistoryResult::of(row.head(), RowFigures::of(row))).collect();
        HistoryResult::sort_by_speed(&mut results);
        let config = HistoryConfig {
            models: view.targets.iter().map(|target| target.model_id.clone()).collect(),
            targets: view.targets,
            context_tiers: context_tiers.clone(),
            runs,
            max_tokens,
            temperature,
            warmup,
            provider_params: params,
        };
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
            results,
        };
        Self {
            run,
            parameters: view.parameters,
            config,
            metadata: Map::new(),
            client: view.client,
            rows: view.rows,
        }
    }
}

fn rfc3339(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::super::types::HistoryPage;
    use super::*;
    use crate::benchmark::view::Headline;

    #[test]
    fn stored_pages_are_what_the_description_says() {
        let item = |id: &str| HistoryItem {
            id: id.into(),
            status: BenchmarkStatus::Complete,
            error: None,
            created_at: 1_800_000_000_000,
            finished_at: Some(1_800_000_001_000),
            prompt: "Say".into(),
            context_tiers: vec![0, 5_000],
            runs: 3,
            max_tokens: 100,
            temperature: 0.5,
            warmup: true,
            headline: Headline::default(),
        };
        let head = serde_json::json!({
            "provider": "Demo", "provider_key": "demo", "model": "Fast", "model_id": "fast",
            "protocol": "openai_chat", "simulated": true, "reported": false, "context_tokens": 0,
        });
        let head = serde_json::from_value(head).unwrap();
        let figures = RowFigures { success_count: 3, avg_ttft_ms: Some(1.5), ..RowFigures::default() };
        let result = HistoryResult::of(head, figures);
        let stored = RawValue::from_string(serde_json::to_string(&[&result]).unwrap()).unwrap();
        let results = HashMap::from([("b".to_owned(), stored)]);
        let page = StoredPage::new(vec![item("b"), item("a")], results, Some("a".into()));
        let json = serde_json::to_string(&page).unwrap();
        let page: HistoryPage = serde_json::from_str(&json).unwrap();
        assert_eq!((&page.runs[0].results, &page.runs[1].results), (&vec![result], &vec![]));
        assert_eq!(page.runs[0].timestamp, "2027-01-15T08:00:00Z");
        assert_eq!(serde_json::to_string(&page).unwrap(), json, "the same fields in the same order");
    }
}
