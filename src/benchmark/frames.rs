//! The stored state of a benchmark as messages, for tabs that connect late.

use std::collections::HashMap;

use super::store::{RowKey, StoredBenchmark, StoredRow};
use crate::messages::{BenchmarkInit, ServerMessage};
use bench::types::{Event, Init, ModelAdjustments, ResultRow, Run, RunResult, WarmupOutcome, WarmupResult};

/// A benchmark as far as it is stored.
#[derive(Debug)]
pub struct Present {
    pub benchmark: StoredBenchmark,
    pub rows: Vec<StoredRow>,
    /// Of each row; chunks are not needed.
    pub runs: HashMap<RowKey, Vec<Run>>,
}

impl Present {
    /// The first message for a tab that connects late: what is measured, and how far it is.
    pub fn init(&self) -> ServerMessage {
        let init = self.data();
        let progress_pct = Some(percent(init.done_requests, init.total_requests));
        let data = Box::new(BenchmarkInit { init, reconnect: true, progress_pct });
        ServerMessage::BenchmarkInit { job_id: self.benchmark.id.clone(), data }
    }

    /// The messages that follow it: all results so far, row by row.
    pub fn results(&self) -> Vec<ServerMessage> {
        let adjustments = self.adjustments();
        let adjusted = (!adjustments.is_empty()).then_some(Event::ParamAdjustments { models: adjustments });
        let events = adjusted.into_iter().chain(self.rows.iter().flat_map(|row| self.events_of(row)));
        events.map(|event| ServerMessage::of_event(&self.benchmark.id, event)).collect()
    }

    fn data(&self) -> Init {
        let parameters = &self.benchmark.parameters;
        let measured = self.rows.iter().filter(|row| row.head.skipped.is_none());
        let per_row = u64::from(parameters.runs) + u64::from(parameters.warmup);
        let runs = self.runs.values().map(|runs| runs.len() as u64).sum::<u64>();
        let warmups = self.rows.iter().filter(|row| row.warmup.is_some()).count() as u64;
        Init {
            targets: self.benchmark.targets.iter().map(|target| target.model_ref()).collect(),
            runs: parameters.runs,
            context_tiers: parameters.context_tiers.clone(),
            max_tokens: parameters.max_tokens,
            total_requests: measured.count() as u64 * per_row,
            done_requests: runs + warmups,
            rows: self.rows.iter().map(|row| row.head.clone()).collect(),
        }
    }

    fn adjustments(&self) -> Vec<ModelAdjustments> {
        let mut models: Vec<ModelAdjustments> = Vec::new();
        for row in self.rows.iter().filter(|row| !row.head.adjustments.is_empty()) {
            if models.iter().all(|known| known.model != row.key.model) {
                let adjustments = row.head.adjustments.clone();
                models.push(ModelAdjustments { model: row.key.model.clone(), adjustments });
            }
        }
        models
    }

    fn events_of(&self, row: &StoredRow) -> Vec<Event> {
        let runs = self.runs.get(&row.key).map_or(&[][..], Vec::as_slice);
        let mut events = Vec::with_capacity(runs.len() + 2);
        if let Some(outcome) = row.warmup.clone() {
            events.push(Event::BenchmarkWarmup { data: Box::new(warmup_result(row, outcome)) });
        }
        if row.head.skipped.is_some() {
            events.push(Event::BenchmarkResult { data: Box::new(run_result(row, None)) });
        }
        // One by one also where the row holds them: scripts count results.
        events.extend(
            runs.iter()
                .map(|run| Event::BenchmarkResult { data: Box::new(run_result(row, Some(run.clone()))) }),
        );
        if row.summary.is_some() {
            let whole: ResultRow = row.clone().with_runs(runs.to_vec());
            events.push(Event::BenchmarkRow { data: Box::new(whole) });
        }
        events
    }
}

/// How far a benchmark is, 0 to 100.
pub fn percent(done: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { 100.0 * done.min(total) as f64 / total as f64 }
}

fn run_result(row: &StoredRow, run: Option<Run>) -> RunResult {
    let head = &row.head;
    RunResult {
        provider: head.provider.clone(),
        provider_key: head.provider_key.clone(),
        model: head.model.clone(),
        model_id: head.model_id.clone(),
        context_tokens: head.context_tokens,
        skipped: head.skipped.clone(),
        run,
    }
}

fn warmup_result(row: &StoredRow, outcome: WarmupOutcome) -> WarmupResult {
    let head = &row.head;
    WarmupResult {
        provider: head.provider.clone(),
        provider_key: head.provider_key.clone(),
        model: head.model.clone(),
        model_id: head.model_id.clone(),
        context_tokens: head.context_tokens,
        outcome,
    }
}
