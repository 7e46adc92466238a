//! What is known of a benchmark, and how each event changes it.
//!
//! Events may come twice, as after a reconnect: a run is known by provider, model, tier and number,
//! and what is known already changes nothing.

use crate::jobs::{JobEvent, JobState};
use bench::summary::summarize;
use bench::types::{Event, Init, ResultRow, RowHead, Run, RunResult, WarmupResult};

/// Rows and whereabouts of one benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkState {
    /// The benchmark's id, which is its job's.
    pub id: String,
    pub job: JobState,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    pub rows: Vec<ResultRow>,
}

/// What an event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Nothing,
    /// There are other rows than before.
    Rows,
    /// The row at this place.
    Row(usize),
    /// Where the job stands.
    Job,
    /// The job ended without this page being told: only loading the benchmark again tells how.
    Outdated,
}

impl BenchmarkState {
    /// Takes in what the engine says.
    pub fn apply(&mut self, event: Event) -> Change {
        match event {
            Event::BenchmarkInit { data } => self.begin(data),
            Event::BenchmarkWarmup { data } => self.warmed(*data),
            Event::BenchmarkResult { data } => self.measured(*data),
            Event::BenchmarkRow { data } => self.closed(*data),
            Event::ParamAdjustments { .. } | Event::BenchmarkProgress { .. } => Change::Nothing,
        }
    }

    /// Takes in what happened to its job; what happens to others changes nothing.
    pub fn apply_job(&mut self, event: JobEvent) -> Change {
        match event {
            JobEvent::Sync { active_jobs, recent_jobs } => {
                let own = active_jobs.into_iter().chain(recent_jobs).find(|job| job.id == self.id);
                match own {
                    Some(job) => self.become_state(job.status, job.error),
                    // Active jobs are all in the list; of the ended ones only the latest are.
                    None if self.job.is_active() => Change::Outdated,
                    None => Change::Nothing,
                }
            }
            JobEvent::JobCreated { job_id, status, .. } if job_id == self.id => {
                self.become_state(status, None)
            }
            JobEvent::JobStarted { job_id, .. } if job_id == self.id => {
                self.become_state(JobState::Running, None)
            }
            JobEvent::JobCompleted { job_id, .. } if job_id == self.id => {
                self.become_state(JobState::Done, None)
            }
            JobEvent::JobFailed { job_id, error } if job_id == self.id => {
                self.become_state(JobState::Failed, Some(error))
            }
            JobEvent::JobCancelled { job_id } if job_id == self.id => {
                self.become_state(JobState::Cancelled, None)
            }
            _ => Change::Nothing,
        }
    }

    /// Takes in which rows there are, from a benchmark that was loaded again.
    pub fn expect_rows(&mut self, rows: &[ResultRow]) -> Change {
        let key = |row: &ResultRow| (row.provider_key.clone(), row.model_id.clone(), row.context_tokens);
        if self.rows.iter().map(key).eq(rows.iter().map(key)) {
            return Change::Nothing;
        }
        self.rows = rows.to_vec();
        Change::Rows
    }

    /// Takes over where the job stands, from an event or a benchmark that was loaded again. What has
    /// ended stays ended.
    pub fn become_state(&mut self, next: JobState, error: Option<String>) -> Change {
        if !self.job.is_active() || self.job == next {
            return Change::Nothing;
        }
        (self.job, self.error) = (next, error);
        Change::Job
    }

    fn begin(&mut self, init: Init) -> Change {
        let same = self.rows.len() == init.rows.len()
            && self.rows.iter().zip(&init.rows).all(|(row, head)| is_of(row, head));
        if same {
            return Change::Nothing;
        }
        let mut known = std::mem::take(&mut self.rows);
        self.rows = init
            .rows
            .into_iter()
            .map(|head| match known.iter().position(|row| is_of(row, &head)) {
                Some(place) => known.swap_remove(place),
                None => head.into(),
            })
            .collect();
        Change::Rows
    }

    fn warmed(&mut self, warmed: WarmupResult) -> Change {
        let place = self.place(&warmed.provider_key, &warmed.model_id, warmed.context_tokens);
        self.change(place, |row| {
            let news = row.warmup.is_none();
            row.warmup.get_or_insert(warmed.outcome);
            news
        })
    }

    fn measured(&mut self, result: RunResult) -> Change {
        let place = self.place(&result.provider_key, &result.model_id, result.context_tokens);
        self.change(place, |row| {
            if result.skipped.is_some() && row.skipped.is_none() {
                row.skipped = result.skipped;
                return true;
            }
            result.run.is_some_and(|run| keep(row, run))
        })
    }

    /// The engine's own summary of all runs takes the place of what was put together here.
    fn closed(&mut self, closed: ResultRow) -> Change {
        let place = self.place(&closed.provider_key, &closed.model_id, closed.context_tokens);
        self.change(place, |row| {
            let news = *row != closed;
            *row = closed;
            news
        })
    }

    fn place(&self, provider_key: &str, model_id: &str, context_tokens: u64) -> Option<usize> {
        self.rows.iter().position(|row| {
            row.context_tokens == context_tokens
                && row.model_id == model_id
                && row.provider_key == provider_key
        })
    }

    fn change(&mut self, place: Option<usize>, change: impl FnOnce(&mut ResultRow) -> bool) -> Change {
        let Some(place) = place else { return Change::Nothing };
        match self.rows.get_mut(place).map(change) {
            Some(true) => Change::Row(place),
            _ => Change::Nothing,
        }
    }
}

fn is_of(row: &ResultRow, head: &RowHead) -> bool {
    row.context_tokens == head.context_tokens
        && row.model_id == head.model_id
        && row.provider_key == head.provider_key
}

/// Puts the run where its number belongs and sums up again; false where it was there already.
fn keep(row: &mut ResultRow, run: Run) -> bool {
    let place = row.runs.partition_point(|kept| kept.run_number < run.run_number);
    if row.runs.get(place).is_some_and(|kept| kept.run_number == run.run_number) {
        return false;
    }
    row.runs.insert(place, run);
    row.summary = summarize(&row.runs);
    if !row.runs.iter().all(knows_its_gaps) {
        // Gaps of some runs only would pass for those of all.
        row.summary.gap_ms = None;
    }
    true
}

fn knows_its_gaps(run: &Run) -> bool {
    !run.success || run.chunks < 2 || !run.chunk_deltas_us.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::benchmark::report::testing::{engine_events, row, run, state};

    fn replayed(events: &[Event]) -> BenchmarkState {
        let mut state = state(Vec::new());
        events.iter().cloned().for_each(|event| {
            state.apply(event);
        });
        state
    }

    #[test]
    fn rows_are_there_before_anything_is_measured() {
        let state = replayed(&engine_events(2, 3)[..1]);
        assert_eq!(state.rows.len(), 4);
        assert!(state.rows.iter().all(|row| row.runs.is_empty()));
    }

    #[test]
    fn each_event_says_what_it_changed() {
        let mut state = state(Vec::new());
        let changes: Vec<_> = engine_events(1, 2)
            .into_iter()
            .map(|event| state.apply(event))
            .filter(|c| *c != Change::Nothing)
            .collect();
        assert_eq!(changes[0], Change::Rows);
        assert!(changes[1..].iter().all(|change| matches!(change, Change::Row(_))), "{changes:?}");
    }

    #[test]
    fn rows_that_were_never_announced_come_with_a_second_look() {
        let loaded = replayed(&engine_events(2, 1)).rows;
        let mut state = state(Vec::new());
        assert_eq!(state.expect_rows(&loaded), Change::Rows);
        assert_eq!(state.rows, loaded);
        assert_eq!(state.expect_rows(&loaded), Change::Nothing);
    }

    #[test]
    fn a_run_of_which_the_gaps_are_not_known_hides_those_of_the_others() {
        let mut loaded = row("demo", "m", 0, vec![run(1)]);
        loaded.runs[0].chunk_deltas_us.clear();
        let mut state = state(vec![loaded]);
        let [_, _, result, ..] = &engine_events(1, 2)[..] else { panic!("too few events") };
        let Event::BenchmarkResult { data } = result.clone() else { panic!("no result") };
        let mut second = *data;
        (second.provider_key, second.model_id) = ("demo".into(), "m".into());
        second.run.as_mut().unwrap().run_number = 2;
        assert_eq!(state.apply(Event::BenchmarkResult { data: Box::new(second) }), Change::Row(0));
        assert_eq!(state.rows[0].summary.success_count, 2);
        assert_eq!(state.rows[0].summary.gap_ms, None);
    }

    #[test]
    fn only_its_own_job_moves_it_and_only_until_it_has_ended() {
        let mut state = state(Vec::new());
        let completed = |job_id: &str| JobEvent::JobCompleted { job_id: job_id.into(), result_ref: None };
        assert_eq!(state.apply_job(completed("another")), Change::Nothing);
        assert_eq!(state.apply_job(completed("b1")), Change::Job);
        let started = JobEvent::JobStarted { job_id: "b1".into(), job_type: "benchmark".into() };
        assert_eq!(state.apply_job(started), Change::Nothing);
        assert_eq!(state.job, JobState::Done);
    }

    #[test]
    fn a_job_that_the_server_lists_nowhere_makes_the_page_load_again() {
        let nowhere = || JobEvent::Sync { active_jobs: Vec::new(), recent_jobs: Vec::new() };
        let mut state = state(Vec::new());
        assert_eq!(state.apply_job(nowhere()), Change::Outdated);
        assert_eq!(state.become_state(JobState::Failed, Some("It failed.".into())), Change::Job);
        assert_eq!(state.error.as_deref(), Some("It failed."));
        assert_eq!(state.apply_job(nowhere()), Change::Nothing);
    }

    proptest! {
        #[test]
        fn what_is_said_twice_counts_once(models in 1_usize..4, runs in 1_u64..5, cut in 0.0..=1.0_f64) {
            let events = engine_events(models, runs);
            let heard = (events.len() as f64 * cut) as usize;
            let twice: Vec<_> = events[..heard].iter().chain(&events).cloned().collect();
            prop_assert_eq!(replayed(&twice), replayed(&events));
        }

        #[test]
        fn results_may_come_in_any_order(models in 1_usize..4, runs in 1_u64..5, seed in any::<u64>()) {
            let mut events = engine_events(models, runs);
            events.retain(|event| !matches!(event, Event::BenchmarkRow { .. }));
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
