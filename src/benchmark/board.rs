//! Where results stand while a benchmark runs, so that a cancel keeps what was finished.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::{
    health::HealthMonitor,
    request::Recipe,
    run::Measured,
    summary::Summarizer,
    types::{ClientHealth, Event, LoadSummary, ResultRow, RunResult, RunSummary, Skip, WarmupOutcome},
};

/// Rows of a load beyond this are summed up but not kept one by one: memory stays flat.
pub const MAX_LOAD_RUNS: usize = 10_000;

/// All rows of one benchmark, in the order of the plan. Cheap to clone; all on one thread, so the
/// lock is never waited for.
#[derive(Debug, Clone)]
pub struct Board {
    state: Arc<Mutex<State>>,
    events: UnboundedSender<Event>,
}

#[derive(Debug)]
struct State {
    rows: Vec<Entry>,
    health: HealthMonitor,
}

#[derive(Debug)]
struct Entry {
    row: ResultRow,
    summarizer: Summarizer,
    started: bool,
}

/// Points at one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(usize);

impl Board {
    /// An empty board that reports to `events`.
    pub fn new(events: UnboundedSender<Event>) -> Self {
        let state = State { rows: Vec::new(), health: HealthMonitor::start() };
        Self { state: Arc::new(Mutex::new(state)), events }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_row<T>(&self, id: RowId, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.state().rows.get_mut(id.0).map(change)
    }

    /// Says something to whoever listens; nobody need.
    pub fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Adds the row of one model at one tier.
    pub fn add(&self, recipe: &Recipe, tier: u64) -> RowId {
        let mut state = self.state();
        state.rows.push(Entry {
            row: empty_row(recipe, tier),
            summarizer: Summarizer::default(),
            started: false,
        });
        RowId(state.rows.len() - 1)
    }

    /// The tier is not run.
    pub fn skip(&self, id: RowId, reason: String) {
        let skip = Skip { reason };
        let told = self.with_row(id, |entry| {
            entry.started = true;
            entry.row.skipped = Some(skip.clone());
            RunResult { skipped: Some(skip), ..identity(&entry.row) }
        });
        if let Some(data) = told {
            self.tell(Event::BenchmarkResult { data: Box::new(data) });
        }
        self.close(id);
    }

    /// The discarded run.
    pub fn warm(&self, id: RowId, measured: &Measured) {
        self.state().health.push(measured);
        let run = &measured.run;
        let outcome = WarmupOutcome {
            success: run.success,
            ttft_ms: run.ttft_ms,
            connect_ms: run.connect_ms,
            error: run.error.clone(),
        };
        self.with_row(id, |entry| {
            entry.started = true;
            entry.row.warmup = Some(outcome);
        });
    }

    /// One run of the usual mode: kept whole and told.
    pub fn push(&self, id: RowId, measured: Measured) {
        let told = self.count(id, &measured, |row, measured| {
            row.runs.push(measured.run.clone());
            RunResult { run: Some(measured.run.clone()), ..identity(row) }
        });
        if let Some(data) = told {
            self.tell(Event::BenchmarkResult { data: Box::new(data) });
        }
    }

    /// One run of a load: counted; its row is kept, without its chunks, while there is room.
    pub fn push_load(&self, id: RowId, mut measured: Measured) {
        self.count(id, &measured, |_, _| ());
        self.with_row(id, |entry| {
            if entry.row.runs.len() < MAX_LOAD_RUNS {
                measured.run.chunk_deltas_us = Vec::new();
                entry.row.runs.push(measured.run);
            } else if let Some(load) = &mut entry.row.load {
                load.runs_omitted += 1;
            }
        });
    }

    fn count<T>(
        &self,
        id: RowId,
        measured: &Measured,
        keep: impl FnOnce(&mut ResultRow, &Measured) -> T,
    ) -> Option<T> {
        self.state().health.push(measured);
        self.with_row(id, |entry| {
            entry.started = true;
            entry.row.context_token_source = measured.context_source.or(entry.row.context_token_source);
            entry.summarizer.push(&measured.run, measured.gaps_ms());
            keep(&mut entry.row, measured)
        })
    }

    /// Changes the load figures of a row.
    pub fn set_load(&self, id: RowId, change: impl FnOnce(&mut Option<LoadSummary>)) {
        self.with_row(id, |entry| change(&mut entry.row.load));
    }

    /// The row is finished: sums it up and tells it.
    pub fn close(&self, id: RowId) {
        let row = self.with_row(id, |entry| {
            entry.row.summary = entry.summarizer.summary();
            entry.row.clone()
        });
        if let Some(row) = row {
            self.tell(Event::BenchmarkRow { data: Box::new(row) });
        }
    }

    /// All rows that were begun, summed up, and the client's condition.
    pub fn finish(&self) -> (Vec<ResultRow>, ClientHealth) {
        let mut state = self.state();
        let health = state.health.health();
        let begun = state.rows.drain(..).filter(|entry| entry.started);
        let rows =
            begun.map(|entry| ResultRow { summary: entry.summarizer.summary(), ..entry.row }).collect();
        (rows, health)
    }
}

fn empty_row(recipe: &Recipe, tier: u64) -> ResultRow {
    let (provider, model) = (recipe.provider(), &recipe.target.model);
    ResultRow {
        provider: provider.display_name.clone(),
        provider_key: provider.key.clone(),
        model: model.display_name.clone(),
        model_id: model.id.clone(),
        protocol: provider.protocol,
        simulated: provider.simulated(),
        context_tokens: tier,
        context_token_source: None,
        price: model.price,
        adjustments: recipe.adjustments.clone(),
        skipped: None,
        warmup: None,
        runs: Vec::new(),
        summary: RunSummary::default(),
        load: None,
    }
}

fn identity(row: &ResultRow) -> RunResult {
    RunResult {
        provider: row.provider.clone(),
        provider_key: row.provider_key.clone(),
        model: row.model.clone(),
        model_id: row.model_id.clone(),
        context_tokens: row.context_tokens,
        skipped: None,
        run: None,
    }
}
