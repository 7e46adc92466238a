//! A benchmark as signals that change only where a message of the server changes something.

use std::sync::Arc;

use leptos::prelude::*;

use crate::benchmark::page_row::PageRow;
use crate::benchmark::report::state::{BenchmarkState, Change};
use crate::benchmark::view::{BenchmarkStatus, BenchmarkView};
use crate::jobs::JobState;
use crate::live::use_event_stream;
use crate::messages::ServerMessage;
use bench::types::{ClientHealth, Parameters, Run};

/// What the page's parts look at.
#[derive(Debug, Clone, Copy)]
pub struct LiveBenchmark {
    state: StoredValue<BenchmarkState>,
    pub parameters: StoredValue<Parameters>,
    /// Each row by itself, in the order of the report.
    pub rows: RwSignal<Vec<RwSignal<PageRow>>>,
    /// Counts the changes of rows, for what looks at all of them.
    changes: RwSignal<u64>,
    pub job: RwSignal<JobState>,
    pub error: RwSignal<Option<String>>,
    /// Counts how often the benchmark has to be loaded again to know where it stands.
    outdated: RwSignal<u64>,
    /// Known when it has finished.
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

    /// Applies a message of the server; messages about other benchmarks change nothing.
    pub fn on_message(self, message: &ServerMessage) {
        self.update(|state| state.apply(message));
    }

    /// Takes over a benchmark that was loaded again.
    pub fn refresh(self, view: BenchmarkView<PageRow>) {
        let (job, error) = (job_state(&view), view.error);
        self.client.set(view.client);
        self.update(|state| state.expect_rows(&view.rows));
        for row in view.rows {
            self.update(|state| state.replace_row(row));
        }
        self.update(|state| state.become_state(job, error));
    }

    /// Puts in the runs of the row at this place, which were loaded because somebody looks at them. Returns
    /// whether the row holds its runs now.
    pub fn put_runs(self, place: usize, runs: Vec<Run>) -> bool {
        self.update(|state| state.put_runs(place, runs));
        let holds_runs = |state: &BenchmarkState| state.rows.get(place).is_some_and(PageRow::holds_runs);
        self.state.try_with_value(holds_runs).unwrap_or_default()
    }

    fn update(self, apply: impl FnOnce(&mut BenchmarkState) -> Change) {
        // The page may be gone by now.
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

    /// Looks at all rows, and again when one has changed.
    pub fn with_rows<T>(self, look: impl FnOnce(&[PageRow]) -> T) -> T {
        self.changes.track();
        self.state.with_value(|state| look(&state.rows))
    }

    /// Looks at all rows as they are now.
    pub fn with_rows_untracked<T>(self, look: impl FnOnce(&[PageRow]) -> T) -> T {
        self.state.with_value(|state| look(&state.rows))
    }

    pub fn id(self) -> String {
        self.state.with_value(|state| state.id.clone())
    }

    /// How often the benchmark had to be loaded again so far.
    pub fn times_outdated(self) -> u64 {
        self.outdated.get()
    }

    /// Whether something may still come.
    pub fn is_active(self) -> bool {
        self.job.get().is_active()
    }
}

/// Keeps the messages that arrive while a benchmark is loaded: they may be newer than what is loaded.
#[derive(Debug, Clone, Copy)]
pub struct Meanwhile(StoredValue<Option<Vec<Arc<ServerMessage>>>>);

impl Meanwhile {
    /// Keeps nothing until a load begins.
    pub fn listen() -> Self {
        let kept = StoredValue::new(None::<Vec<Arc<ServerMessage>>>);
        use_event_stream().listen(move |message| {
            kept.try_update_value(|kept| kept.iter_mut().for_each(|kept| kept.push(Arc::clone(message))));
        });
        Self(kept)
    }

    /// Keeps every message from now on.
    pub fn begin(self) {
        self.0.set_value(Some(Vec::new()));
    }

    /// Applies what was kept to the benchmark that is loaded now, which listens itself from then on.
    pub fn apply_to(self, benchmark: LiveBenchmark) {
        let kept = self.0.try_update_value(Option::take).flatten();
        kept.iter().flatten().for_each(|message| benchmark.on_message(message));
    }
}

/// Jobs are forgotten before their benchmarks are.
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
