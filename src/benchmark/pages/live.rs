//! A benchmark as signals that are updated by server messages.

use std::sync::Arc;

use leptos::prelude::*;

use crate::benchmark::page_row::PageRow;
use crate::benchmark::report::state::{BenchmarkState, Change};
use crate::benchmark::view::{BenchmarkStatus, BenchmarkView};
use crate::jobs::JobState;
use crate::live::use_event_stream;
use crate::messages::ServerMessage;
use bench::types::{ClientHealth, Parameters, Run};

/// The signals of a benchmark's page.
#[derive(Debug, Clone, Copy)]
pub struct LiveBenchmark {
    state: StoredValue<BenchmarkState>,
    pub parameters: StoredValue<Parameters>,
    /// One signal per row, in the order of the report.
    pub rows: RwSignal<Vec<RwSignal<PageRow>>>,
    /// Counts changes of rows, for readers of all rows.
    changes: RwSignal<u64>,
    pub job: RwSignal<JobState>,
    pub error: RwSignal<Option<String>>,
    /// Counts how often the benchmark has to be reloaded because its state is unknown.
    outdated: RwSignal<u64>,
    /// Set when the benchmark has finished.
    pub client: RwSignal<Option<ClientHealth>>,
}

impl LiveBenchmark {
    pub fn of(view: BenchmarkView<PageRow>) -> Self {
        let job = job_state(&view);
        let state = BenchmarkState { id: view.id, job, error: view.error.clone(), rows: view.rows };
        Self {
            rows: RwSignal::new(state.rows.iter().cloned().map(RwSignal::new).collect()),
            state: StoredValue::new(state),
            parameters: StoredValue::new(view.parameters),
            changes: RwSignal::new(0),
            job: RwSignal::new(job),
            error: RwSignal::new(view.error),
            outdated: RwSignal::new(0),
            client: RwSignal::new(view.client),
        }
    }

    /// Applies a server message; messages about other benchmarks change nothing.
    pub fn on_message(self, message: &ServerMessage) {
        self.update(|state| state.apply(message));
    }

    /// Updates the signals from a reloaded benchmark.
    pub fn refresh(self, view: BenchmarkView<PageRow>) {
        let (job, error) = (job_state(&view), view.error);
        self.client.set(view.client);
        self.update(|state| state.expect_rows(&view.rows));
        for row in view.rows {
            self.update(|state| state.replace_row(row));
        }
        self.update(|state| state.set_job_state(job, error));
    }

    /// Adds the runs of the row at this index, which were loaded on request. Returns whether the row contains
    /// its runs now.
    pub fn put_runs(self, place: usize, runs: Vec<Run>) -> bool {
        self.update(|state| state.put_runs(place, runs));
        let holds_runs = |state: &BenchmarkState| state.rows.get(place).is_some_and(PageRow::holds_runs);
        self.state.try_with_value(holds_runs).unwrap_or_default()
    }

    fn update(self, apply: impl FnOnce(&mut BenchmarkState) -> Change) {
        // The component may be unmounted.
        let Some(change) = self.state.try_update_value(apply) else { return };
        match change {
            Change::Nothing => {}
            Change::Row(place) => self.row_changed(place),
            Change::Rows => {
                let rows = self.state.with_value(|state| state.rows.clone());
                self.rows.set(rows.into_iter().map(RwSignal::new).collect());
                self.changes.update(|changes| *changes += 1);
            }
            Change::Job => {
                let (job, error) = self.state.with_value(|state| (state.job, state.error.clone()));
                self.error.set(error);
                self.job.set(job);
            }
            Change::Outdated => self.outdated.update(|times| *times += 1),
        }
    }

    fn row_changed(self, place: usize) {
        let row = self.state.with_value(|state| state.rows.get(place).cloned());
        let signal = self.rows.with_untracked(|rows| rows.get(place).copied());
        if let Some((signal, row)) = signal.zip(row) {
            signal.set(row);
            self.changes.update(|changes| *changes += 1);
        }
    }

    /// Reads all rows and tracks their changes.
    pub fn with_rows<T>(self, look: impl FnOnce(&[PageRow]) -> T) -> T {
        self.changes.track();
        self.state.with_value(|state| look(&state.rows))
    }

    /// Reads all rows without tracking.
    pub fn with_rows_untracked<T>(self, look: impl FnOnce(&[PageRow]) -> T) -> T {
        self.state.with_value(|state| look(&state.rows))
    }

    pub fn id(self) -> String {
        self.state.with_value(|state| state.id.clone())
    }

    /// Returns how often the benchmark had to be reloaded so far.
    pub fn times_outdated(self) -> u64 {
        self.outdated.get()
    }

    /// Returns whether more messages may arrive.
    pub fn is_active(self) -> bool {
        self.job.get().is_active()
    }
}

/// Buffers the messages that arrive while a benchmark is loading: they may be newer than the loaded state.
#[derive(Debug, Clone, Copy)]
pub struct MessageBuffer(StoredValue<Option<Vec<Arc<ServerMessage>>>>);

impl MessageBuffer {
    /// Subscribes to messages; they are ignored until a load begins.
    pub fn listen() -> Self {
        let kept = StoredValue::new(None::<Vec<Arc<ServerMessage>>>);
        use_event_stream().listen(move |message| {
            kept.try_update_value(|kept| kept.iter_mut().for_each(|kept| kept.push(Arc::clone(message))));
        });
        Self(kept)
    }

    /// Buffers every message from now on.
    pub fn begin(self) {
        self.0.set_value(Some(Vec::new()));
    }

    /// Applies the buffered messages to the loaded benchmark, which subscribes to further messages itself.
    pub fn apply_to(self, benchmark: LiveBenchmark) {
        let kept = self.0.try_update_value(Option::take).flatten();
        kept.iter().flatten().for_each(|message| benchmark.on_message(message));
    }
}

/// Returns the job's state; if the job does not exist, the one that matches the benchmark's status.
fn job_state(view: &BenchmarkView<PageRow>) -> JobState {
    view.job.as_ref().map_or(
        match view.status {
            BenchmarkStatus::Running => JobState::Running,
            BenchmarkStatus::Complete => JobState::Done,
            BenchmarkStatus::Failed => JobState::Failed,
            BenchmarkStatus::Cancelled => JobState::Cancelled,
        },
        |job| job.status,
    )
}
