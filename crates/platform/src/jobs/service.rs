//! What can be done with jobs: submit, watch, cancel.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::JobError;
use super::handler::{JobFailure, JobHandler};
use super::limits::{Allowance, HourlyLimit, Settings};
use super::publisher::JobPublisher;
use super::store::{JobStore, NewJob, Selection, StoredJob};
use super::transition::{self, Transition};
use super::worker;
use crate::accounts::{UserData, UserId};
use crate::database::{Database, now_ms};
use crate::http::AppError;
use crate::live::{Broadcaster, CancelJob, InitialState};
use crate::messages::{Job, JobState, ServerMessage};

/// How many finished jobs a tab is told of.
const RECENT: i64 = 10;
/// As many as can wait, and some that run.
const ACTIVE: i64 = 200;

/// How long interrupted jobs may take to write what they have, for example while the database does not
/// answer.
const HALT_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells other processes that a job of theirs is to be cancelled; the body is its id.
pub(super) const CANCEL: &str = "job_cancel";
/// Tells other processes that there may be something to do.
pub(super) const WAKE: &str = "jobs_wake";

/// The registry of jobs. Cheap to clone.
#[derive(Clone)]
pub struct JobService {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub store: JobStore,
    pub broadcaster: Broadcaster,
    pub settings: Settings,
    /// Something may have become startable.
    pub wake: Notify,
    /// Begin nothing new.
    pub drain: CancellationToken,
    /// Stop what still runs.
    pub halt: CancellationToken,
    handlers: Mutex<HashMap<&'static str, Arc<dyn JobHandler>>>,
    /// The jobs that run in this process, by id.
    running: Mutex<HashMap<String, RunningJob>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// What the rest of the process can do with a job that runs in it.
#[derive(Clone)]
pub(super) struct RunningJob {
    /// Its user wants it to end.
    pub cancel: CancellationToken,
    pub publisher: Arc<JobPublisher>,
    pub job_type: String,
}

impl fmt::Debug for JobService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobService").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl JobService {
    /// A registry that takes jobs and runs none until [`Self::start`].
    pub fn new(database: Database, broadcaster: Broadcaster, settings: Settings) -> Self {
        let inner = Inner {
            store: JobStore::new(database),
            broadcaster,
            settings,
            wake: Notify::new(),
            drain: CancellationToken::new(),
            halt: CancellationToken::new(),
            handlers: Mutex::default(),
            running: Mutex::default(),
            worker: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Says who runs jobs of one kind.
    pub fn register(&self, handler: Arc<dyn JobHandler>) {
        lock(&self.inner.handlers).insert(handler.job_type(), handler);
    }

    /// Begins to run jobs, those first that an earlier process left behind. Needs all handlers.
    pub fn start(&self) {
        let worker = tokio::spawn(worker::run(self.clone()));
        *lock(&self.inner.worker) = Some(worker);
    }

    /// Starts no more jobs and waits up to `limit` for what is under way; what still runs then is
    /// interrupted, and goes on in another process or at the next start.
    pub async fn drain(&self, limit: Duration) {
        self.inner.drain.cancel();
        let Some(mut worker) = lock(&self.inner.worker).take() else { return };
        if timeout(limit, &mut worker).await.is_err() {
            self.inner.halt.cancel();
            match timeout(HALT_TIMEOUT, &mut worker).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!("the job worker has failed: {error}"),
                Err(_) => {
                    tracing::error!("the job worker does not end and is dropped");
                    worker.abort();
                }
            }
        }
    }

    /// Ends like a process that is killed.
    #[cfg(test)]
    pub(super) fn kill(&self) {
        if let Some(worker) = lock(&self.inner.worker).take() {
            worker.abort();
        }
    }

    /// Writes a job and puts it into its user's queue.
    ///
    /// # Errors
    /// When a limit of the user leaves no room for it, or the database fails.
    pub async fn submit(&self, user: &UserId, new: NewJob) -> Result<Job, JobError> {
        let Inner { store, settings, .. } = &*self.inner;
        let hourly_default = new.limit.map_or(i64::MAX, |limit| settings.hourly_default(limit));
        let now = now_ms();
        let mut transaction = store.database.begin().await?;
        let job = store.insert(&mut transaction, user, &new, hourly_default, now).await?;
        let queued = transition::change(&mut transaction, &job.id, Transition::Queue, now).await?;
        let job = queued.ok_or(JobError::NotFound)?.job;
        transaction.commit().await?;
        let event = ServerMessage::JobCreated {
            job_id: job.id.clone(),
            job_type: job.job_type.clone(),
            status: job.status,
            progress_detail: job.progress_detail.clone(),
            created_at: job.created_at,
        };
        self.inner.broadcaster.send(user, &event);
        self.wake();
        Ok(job)
    }

    /// Ends a job: at once when it waits, soon when it runs (here or in another process). Doing so
    /// again changes nothing. Returns the job as it is then.
    ///
    /// # Errors
    /// [`JobError::NotFound`] when the user has no such job, [`JobError::Finished`] when it has ended
    /// in another way.
    pub async fn cancel(&self, user: &UserId, id: &str) -> Result<Job, JobError> {
        let Some(asked) = self.inner.store.request_cancel(user, id, now_ms()).await? else {
            let (job, _) = self.get(user, id).await?;
            return if job.status == JobState::Cancelled { Ok(job) } else { Err(JobError::Finished) };
        };
        if asked.worker.is_none() {
            self.cancel_waiting(&asked).await?;
        } else if !self.stop_here(id) {
            self.inner.broadcaster.signal(CANCEL, id);
            self.inner.wake.notify_one();
        }
        Ok(self.get(user, id).await?.0)
    }

    /// The user's job with what was submitted, which is null once the job is done or cancelled.
    ///
    /// # Errors
    /// [`JobError::NotFound`] when the user has no such job.
    pub async fn get(&self, user: &UserId, id: &str) -> Result<(Job, serde_json::Value), JobError> {
        let stored = self.inner.store.get(user, id).await?.ok_or(JobError::NotFound)?;
        // A payload that this version cannot read is as good as none.
        let params = serde_json::from_str(&stored.params).unwrap_or_default();
        Ok((self.with_present_progress(stored.job), params))
    }

    /// Removes what was submitted and what came out from a job that has ended. The job stays in the lists,
    /// and counts against the hourly limit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(&self, user: &UserId, id: &str) -> Result<(), JobError> {
        self.inner.store.forget(user, id).await
    }

    /// The user's jobs that the selection means, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, user: &UserId, selection: &Selection) -> Result<Vec<Job>, JobError> {
        let jobs = self.inner.store.list(user, selection).await?;
        Ok(jobs.into_iter().map(|job| self.with_present_progress(job)).collect())
    }

    /// The user's jobs that have not ended, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn active(&self, user: &UserId) -> Result<Vec<Job>, JobError> {
        let states = JobState::ALL.into_iter().filter(|state| state.is_active()).collect();
        self.list(user, &Selection { states, before: None, limit: ACTIVE }).await
    }

    /// The user's last finished jobs, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recent(&self, user: &UserId) -> Result<Vec<Job>, JobError> {
        self.inner.store.recent(user, RECENT).await
    }

    /// How much of an hourly limit the user has left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn allowance(&self, user: &UserId, limit: HourlyLimit) -> Result<Allowance, JobError> {
        let default = self.inner.settings.hourly_default(limit);
        let usage = self.inner.store.usage(user, limit, default, now_ms()).await?;
        let remaining = (usage.limit - usage.used).max(0);
        Ok(Allowance { limit: usage.limit, remaining, window: "1 hour" })
    }

    /// Everybody's jobs with their owners' e-mail, newest first; for admins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_all(&self, selection: &Selection) -> Result<Vec<(Job, String)>, JobError> {
        self.inner.store.list_all(selection).await
    }

    /// [`Self::cancel`] for admins: whoever's job it is.
    ///
    /// # Errors
    /// As there.
    pub async fn cancel_any(&self, id: &str) -> Result<Job, JobError> {
        let user = self.inner.store.owner(id).await?.ok_or(JobError::NotFound)?;
        self.cancel(&user, id).await
    }

    /// Cancels a job that nobody has, and that nobody may start any more. What it has stored goes
    /// first: whatever happens in between, a cancelled job has left nothing.
    ///
    /// A job whose handler this process lacks is left to one that has it: only that one can remove what
    /// the job has stored.
    pub(super) async fn cancel_waiting(&self, stored: &StoredJob) -> Result<(), JobError> {
        if self.handler(&stored.job.job_type).is_none() {
            self.inner.broadcaster.signal(WAKE, "");
            return Ok(());
        }
        self.discard(stored).await?;
        let cancel = Transition::Cancel { held_by: None };
        if self.inner.store.change_if_still(&stored.job.id, cancel, now_ms()).await?.is_some() {
            let job_id = stored.job.id.clone();
            self.inner.broadcaster.send(&stored.user, &ServerMessage::JobCancelled { job_id });
        }
        Ok(())
    }

    /// Lets the job's handler remove what the job has stored. A panic of the handler is an error.
    pub(super) async fn discard(&self, stored: &StoredJob) -> Result<(), JobError> {
        let Some(handler) = self.handler(&stored.job.job_type) else { return Ok(()) };
        let discard = AssertUnwindSafe(async { handler.discard(&stored.user, &stored.job.id).await });
        let done =
            discard.catch_unwind().await.unwrap_or_else(|_| Err(anyhow::anyhow!("its handler panicked")));
        done.map_err(JobError::Discard)
    }

    /// Fails a job that the worker `held_by` has, or nobody, and lets its handler record that in the same
    /// transaction. `None` as for [`transition::change`].
    pub(super) async fn fail(
        &self,
        id: &str,
        held_by: Option<&str>,
        error: &str,
    ) -> Result<Option<StoredJob>, JobError> {
        let now_ms = now_ms();
        let mut transaction = self.inner.store.database.begin().await?;
        let fail = Transition::Fail { held_by, error };
        let Some(failed) = transition::change(&mut transaction, id, fail, now_ms).await? else {
            return Ok(None);
        };
        if let Some(handler) = self.handler(&failed.job.job_type) {
            let (user, error) = (failed.user.clone(), error.to_owned());
            let failure = JobFailure { job_id: id.to_owned(), user, error, finished_at: now_ms };
            handler.record_failure(&mut transaction, &failure).await?;
        }
        transaction.commit().await?;
        Ok(Some(failed))
    }

    /// Stops a job that runs in this process. False when it does not.
    pub(super) fn stop_here(&self, id: &str) -> bool {
        let running = lock(&self.inner.running).get(id).cloned();
        running.as_ref().inspect(|job| job.cancel.cancel()).is_some()
    }

    /// Stops the jobs that run in this process and are not among `jobs_to_keep`: they are to be cancelled, or
    /// their row is gone.
    pub(super) fn stop_all_but(&self, jobs_to_keep: &[String]) {
        for (_, job) in self.running().iter().filter(|(id, _)| !jobs_to_keep.contains(id)) {
            job.cancel.cancel();
        }
    }

    /// The types of job that this process can run.
    pub(super) fn job_types(&self) -> Vec<&'static str> {
        lock(&self.inner.handlers).keys().copied().collect()
    }

    /// Those among them of which this process may run one more now.
    pub(super) fn job_types_with_room(&self) -> Vec<&'static str> {
        let running = self.running().values().map(|job| job.job_type.clone()).collect::<Vec<_>>();
        let has_room = |handler: &&Arc<dyn JobHandler>| {
            let running = running.iter().filter(|job_type| **job_type == handler.job_type()).count();
            handler.max_concurrent().is_none_or(|most| running < most.get())
        };
        lock(&self.inner.handlers).values().filter(has_room).map(|handler| handler.job_type()).collect()
    }

    pub(super) fn handler(&self, job_type: &str) -> Option<Arc<dyn JobHandler>> {
        lock(&self.inner.handlers).get(job_type).cloned()
    }

    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<String, RunningJob>> {
        lock(&self.inner.running)
    }

    /// Lets every process look for something to do.
    pub(super) fn wake(&self) {
        self.inner.wake.notify_one();
        self.inner.broadcaster.signal(WAKE, "");
    }

    /// Puts the progress of a job that runs here into it: its row is up to a second behind.
    fn with_present_progress(&self, job: Job) -> Job {
        let Some(running) = self.running().get(&job.id).cloned() else { return job };
        if job.status != JobState::Running {
            return job;
        }
        let progress = running.publisher.progress_now();
        Job { progress_pct: progress.percent, progress_detail: progress.detail, ..job }
    }
}

impl InitialState for JobService {
    fn messages(&self, user: &UserId) -> BoxStream<'static, anyhow::Result<ServerMessage>> {
        let (jobs, user) = (self.clone(), user.clone());
        let sync = async move {
            let (active_jobs, recent_jobs) = (jobs.active(&user).await?, jobs.recent(&user).await?);
            Ok(ServerMessage::Sync { active_jobs, recent_jobs })
        };
        stream::once(sync).boxed()
    }
}

impl UserData for JobService {
    /// Jobs that run are told to stop. Their rows, which their workers still write to, go with the user's.
    fn delete_all<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            for job in self.active(user).await? {
                match self.cancel(user, &job.id).await {
                    // It ended meanwhile.
                    Ok(_) | Err(JobError::Finished | JobError::NotFound) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            while self.inner.store.remove_finished_of(user, worker::REMOVE_AT_ONCE).await? > 0 {}
            Ok(())
        })
    }
}

impl CancelJob for JobService {
    fn cancel<'a>(&'a self, user: &'a UserId, job_id: &'a str) -> BoxFuture<'a, Result<(), AppError>> {
        Box::pin(async move {
            JobService::cancel(self, user, job_id).await?;
            Ok(())
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
