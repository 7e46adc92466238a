//! Publishes the events of a running job to its user's tabs: most at once, and of those that replace each
//! other the latest, ten times a second.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::handler::JobEvents;
use super::store::JobStore;
use crate::accounts::UserId;
use crate::live::Broadcaster;
use crate::messages::{Job, ServerMessage};

/// Interval between two messages of one topic.
const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// Interval between two writes of a job's progress.
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

/// What the next flush sends: the latest message of each topic, in the order in which the topics came up.
#[derive(Debug, Default)]
struct Waiting {
    closed: bool,
    progress: Option<ServerMessage>,
    topics: Vec<(String, ServerMessage)>,
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

    /// Sends what waits; nothing is sent afterwards.
    pub(super) fn close(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.flush();
        self.lock().closed = true;
    }

    async fn flush_loop(self: Arc<Self>) {
        loop {
            self.changed.notified().await;
            self.flush();
            tokio::time::sleep(FLUSH_EVERY).await;
        }
    }

    fn flush(&self) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        let topics = mem::take(&mut waiting.topics);
        for message in waiting.progress.take().into_iter().chain(topics.into_iter().map(|(_, latest)| latest))
        {
            self.broadcaster.send(&self.user, &message);
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
        self.lock().progress = Some(ServerMessage::JobProgress {
            job_id: self.job_id.clone(),
            progress_pct: percent,
            progress_detail: progress.detail.clone(),
        });
        self.progress.send_replace(progress);
        self.changed.notify_one();
    }

    fn publish(&self, message: ServerMessage) {
        // The lock is held so that nothing is sent after the publisher was closed.
        let waiting = self.lock();
        if !waiting.closed {
            self.broadcaster.send(&self.user, &message);
        }
    }

    fn publish_latest(&self, topic: &str, message: ServerMessage) {
        let mut waiting = self.lock();
        match waiting.topics.iter_mut().find(|(waiting, _)| waiting == topic) {
            Some((_, waiting)) => *waiting = message,
            None => waiting.topics.push((topic.to_owned(), message)),
        }
        drop(waiting);
        self.changed.notify_one();
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
