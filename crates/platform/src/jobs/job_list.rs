//! What the menu shows, and how events change it.

use serde::{Deserialize, Serialize};

use crate::messages::{Job, JobState, ServerMessage};

/// How many finished jobs are kept.
const RECENT: usize = 10;

/// A user's jobs: those that have not ended, and the last that have.
///
/// After a reconnect events may come twice or late; none makes an ended job active again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct JobList {
    /// Newest first.
    pub active: Vec<Job>,
    /// The last finished first.
    pub recent: Vec<Job>,
}

impl JobList {
    /// Takes in what has happened at `now_ms`, and says whether that changed anything.
    pub fn apply(&mut self, message: &ServerMessage, now_ms: i64) -> bool {
        match message {
            ServerMessage::Sync { active_jobs, recent_jobs } => {
                self.replace(Self { active: active_jobs.clone(), recent: recent_jobs.clone() })
            }
            ServerMessage::JobCreated { job_id, job_type, status, progress_detail, created_at } => self
                .create(Job {
                    id: job_id.clone(),
                    user_id: None,
                    job_type: job_type.clone(),
                    status: *status,
                    progress_pct: 0.0,
                    progress_detail: progress_detail.clone(),
                    result_ref: None,
                    error: None,
                    created_at: *created_at,
                    started_at: None,
                    finished_at: None,
                }),
            ServerMessage::JobStarted { job_id, .. } => self.start(job_id, now_ms),
            ServerMessage::JobProgress { job_id, progress_pct, progress_detail } => {
                self.advance(job_id, *progress_pct, progress_detail)
            }
            ServerMessage::JobCompleted { job_id, result_ref } => self.finish(job_id, now_ms, |job| {
                job.status = JobState::Done;
                job.progress_pct = 100.0;
                job.result_ref.clone_from(result_ref);
            }),
            ServerMessage::JobFailed { job_id, error } => self.finish(job_id, now_ms, |job| {
                job.status = JobState::Failed;
                job.error = Some(error.clone());
            }),
            ServerMessage::JobCancelled { job_id } => {
                self.finish(job_id, now_ms, |job| job.status = JobState::Cancelled)
            }
            _ => false,
        }
    }

    /// The active job of this id.
    pub fn active_job(&self, id: &str) -> Option<&Job> {
        self.active.iter().find(|job| job.id == id)
    }

    /// How far the running jobs are on average, 0 to 100; `None` when nothing is active.
    pub fn progress_pct(&self) -> Option<f64> {
        if self.active.is_empty() {
            return None;
        }
        let running: Vec<f64> = self
            .active
            .iter()
            .filter(|job| job.status == JobState::Running)
            .map(|job| job.progress_pct)
            .collect();
        Some(running.iter().sum::<f64>() / running.len().max(1) as f64)
    }

    fn replace(&mut self, new: Self) -> bool {
        let changed = *self != new;
        *self = new;
        changed
    }

    fn create(&mut self, job: Job) -> bool {
        if self.active.iter().chain(&self.recent).any(|known| known.id == job.id) {
            return false;
        }
        self.active.insert(0, job);
        true
    }

    /// Also for a job that is resumed after its process crashed.
    fn start(&mut self, id: &str, now_ms: i64) -> bool {
        let Some(job) = self.active_mut(id).filter(|job| job.status != JobState::Running) else {
            return false;
        };
        job.status = JobState::Running;
        job.started_at.get_or_insert(now_ms);
        true
    }

    /// A job's progress never goes back: what says so is late.
    fn advance(&mut self, id: &str, progress_pct: f64, detail: &str) -> bool {
        let Some(job) = self.active_mut(id).filter(|job| progress_pct >= job.progress_pct) else {
            return false;
        };
        let news = job.progress_pct < progress_pct || job.progress_detail != detail;
        job.progress_pct = progress_pct;
        job.progress_detail = detail.to_owned();
        news
    }

    fn finish(&mut self, id: &str, now_ms: i64, end: impl FnOnce(&mut Job)) -> bool {
        let Some(at) = self.active.iter().position(|job| job.id == id) else { return false };
        let mut job = self.active.remove(at);
        job.finished_at = Some(now_ms);
        end(&mut job);
        self.recent.insert(0, job);
        self.recent.truncate(RECENT);
        true
    }

    fn active_mut(&mut self, id: &str) -> Option<&mut Job> {
        self.active.iter_mut().find(|job| job.id == id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_000;

    fn created(id: &str) -> ServerMessage {
        ServerMessage::JobCreated {
            job_id: id.into(),
            job_type: "benchmark".into(),
            status: JobState::Queued,
            progress_detail: "4 models".into(),
            created_at: 1,
        }
    }

    fn started(id: &str) -> ServerMessage {
        ServerMessage::JobStarted { job_id: id.into(), job_type: "benchmark".into() }
    }

    fn progress(id: &str, percent: f64) -> ServerMessage {
        ServerMessage::JobProgress {
            job_id: id.into(),
            progress_pct: percent,
            progress_detail: format!("{percent} of 100"),
        }
    }

    fn completed(id: &str) -> ServerMessage {
        ServerMessage::JobCompleted { job_id: id.into(), result_ref: Some(format!("result of {id}")) }
    }

    fn failed(id: &str) -> ServerMessage {
        ServerMessage::JobFailed { job_id: id.into(), error: "It broke.".into() }
    }

    fn cancelled(id: &str) -> ServerMessage {
        ServerMessage::JobCancelled { job_id: id.into() }
    }

    fn board_after(events: &[ServerMessage]) -> JobList {
        let mut board = JobList::default();
        for event in events {
            board.apply(event, NOW);
        }
        board
    }

    #[test]
    fn a_job_goes_from_active_to_recent() {
        let board = board_after(&[created("a"), started("a"), progress("a", 40.0)]);
        let job = board.active_job("a").unwrap();
        assert_eq!((job.status, job.started_at), (JobState::Running, Some(NOW)));
        assert_eq!((job.progress_pct, job.progress_detail.as_str()), (40.0, "40 of 100"));
        let board = board_after(&[created("a"), started("a"), completed("a")]);
        assert_eq!(board.active, []);
        let job = &board.recent[0];
        assert_eq!((job.status, job.finished_at), (JobState::Done, Some(NOW)));
        assert_eq!(job.result_ref.as_deref(), Some("result of a"));
    }

    #[test]
    fn a_failed_job_says_why() {
        let board = board_after(&[created("a"), started("a"), failed("a")]);
        assert_eq!(board.recent[0].error.as_deref(), Some("It broke."));
    }

    #[test]
    fn what_comes_late_changes_nothing() {
        let mut board = board_after(&[created("a"), started("a"), progress("a", 40.0)]);
        for late in [created("a"), started("a"), progress("a", 30.0), progress("a", 40.0)] {
            assert!(!board.apply(&late, NOW), "{late:?}");
        }
        board.apply(&cancelled("a"), NOW);
        for late in [created("a"), started("a"), progress("a", 50.0), completed("a"), cancelled("a")] {
            assert!(!board.apply(&late, NOW), "{late:?}");
        }
        assert_eq!(board.recent[0].status, JobState::Cancelled);
    }

    #[test]
    fn sync_is_the_whole_truth() {
        let mut board = board_after(&[created("a"), created("b"), completed("b")]);
        let active_jobs = board_after(&[created("c")]).active;
        let sync = ServerMessage::Sync { active_jobs: active_jobs.clone(), recent_jobs: Vec::new() };
        assert!(board.apply(&sync, NOW));
        assert_eq!(board, JobList { active: active_jobs, recent: Vec::new() });
        assert!(!board.apply(&sync, NOW));
    }

    #[test]
    fn the_last_ten_that_finished_are_kept() {
        let ids: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let events: Vec<ServerMessage> = ids.iter().flat_map(|id| [created(id), completed(id)]).collect();
        let kept: Vec<String> = board_after(&events).recent.into_iter().map(|job| job.id).collect();
        assert_eq!(kept, ids.into_iter().rev().take(10).collect::<Vec<_>>());
    }

    #[test]
    fn the_ring_shows_the_average_of_what_runs() {
        assert_eq!(board_after(&[]).progress_pct(), None);
        assert_eq!(board_after(&[created("a")]).progress_pct(), Some(0.0));
        let events =
            [created("a"), created("b"), created("c"), started("a"), started("b"), progress("a", 50.0)];
        assert_eq!(board_after(&events).progress_pct(), Some(25.0));
    }

    fn any_event() -> impl Strategy<Value = ServerMessage> {
        let id = prop::sample::select(vec!["a", "b", "c"]);
        (id, 0..6, 0.0..100.0).prop_map(|(id, kind, percent)| match kind {
            0 => created(id),
            1 => started(id),
            2 => progress(id, percent),
            3 => completed(id),
            4 => failed(id),
            _ => cancelled(id),
        })
    }

    proptest! {
        /// After a reconnect some events come again, in their order.
        #[test]
        fn hearing_events_again_changes_nothing(
            what_happens in prop::collection::vec(any_event(), 0..40),
            from in 0..40_usize,
        ) {
            let events = [vec![created("a"), created("b"), created("c")], what_happens].concat();
            let once = board_after(&events);
            let again = &events[from.min(events.len())..];
            prop_assert_eq!(board_after(&[&events, again].concat()), once);
        }

        #[test]
        fn no_job_is_both_active_and_finished(events in prop::collection::vec(any_event(), 0..40)) {
            let board = board_after(&events);
            for job in &board.active {
                prop_assert!(job.status.is_active());
                prop_assert!(board.recent.iter().all(|other| other.id != job.id));
            }
            prop_assert!(board.recent.iter().all(|job| !job.status.is_active()));
        }
    }
}
