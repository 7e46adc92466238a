//! How a running job speaks: at once what must be heard, and of the rest the latest, ten times a second.

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

/// The voice of one run of one job. What is said after [`JobPublisher::close`] is not heard.
pub(super) struct JobPublisher {
    job_id: String,
    user: UserId,
    relay: Broadcaster,
    progress: watch::Sender<Progress>,
    waiting: Mutex<Waiting>,
    said: Notify,
    tasks: Mutex<JoinSet<()>>,
}

/// How far a job is, and what it does.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Progress {
    pub percent: f64,
    pub detail: String,
}

/// What the next turn sends: the latest of each topic, in the order in which they came up.
#[derive(Debug, Default)]
struct Waiting {
    silent: bool,
    progress: Option<JobEvent>,
    topics: Vec<(String, Frame)>,
}

impl JobPublisher {
    /// A voice for a job that `runner` has begun to run.
    pub(super) fn new(
        relay: Broadcaster,
        store: JobStore,
        user: UserId,
        job: &Job,
        runner: &str,
    ) -> Arc<Self> {
        let start = Progress { percent: job.progress_pct, detail: job.progress_detail.clone() };
        let (progress, latest) = watch::channel(start);
        let voice = Arc::new(Self {
            job_id: job.id.clone(),
            user,
            relay,
            progress,
            waiting: Mutex::default(),
            said: Notify::new(),
            tasks: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&voice).speak_in_turns());
        tasks.spawn(save(latest, store, job.id.clone(), runner.to_owned()));
        *voice.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
        voice
    }

    /// How far the job is now.
    pub(super) fn progress_now(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Sends what waits, and nothing any more.
    pub(super) fn close(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.send_waiting();
        self.lock().silent = true;
    }

    async fn speak_in_turns(self: Arc<Self>) {
        loop {
            self.said.notified().await;
            self.send_waiting();
            tokio::time::sleep(FRAME_EVERY).await;
        }
    }

    fn send_waiting(&self) {
        let mut waiting = self.lock();
        if waiting.silent {
            return;
        }
        if let Some(event) = waiting.progress.take() {
            announce(&self.relay, &self.user, &event);
        }
        for (_, frame) in mem::take(&mut waiting.topics) {
            self.relay.send(&self.user, frame);
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
        self.said.notify_one();
    }

    fn say(&self, event: Value) {
        let Some(frame) = self.frame(event) else { return };
        // The lock is held so that nothing is said after silence.
        let waiting = self.lock();
        if !waiting.silent {
            self.relay.send(&self.user, frame);
        }
    }

    fn say_latest(&self, topic: &str, event: Value) {
        let Some(frame) = self.frame(event) else { return };
        let mut waiting = self.lock();
        match waiting.topics.iter_mut().find(|(waiting, _)| waiting == topic) {
            Some((_, waiting)) => *waiting = frame,
            None => waiting.topics.push((topic.to_owned(), frame)),
        }
        drop(waiting);
        self.said.notify_one();
    }
}

/// Tells the user's tabs what happened to a job.
pub(super) fn announce(relay: &Broadcaster, user: &UserId, event: &JobEvent) {
    match Frame::of(event) {
        Ok(frame) => relay.send(user, frame),
        Err(error) => tracing::error!("cannot write an event: {error}"),
    }
}

/// Keeps the progress in the database; the end of a job writes the last of it.
async fn save(mut latest: watch::Receiver<Progress>, store: JobStore, id: String, runner: String) {
    while latest.changed().await.is_ok() {
        let Progress { percent, detail } = latest.borrow_and_update().clone();
        if let Err(error) = store.save_progress(&id, &runner, percent, &detail).await {
            tracing::warn!(job = id, "cannot keep its progress: {error}");
        }
        tokio::time::sleep(SAVE_EVERY).await;
    }
}
