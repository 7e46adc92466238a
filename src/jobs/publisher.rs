//! Publishes the events of a running job to its user's tabs: most at once, and of those that replace each
//! other the latest, ten times a second.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::handler::JobEvents;
use super::store::JobStore;
use super::types::{Job, JobEvent};
use crate::accounts::UserId;
use crate::live::{Broadcaster, Frame};

/// Between two frames of one topic.
const FRAME_EVERY: Duration = Duration::from_millis(100);
/// Between two writes of a job's progress.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Publishes the events of one run of one job, until [`JobPublisher::close`].
pub(super) struct JobPublisher {
    job_id: String,
    user: UserId,
    broadcaster: Broadcaster,
    progress: watch::Sender<Progress>,
    waiting: Mutex<Waiting>,
    changed: Notify,
    tasks: Mutex<JoinSet<()>>,
}

/// How far a job is, and what it does.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Progress {
    pub percent: f64,
    pub detail: String,
}

/// What the next flush sends: the latest event of each topic, in the order in which the topics came up.
#[derive(Debug, Default)]
struct Waiting {
    closed: bool,
    progress: Option<JobEvent>,
    topics: Vec<(String, Frame)>,
}

impl JobPublisher {
    /// A publisher for a job that `worker` has begun to run.
    pub(super) fn new(
        broadcaster: Broadcaster,
        store: JobStore,
        user: UserId,
        job: &Job,
        worker: &str,
    ) -> Arc<Self> {
        let start = Progress { percent: job.progress_pct, detail: job.progress_detail.clone() };
        let (progress, latest) = watch::channel(start);
        let publisher = Arc::new(Self {
            job_id: job.id.clone(),
            user,
            broadcaster,
            progress,
            waiting: Mutex::default(),
            changed: Notify::new(),
            tasks: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&publisher).flush_loop());
        tasks.spawn(save(latest, store, job.id.clone(), worker.to_owned()));
        *publisher.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
        publisher
    }

    /// How far the job is now.
    pub(super) fn progress_now(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Sends what waits, and nothing any more.
    pub(super) fn close(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.flush();
        self.lock().closed = true;
    }

    async fn flush_loop(self: Arc<Self>) {
        loop {
            self.changed.notified().await;
            self.flush();
            tokio::time::sleep(FRAME_EVERY).await;
        }
    }

    fn flush(&self) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        if let Some(event) = waiting.progress.take() {
            announce(&self.broadcaster, &self.user, &event);
        }
        for (_, frame) in mem::take(&mut waiting.topics) {
            self.broadcaster.send(&self.user, frame);
        }
    }

    fn frame(&self, event: Value) -> Option<Frame> {
        let frame: serde_json::Result<Frame> = serde_json::from_value(event);
        match frame {
            Ok(frame) => Some(Frame { job_id: Some(self.job_id.clone()), ..frame }),
            Err(error) => {
                tracing::error!(job = self.job_id, "an event is no object with a type: {error}");
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobEvents for JobPublisher {
    fn progress(&self, percent: f64, detail: &str) {
        let percent = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
        let progress = Progress { percent, detail: detail.to_owned() };
        self.lock().progress = Some(JobEvent::JobProgress {
            job_id: self.job_id.clone(),
            progress_pct: percent,
            progress_detail: progress.detail.clone(),
        });
        self.progress.send_replace(progress);
        self.changed.notify_one();
    }

    fn publish(&self, event: Value) {
        let Some(frame) = self.frame(event) else { return };
        // The lock is held so that nothing is sent after the publisher was closed.
        let waiting = self.lock();
        if !waiting.closed {
            self.broadcaster.send(&self.user, frame);
        }
    }

    fn publish_latest(&self, topic: &str, event: Value) {
        let Some(frame) = self.frame(event) else { return };
        let mut waiting = self.lock();
        match waiting.topics.iter_mut().find(|(waiting, _)| waiting == topic) {
            Some((_, waiting)) => *waiting = frame,
            None => waiting.topics.push((topic.to_owned(), frame)),
        }
        drop(waiting);
        self.changed.notify_one();
    }
}

/// Sends an event of a job to the user's tabs.
pub(super) fn announce(broadcaster: &Broadcaster, user: &UserId, event: &JobEvent) {
    match Frame::of(event) {
        Ok(frame) => broadcaster.send(user, frame),
        Err(error) => tracing::error!("cannot write an event: {error}"),
    }
}

/// Saves the progress as it changes; the end of a run saves the last of it.
async fn save(mut latest: watch::Receiver<Progress>, store: JobStore, id: String, worker: String) {
    while latest.changed().await.is_ok() {
        let Progress { percent, detail } = latest.borrow_and_update().clone();
        if let Err(error) = store.save_progress(&id, &worker, percent, &detail).await {
            tracing::warn!(job = id, "cannot keep its progress: {error}");
        }
        tokio::time::sleep(SAVE_EVERY).await;
    }
}
