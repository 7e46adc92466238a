//! The client-side state of a benchmark, and how each server message changes it.
//!
//! Applying messages is idempotent, because a reconnect may repeat them: provider, model, context size and
//! number identify a run, and a run that exists already changes nothing.

use crate::benchmark::page_row::{PageRow, RunNotes};
use crate::messages::{Job, JobState, ServerMessage};
use bench::summary::summarize;
use bench::types::{ResultRow, RowHead, Run, RunResult, WarmupResult};

/// The rows and the job state of one benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkState {
    /// The benchmark's id, which is also the job's id.
    pub id: String,
    pub job: JobState,
    /// The reason of the failure, as a sentence.
    pub error: Option<String>,
    pub rows: Vec<PageRow>,
}

/// The part of the state that a message changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Nothing,
    /// The set of rows.
    Rows,
    /// The row at this index.
    Row(usize),
    /// The job state.
    Job,
    /// The job ended but its final event was missed: the benchmark has to be loaded again.
    Outdated,
}

impl BenchmarkState {
    /// Applies a server message; messages of other jobs change nothing.
    pub fn apply(&mut self, message: &ServerMessage) -> Change {
        if message.job_id().is_some_and(|job_id| job_id != self.id) {
            return Change::Nothing;
        }
        match message {
            ServerMessage::Sync { active_jobs, recent_jobs } => self.sync(active_jobs, recent_jobs),
            ServerMessage::JobCreated { status, .. } => self.set_job_state(*status, None),
            ServerMessage::JobStarted { .. } => self.set_job_state(JobState::Running, None),
            ServerMessage::JobCompleted { .. } => self.set_job_state(JobState::Done, None),
            ServerMessage::JobFailed { error, .. } => {
                self.set_job_state(JobState::Failed, Some(error.clone()))
            }
            ServerMessage::JobCancelled { .. } => self.set_job_state(JobState::Cancelled, None),
            ServerMessage::BenchmarkInit { data, .. } => self.set_rows(&data.init.rows),
            ServerMessage::BenchmarkWarmup { data, .. } => self.add_warmup(data),
            ServerMessage::BenchmarkResult { data, .. } => self.add_result(data),
            ServerMessage::BenchmarkRow { data, .. } => {
                self.replace_row(PageRow::with_runs(ResultRow::clone(data)))
            }
            ServerMessage::JobProgress { .. }
            | ServerMessage::ParamAdjustments { .. }
            | ServerMessage::BenchmarkProgress { .. }
            | ServerMessage::Pong
            | ServerMessage::Error { .. } => Change::Nothing,
        }
    }

    fn sync(&mut self, active_jobs: &[Job], recent_jobs: &[Job]) -> Change {
        match active_jobs.iter().chain(recent_jobs).find(|job| job.id == self.id) {
            Some(job) => self.set_job_state(job.status, job.error.clone()),
            // The list contains all active jobs, but only the latest of the ended ones.
            None if self.job.is_active() => Change::Outdated,
            None => Change::Nothing,
        }
    }

    /// Replaces the rows by those of a reloaded benchmark if they differ.
    pub fn expect_rows(&mut self, rows: &[PageRow]) -> Change {
        let key = |row: &PageRow| (row.provider_key.clone(), row.model_id.clone(), row.context_tokens);
        if self.rows.iter().map(key).eq(rows.iter().map(key)) {
            return Change::Nothing;
        }
        self.rows = rows.to_vec();
        Change::Rows
    }

    /// Sets the job state, from an event or a reloaded benchmark. A final state is never changed.
    pub fn set_job_state(&mut self, next: JobState, error: Option<String>) -> Change {
        if !self.job.is_active() || self.job == next {
            return Change::Nothing;
        }
        (self.job, self.error) = (next, error);
        Change::Job
    }

    /// Replaces a row by the engine's final one, whose summary replaces the one calculated here. Keeps the
    /// loaded runs if the new row does not contain them.
    pub fn replace_row(&mut self, mut new: PageRow) -> Change {
        let place = self.place(&new.provider_key, &new.model_id, new.context_tokens);
        self.change(place, |row| {
            if !new.holds_runs() && row.holds_runs() && row.made() == new.made() {
                new.row.runs.clone_from(&row.runs);
            }
            let has_changed = *row != new;
            if has_changed {
                *row = new;
            }
            has_changed
        })
    }

    /// Adds the runs of the row at this index, which were loaded on request.
    pub fn put_runs(&mut self, place: usize, runs: Vec<Run>) -> Change {
        self.change(Some(place), |row| {
            let belongs = !row.holds_runs() && runs.len() as u64 == row.made();
            if belongs {
                row.row.runs = runs;
            }
            belongs
        })
    }

    fn set_rows(&mut self, heads: &[RowHead]) -> Change {
        let same =
            self.rows.len() == heads.len() && self.rows.iter().zip(heads).all(|(row, head)| is_of(row, head));
        if same {
            return Change::Nothing;
        }
        let mut known = std::mem::take(&mut self.rows);
        let row_of = |head: &RowHead| match known.iter().position(|row| is_of(row, head)) {
            Some(place) => known.swap_remove(place),
            None => PageRow::with_runs(head.clone().into()),
        };
        self.rows = heads.iter().map(row_of).collect();
        Change::Rows
    }

    fn add_warmup(&mut self, warmup: &WarmupResult) -> Change {
        let place = self.place(&warmup.provider_key, &warmup.model_id, warmup.context_tokens);
        self.change(place, |row| {
            let is_new = row.warmup.is_none();
            row.row.warmup.get_or_insert_with(|| warmup.outcome.clone());
            is_new
        })
    }

    fn add_result(&mut self, result: &RunResult) -> Change {
        let place = self.place(&result.provider_key, &result.model_id, result.context_tokens);
        self.change(place, |row| {
            if result.skipped.is_some() && row.skipped.is_none() {
                row.row.skipped.clone_from(&result.skipped);
                return true;
            }
            result.run.as_ref().is_some_and(|run| add_run(row, run))
        })
    }

    fn place(&self, provider_key: &str, model_id: &str, context_tokens: u64) -> Option<usize> {
        self.rows.iter().position(|row| {
            row.context_tokens == context_tokens
                && row.model_id == model_id
                && row.provider_key == provider_key
        })
    }

    fn change(&mut self, place: Option<usize>, change: impl FnOnce(&mut PageRow) -> bool) -> Change {
        let Some(place) = place else { return Change::Nothing };
        match self.rows.get_mut(place).map(change) {
            Some(true) => Change::Row(place),
            _ => Change::Nothing,
        }
    }
}

fn is_of(row: &PageRow, head: &RowHead) -> bool {
    row.context_tokens == head.context_tokens
        && row.model_id == head.model_id
        && row.provider_key == head.provider_key
}

/// Inserts the run in the order of its number and updates the summary; returns false if it exists already. A
/// row without its runs belongs to an ended benchmark, so its summary contains the run already.
fn add_run(row: &mut PageRow, run: &Run) -> bool {
    if !row.holds_runs() {
        return false;
    }
    let place = row.runs.partition_point(|kept| kept.run_number < run.run_number);
    if row.runs.get(place).is_some_and(|kept| kept.run_number == run.run_number) {
        return false;
    }
    row.row.runs.insert(place, run.clone());
    row.row.summary = summarize(&row.runs);
    row.notes = RunNotes::of(&row.runs);
    if !row.runs.iter().all(has_gaps) {
        // The gaps of some runs must not be shown as the gaps of all.
        row.row.summary.gap_ms = None;
    }
    true
}

fn has_gaps(run: &Run) -> bool {
    !run.success || run.chunks < 2 || !run.chunk_deltas_us.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::benchmark::report::testing::{failed, messages, page_row as row, run, state};

    fn replayed(messages: &[ServerMessage]) -> BenchmarkState {
        let mut state = state(Vec::new());
        for message in messages {
            state.apply(message);
        }
        state
    }

    #[test]
    fn has_rows_before_the_first_result() {
        let state = replayed(&messages(2, 3)[..1]);
        assert_eq!(state.rows.len(), 4);
        assert!(state.rows.iter().all(|row| row.runs.is_empty()));
    }

    #[test]
    fn returns_what_each_event_changed() {
        let mut state = state(Vec::new());
        let changes: Vec<_> = messages(1, 2)
            .iter()
            .map(|message| state.apply(message))
            .filter(|c| *c != Change::Nothing)
            .collect();
        assert_eq!(changes[0], Change::Rows);
        assert!(changes[1..].iter().all(|change| matches!(change, Change::Row(_))), "{changes:?}");
    }

    #[test]
    fn reloading_adds_missed_rows() {
        let loaded = replayed(&messages(2, 1)).rows;
        let mut state = state(Vec::new());
        assert_eq!(state.expect_rows(&loaded), Change::Rows);
        assert_eq!(state.rows, loaded);
        assert_eq!(state.expect_rows(&loaded), Change::Nothing);
    }

    #[test]
    fn a_run_without_gaps_hides_the_gaps_of_the_row() {
        let mut loaded = row("demo", "m", 0, vec![run(1)]);
        loaded.row.runs[0].chunk_deltas_us.clear();
        let mut state = state(vec![loaded]);
        let mut messages = messages(1, 2);
        let ServerMessage::BenchmarkResult { data, .. } = &mut messages[2] else { panic!("no result") };
        (data.provider_key, data.model_id) = ("demo".into(), "m".into());
        let second = data.run.as_mut().unwrap();
        (second.run_number, second.chunk_deltas_us) = (2, vec![100_000, 20_000, 25_000]);
        assert_eq!(state.apply(&messages[2]), Change::Row(0));
        assert_eq!(state.rows[0].summary.success_count, 2);
        assert_eq!(state.rows[0].summary.gap_ms, None);
    }

    #[test]
    fn only_its_own_job_changes_the_state_until_it_has_ended() {
        let mut state = state(Vec::new());
        let completed =
            |job_id: &str| ServerMessage::JobCompleted { job_id: job_id.into(), result_ref: None };
        assert_eq!(state.apply(&completed("another")), Change::Nothing);
        assert_eq!(state.apply(&completed("b1")), Change::Job);
        let started = ServerMessage::JobStarted { job_id: "b1".into(), job_type: "benchmark".into() };
        assert_eq!(state.apply(&started), Change::Nothing);
        assert_eq!(state.job, JobState::Done);
    }

    #[test]
    fn an_unlisted_active_job_requires_a_reload() {
        let nowhere = || ServerMessage::Sync { active_jobs: Vec::new(), recent_jobs: Vec::new() };
        let mut state = state(Vec::new());
        assert_eq!(state.apply(&nowhere()), Change::Outdated);
        assert_eq!(state.set_job_state(JobState::Failed, Some("It failed.".into())), Change::Job);
        assert_eq!(state.error.as_deref(), Some("It failed."));
        assert_eq!(state.apply(&nowhere()), Change::Nothing);
    }

    #[test]
    fn ignores_runs_of_ended_rows_without_runs() {
        let mut ended = state(Vec::new());
        let whole: Vec<PageRow> = replayed(&messages(1, 3)).rows;
        ended.rows = whole.iter().cloned().map(PageRow::without_runs).collect();
        for message in messages(1, 3) {
            if !matches!(message, ServerMessage::BenchmarkRow { .. }) {
                assert_eq!(ended.apply(&message), Change::Nothing, "{message:?}");
            }
        }
        assert!(ended.rows.iter().all(|row| row.runs.is_empty() && row.made() == 3));
    }

    #[test]
    fn keeps_loaded_runs_at_the_end_of_a_benchmark() {
        let watched = replayed(&messages(1, 3));
        let mut state = watched.clone();
        for row in &watched.rows {
            assert_eq!(state.replace_row(row.clone().without_runs()), Change::Nothing);
        }
        assert_eq!(state, watched);
        // A row with a missed run loads its runs again on request.
        let mut missed = watched.clone();
        missed.rows[0] = row("openai", "m0", 0, vec![run(1)]);
        let whole = &watched.rows[0];
        assert_eq!(missed.replace_row(whole.clone().without_runs()), Change::Row(0));
        assert!(!missed.rows[0].holds_runs() && missed.rows[0].made() == 3);
    }

    #[test]
    fn adds_loaded_runs_once_and_only_to_their_row() {
        let whole = row("openai", "a", 0, vec![run(1), failed(2)]);
        let mut state = state(vec![whole.clone().without_runs()]);
        assert_eq!(state.put_runs(0, vec![run(1)]), Change::Nothing);
        assert_eq!(state.put_runs(0, whole.runs.clone()), Change::Row(0));
        assert_eq!(state.rows[0], whole);
        assert_eq!(state.put_runs(0, whole.runs.clone()), Change::Nothing);
        assert_eq!(state.put_runs(1, Vec::new()), Change::Nothing);
    }

    proptest! {
        #[test]
        fn ignores_repeated_messages(models in 1_usize..4, runs in 1_u64..5, cut in 0.0..=1.0_f64) {
            let events = messages(models, runs);
            let received = (events.len() as f64 * cut) as usize;
            let twice: Vec<_> = events[..received].iter().chain(&events).cloned().collect();
            prop_assert_eq!(replayed(&twice), replayed(&events));
        }

        #[test]
        fn accepts_results_in_any_order(models in 1_usize..4, runs in 1_u64..5, seed in any::<u64>()) {
            let mut events = messages(models, runs);
            events.retain(|event| !matches!(event, ServerMessage::BenchmarkRow { .. }));
            let once = replayed(&events);
            let mut random = seed | 1;
            for last in (2..events.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                events.swap(last, 1 + (random >> 33) as usize % last);
            }
            prop_assert_eq!(replayed(&events), once);
        }
    }
}
