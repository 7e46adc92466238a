//! Collects the results of a running benchmark, so that a cancel keeps the finished ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{iter, mem};

use tokio::sync::mpsc::UnboundedSender;

use super::{
    health::HealthMonitor,
    resume::Earlier,
    run::Measured,
    summary::Summarizer,
    types::{
        ClientHealth, Event, LoadSummary, ResultRow, RowHead, Run, RunResult, RunSummary, WarmupOutcome,
        WarmupResult,
    },
};
use stats::Accumulator;

/// Runs of a load beyond this number are summarised but not kept, so that memory stays bounded.
const MAX_LOAD_RUNS: usize = 10_000;
/// Failed runs that are kept beyond that, so that the report shows why a long load began to fail.
const MAX_LATE_FAILURES: usize = 100;

/// All rows of one benchmark, in the order of the plan. Cheap to clone; all
/// clones are on one thread, so the lock is never contended.
#[derive(Debug, Clone)]
pub struct ResultCollector {
    state: Arc<Mutex<State>>,
    events: UnboundedSender<Event>,
    keep_chunk_times: bool,
    /// Number of measured runs per row.
    runs: u32,
}

#[derive(Debug)]
struct State {
    rows: Vec<Entry>,
    health: HealthMonitor,
}

#[derive(Debug)]
struct Entry {
    row: ResultRow,
    summarizer: Summarizer<Accumulator>,
    /// The summary of a row that earlier starts finished.
    earlier_summary: Option<RunSummary>,
    open_loop: OpenLoopFigures,
    started: bool,
}

/// What requests of an open loop took since their intended starts.
#[derive(Debug, Default)]
struct OpenLoopFigures {
    ttft_ms: Accumulator,
    total_time_s: Accumulator,
    start_delay_ms: Accumulator,
}

impl OpenLoopFigures {
    fn push(&mut self, run: &Run) {
        let Some(delay_ms) = run.start_delay_ms else { return };
        self.start_delay_ms.push(delay_ms);
        if run.success {
            run.ttft_ms.into_iter().for_each(|ttft_ms| self.ttft_ms.push(delay_ms + ttft_ms));
            run.total_time_s.into_iter().for_each(|total_s| self.total_time_s.push(delay_ms / 1e3 + total_s));
        }
    }
}

/// Index of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(usize);

impl ResultCollector {
    /// Creates an empty collector of rows with `runs` runs each. It sends events to `events` and keeps the chunk
    /// times of runs only if it is told to.
    pub fn new(events: UnboundedSender<Event>, keep_chunk_times: bool, runs: u32) -> Self {
        let state = State { rows: Vec::new(), health: HealthMonitor::start() };
        Self { state: Arc::new(Mutex::new(state)), events, keep_chunk_times, runs }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_row<T>(&self, id: RowId, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.state().rows.get_mut(id.0).map(change)
    }

    /// Sends an event; ignored if there is no receiver.
    pub fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Adds the row of one model at one tier with its results of earlier starts.
    pub fn add(&self, head: RowHead, earlier: Earlier) -> RowId {
        let mut state = self.state();
        state.rows.push(Entry::new(head, earlier));
        RowId(state.rows.len() - 1)
    }

    /// Records that the tier is skipped.
    pub fn skip(&self, id: RowId) {
        let told = self.with_row(id, |entry| {
            entry.started = true;
            RunResult { skipped: entry.row.skipped.clone(), ..identity(&entry.row, self.runs) }
        });
        if let Some(data) = told {
            self.tell(Event::BenchmarkResult { data: Box::new(data) });
        }
        self.close(id);
    }

    /// Records the warm-up.
    pub fn warm(&self, id: RowId, measured: &Measured) {
        self.state().health.push(measured);
        let run = &measured.run;
        let outcome = WarmupOutcome {
            success: run.success,
            ttft_ms: run.ttft_ms,
            connect_ms: run.connect_ms,
            dns_ms: run.dns_ms,
            tcp_ms: run.tcp_ms,
            tls_ms: run.tls_ms,
            error: run.error.clone(),
        };
        let told = self.with_row(id, |entry| {
            entry.started = true;
            entry.row.warmup = Some(outcome.clone());
            warmup_result(&entry.row, outcome)
        });
        if let Some(data) = told {
            self.tell(Event::BenchmarkWarmup { data: Box::new(data) });
        }
    }

    /// Adds a run and sends it as an event (not in load mode).
    pub fn push(&self, id: RowId, measured: Measured) {
        self.count(id, &measured);
        let mut run = measured.run;
        let told = self.with_row(id, |entry| {
            let chunk_deltas_us = mem::take(&mut run.chunk_deltas_us);
            let mut kept = run.clone();
            if self.keep_chunk_times {
                kept.chunk_deltas_us.clone_from(&chunk_deltas_us);
            }
            entry.keep(kept);
            run.chunk_deltas_us = chunk_deltas_us;
            RunResult { run: Some(run), ..identity(&entry.row, self.runs) }
        });
        if let Some(data) = told {
            self.tell(Event::BenchmarkResult { data: Box::new(data) });
        }
    }

    /// Adds a run of a load to the summary, and keeps it without its chunks up to [`MAX_LOAD_RUNS`].
    pub fn push_load(&self, id: RowId, mut measured: Measured) {
        let room = MAX_LOAD_RUNS + if measured.run.success { 0 } else { MAX_LATE_FAILURES };
        self.count(id, &measured);
        self.with_row(id, |entry| {
            if entry.row.runs.len() < room {
                measured.run.chunk_deltas_us = Vec::new();
                entry.row.runs.push(measured.run);
            }
        });
    }

    fn count(&self, id: RowId, measured: &Measured) {
        self.state().health.push(measured);
        self.with_row(id, |entry| {
            entry.started = true;
            entry.earlier_summary = None;
            // To the microsecond, as they are stored: the summary is the same after an interruption.
            entry.summarizer.push(&measured.run, measured.run.gaps_ms());
            entry.open_loop.push(&measured.run);
        });
    }

    /// Replaces the load figures of a row.
    pub fn set_load(&self, id: RowId, load: LoadSummary) {
        self.with_row(id, |entry| entry.row.load = Some(load));
    }

    /// Finishes the row: summarises it and sends it as an event, in load mode without its runs.
    pub fn close(&self, id: RowId) {
        let row = self.with_row(id, |entry| {
            entry.sum_up();
            if entry.row.load.is_none() {
                return entry.row.clone();
            }
            let runs = mem::take(&mut entry.row.runs);
            let told = entry.row.clone();
            entry.row.runs = runs;
            told
        });
        if let Some(row) = row {
            self.tell(Event::BenchmarkRow { data: Box::new(row) });
        }
    }

    /// Returns all rows that were started, now or earlier, with their summaries, and the client's condition
    /// since this start.
    pub fn finish(&self) -> (Vec<ResultRow>, ClientHealth) {
        let mut state = self.state();
        let health = state.health.health();
        let begun = state.rows.drain(..).filter(|entry| entry.started);
        let rows = begun.map(Entry::into_row).collect();
        (rows, health)
    }
}

impl Entry {
    fn new(head: RowHead, earlier: Earlier) -> Self {
        let runs: Vec<_> = earlier.runs.into_values().collect();
        let mut summarizer = Summarizer::of_gaps(earlier.gaps_ms);
        runs.iter().for_each(|run| summarizer.push(run, iter::empty()));
        let started = !runs.is_empty();
        let row = ResultRow { warmup: earlier.warmup, runs, ..head.into() };
        let open_loop = OpenLoopFigures::default();
        Self { row, summarizer, earlier_summary: earlier.summary, open_loop, started }
    }

    /// Inserts the run by its number: a later run may fill a gap.
    fn keep(&mut self, run: Run) {
        let place = self.row.runs.partition_point(|kept| kept.run_number < run.run_number);
        self.row.runs.insert(place, run);
    }

    fn sum_up(&mut self) {
        self.row.summary = self.earlier_summary.clone().unwrap_or_else(|| self.summarizer.summary());
        if let Some(load) = &mut self.row.load {
            let counted = self.row.summary.success_count + self.row.summary.error_count;
            load.runs_omitted = counted - self.row.runs.len() as u64;
            if let Some(open_loop) = &mut load.open_loop {
                open_loop.ttft_ms = self.open_loop.ttft_ms.summary();
                open_loop.total_time_s = self.open_loop.total_time_s.summary();
                open_loop.start_delay_ms = self.open_loop.start_delay_ms.summary();
            }
        }
    }

    fn into_row(mut self) -> ResultRow {
        self.sum_up();
        self.row
    }
}

fn warmup_result(row: &ResultRow, outcome: WarmupOutcome) -> WarmupResult {
    WarmupResult {
        provider: row.provider.clone(),
        provider_key: row.provider_key.clone(),
        model: row.model.clone(),
        model_id: row.model_id.clone(),
        context_tokens: row.context_tokens,
        outcome,
    }
}

fn identity(row: &ResultRow, runs: u32) -> RunResult {
    RunResult {
        provider: row.provider.clone(),
        provider_key: row.provider_key.clone(),
        model: row.model.clone(),
        model_id: row.model_id.clone(),
        context_tokens: row.context_tokens,
        runs,
        skipped: None,
        run: None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::{
        Target,
        load::ledger::Ledger,
        measure::{RunContext, measure},
        request::RequestTemplate,
        tokenizer::Tokenizer,
        types::{LoadParameters, Parameters},
    };
    use endpoint::{ApiError, ErrorKind, Model, client::Exchange, egress::AddressPolicy};

    fn failed() -> Measured {
        let message = "slow down".into();
        let error =
            ApiError { kind: ErrorKind::RateLimited, status: Some(429), message, retry_after_s: None };
        let context = RunContext {
            run_number: 1,
            started_at: 0,
            opened: None,
            price: None,
            tokenizer: Tokenizer::Estimate,
        };
        let run = measure(&Exchange::unsent(error), &context, "");
        Measured { run, sent_ns: None, arrivals_ns: Vec::new(), lateness_us: Vec::new() }
    }

    fn succeeded() -> Measured {
        let mut measured = failed();
        (measured.run.success, measured.run.error) = (true, None);
        measured
    }

    #[test]
    fn a_long_load_keeps_so_many_runs_and_the_failures_after_them() {
        let (events, _) = unbounded_channel();
        let collector = ResultCollector::new(events, true, 1);
        let target = Target {
            provider: mock::demo_provider("http://127.0.0.1:1"),
            key: None,
            model: Model::named("m"),
            policy: AddressPolicy::PUBLIC,
        };
        let head = RequestTemplate::new(target, &Parameters::default()).row_head(0);
        let row = collector.add(head, Earlier::default());
        let load = LoadParameters::closed(1, 11_000);
        collector.set_load(row, Ledger::new(load, 1, 0).summary(0));
        for _ in 0..MAX_LOAD_RUNS + 5 {
            collector.push_load(row, succeeded());
        }
        for _ in 0..MAX_LATE_FAILURES + 3 {
            collector.push_load(row, failed());
        }
        let (rows, _) = collector.finish();
        let (row, failures) = (&rows[0], MAX_LATE_FAILURES as u64);
        assert_eq!(row.runs.len(), MAX_LOAD_RUNS + MAX_LATE_FAILURES);
        assert_eq!(row.runs.iter().filter(|run| run.error.is_some()).count() as u64, failures);
        assert_eq!(row.summary.error_count, failures + 3);
        assert_eq!(row.load.as_ref().unwrap().runs_omitted, 5 + 3);
    }
}
