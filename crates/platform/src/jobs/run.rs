//! One run of one job: from its claim to the state it is left in.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::error::JobError;
use super::handler::{JobContext, JobEnd, JobHandler};
use super::lease::Lease;
use super::publisher::JobPublisher;
use super::service::{JobService, RunningJob};
use super::store::StoredJob;
use super::transition::{Interruption, Transition};
use crate::database::now_ms;
use crate::database::retry::retry;
use crate::messages::ServerMessage;

/// The longest pause of a job that passing faults interrupt.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

const PANIC: &str = "This job hit a fault of the program. It has been logged; what it had finished is kept.";
const UNREADABLE: &str = "This job was submitted by another version of this program. Start it again.";
const STOPPED_BY_ITSELF: &str = "This job stopped before it was done and did not say why.";

/// How a run ended, whoever ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    Done {
        result_ref: Option<String>,
    },
    Failed(String),
    Cancelled,
    /// It is resumed later.
    Interrupted(Interruption),
    /// The job is another worker's by now.
    LeaseLost,
}

/// Why a run was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Cancelled,
    TimedOut,
    LeaseLost,
    Halted,
}

/// A claimed job and what its run needs.
pub(super) struct Run {
    service: JobService,
    lease: Arc<Lease>,
    stored: StoredJob,
    publisher: Arc<JobPublisher>,
    /// The user wants it to end.
    cancel: CancellationToken,
}

impl Run {
    /// From here on the process knows the job as one of its own.
    pub(super) fn new(service: JobService, lease: Arc<Lease>, stored: StoredJob) -> Self {
        let inner = &service.inner;
        let (broadcaster, store) = (inner.broadcaster.clone(), inner.store.clone());
        let publisher =
            JobPublisher::new(broadcaster, store, stored.user.clone(), &stored.job, &lease.worker);
        let cancel = CancellationToken::new();
        let running = RunningJob {
            cancel: cancel.clone(),
            publisher: Arc::clone(&publisher),
            job_type: stored.job.job_type.clone(),
        };
        service.running().insert(stored.job.id.clone(), running);
        Self { service, lease, stored, publisher, cancel }
    }

    /// Runs the job and writes how it ended. A panic outside of the handler counts as a crash: the job
    /// is tried again, but not for ever.
    pub(super) async fn execute(self) {
        if AssertUnwindSafe(self.run_to_end()).catch_unwind().await.is_err() {
            tracing::error!(job = self.stored.job.id, "its run panicked; it is interrupted");
            self.close(Ending::Interrupted(Interruption::Crash)).await;
        }
        self.publisher.close();
        self.service.running().remove(&self.stored.job.id);
        self.service.wake();
    }

    async fn run_to_end(&self) {
        self.service.inner.broadcaster.send(&self.stored.user, &self.started());
        let job_type = &self.stored.job.job_type;
        let ending = match (self.service.handler(job_type), serde_json::from_str(&self.stored.params)) {
            (Some(handler), Ok(params)) => self.work(&*handler, params).await,
            // Only jobs whose handler is registered are claimed.
            (None, _) => Ending::Interrupted(Interruption::Stop),
            (_, Err(error)) => {
                tracing::error!(job = self.stored.job.id, "cannot read its params: {error}");
                Ending::Failed(UNREADABLE.to_owned())
            }
        };
        self.publisher.close();
        self.close(ending).await;
    }

    fn started(&self) -> ServerMessage {
        let job = &self.stored.job;
        ServerMessage::JobStarted { job_id: job.id.clone(), job_type: job.job_type.clone() }
    }

    async fn work(&self, handler: &dyn JobHandler, params: Value) -> Ending {
        let context = JobContext {
            job_id: self.stored.job.id.clone(),
            user: self.stored.user.clone(),
            params,
            cancel: CancellationToken::new(),
            drain: self.service.inner.drain.clone(),
            events: Arc::clone(&self.publisher) as _,
        };
        let stop_work = context.cancel.clone();
        let work = AssertUnwindSafe(async { handler.run(context).await }).catch_unwind();
        tokio::pin!(work);
        tokio::select! {
            end = &mut work => self.ending_of(end),
            stop = self.stop_requested() => {
                stop_work.cancel();
                let end = timeout(self.service.inner.settings.stop_within, work).await.ok();
                self.ending_after(stop, end)
            }
        }
    }

    async fn stop_requested(&self) -> Stop {
        let inner = &self.service.inner;
        tokio::select! {
            () = self.lease.lost.cancelled() => Stop::LeaseLost,
            () = self.cancel.cancelled() => Stop::Cancelled,
            () = sleep(inner.settings.time_limit) => Stop::TimedOut,
            () = inner.halt.cancelled() => Stop::Halted,
        }
    }

    fn ending_of(&self, end: std::thread::Result<JobEnd>) -> Ending {
        match end {
            Ok(JobEnd::Done { result_ref }) => Ending::Done { result_ref },
            Ok(JobEnd::Failed(why)) => Ending::Failed(why),
            Ok(JobEnd::Stopped) if self.service.inner.drain.is_cancelled() => {
                Ending::Interrupted(Interruption::Stop)
            }
            Ok(JobEnd::Stopped) => Ending::Failed(STOPPED_BY_ITSELF.to_owned()),
            Ok(JobEnd::Interrupted(why)) => {
                tracing::warn!(job = self.stored.job.id, "it is interrupted and tried again: {why}");
                Ending::Interrupted(Interruption::Pause { resume_at: self.resume_at() })
            }
            Err(_) => {
                tracing::error!(job = self.stored.job.id, "its handler panicked");
                Ending::Failed(PANIC.to_owned())
            }
        }
    }

    /// What a run that was told to stop comes to; `end` is `None` when it had to be dropped.
    fn ending_after(&self, stop: Stop, end: Option<std::thread::Result<JobEnd>>) -> Ending {
        match (stop, end) {
            (Stop::LeaseLost, _) => Ending::LeaseLost,
            (Stop::Cancelled, _) => Ending::Cancelled,
            (_, Some(Ok(JobEnd::Done { result_ref }))) => Ending::Done { result_ref },
            (Stop::TimedOut, _) => Ending::Failed(self.out_of_time()),
            (Stop::Halted, _) => Ending::Interrupted(Interruption::Stop),
        }
    }

    fn out_of_time(&self) -> String {
        let limit = self.service.inner.settings.time_limit;
        let limit = match limit.as_secs() {
            0..=119 => format!("{} seconds", limit.as_secs_f64()),
            seconds => format!("{} minutes", seconds / 60),
        };
        format!("This job took longer than {limit} and was stopped. What it had finished is kept.")
    }

    fn resume_at(&self) -> i64 {
        let doublings = u32::try_from(self.stored.interruptions).unwrap_or(u32::MAX).min(16);
        let pause = (self.service.inner.settings.pause * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
        now_ms() + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)
    }

    /// Writes how the run ended; tries until it succeeds, the job is no longer ours or the server halts.
    async fn close(&self, ending: Ending) {
        let give_up = async {
            tokio::select! {
                () = self.lease.lost.cancelled() => {}
                () = self.service.inner.halt.cancelled() => {}
            }
        };
        let is_worth_a_retry = |error: &JobError| matches!(error, JobError::Database(_));
        match retry(give_up, None, is_worth_a_retry, || self.try_close(&ending)).await {
            Ok(()) | Err(JobError::Illegal { .. }) => {}
            Err(error) => tracing::error!(job = self.stored.job.id, "cannot write how it ended: {error}"),
        }
    }

    async fn try_close(&self, ending: &Ending) -> Result<(), JobError> {
        let worker = &*self.lease.worker;
        let (store, id) = (&self.service.inner.store, &self.stored.job.id);
        let changed = match ending {
            Ending::Done { result_ref } => {
                self.save_progress().await?;
                let finish = Transition::Finish { worker, result_ref: result_ref.as_deref() };
                store.change(id, finish, now_ms()).await?
            }
            Ending::Failed(error) => {
                self.save_progress().await?;
                self.service.fail(id, Some(worker), error).await?
            }
            &Ending::Interrupted(why) => {
                self.save_progress().await?;
                store.change(id, Transition::Interrupt { worker, why }, now_ms()).await?
            }
            Ending::Cancelled => return self.cancel().await,
            Ending::LeaseLost => return Ok(()),
        };
        if changed.is_some() {
            self.announce_ending(ending);
            return Ok(());
        }
        // Still ours, and yet it may not end so: a cancel that came last wins.
        let present = store.get(&self.stored.user, id).await?;
        let ours = present.is_some_and(|job| job.worker.as_deref() == Some(worker));
        if ours { self.cancel().await } else { Ok(()) }
    }

    /// What the job has stored goes first: whatever happens in between, a cancelled job has left nothing.
    /// Where that fails the job is interrupted, so that it holds up no other of its user; the worker
    /// finishes the cancel later.
    async fn cancel(&self) -> Result<(), JobError> {
        if let Err(error) = self.service.discard(&self.stored).await {
            tracing::error!(job = self.stored.job.id, "{error}");
            let interrupt = Transition::Interrupt { worker: &self.lease.worker, why: Interruption::Stop };
            self.service.inner.store.change(&self.stored.job.id, interrupt, now_ms()).await?;
            return Ok(());
        }
        self.save_progress().await?;
        let cancel = Transition::Cancel { held_by: Some(&self.lease.worker) };
        if self.service.inner.store.change(&self.stored.job.id, cancel, now_ms()).await?.is_some() {
            self.announce_ending(&Ending::Cancelled);
        }
        Ok(())
    }

    async fn save_progress(&self) -> Result<(), JobError> {
        let progress = self.publisher.progress_now();
        let (store, id) = (&self.service.inner.store, &self.stored.job.id);
        store.save_progress(id, &self.lease.worker, progress.percent, &progress.detail).await
    }

    fn announce_ending(&self, ending: &Ending) {
        let job_id = self.stored.job.id.clone();
        let event = match ending {
            Ending::Done { result_ref } => {
                ServerMessage::JobCompleted { job_id, result_ref: result_ref.clone() }
            }
            Ending::Failed(error) => ServerMessage::JobFailed { job_id, error: error.clone() },
            Ending::Cancelled => ServerMessage::JobCancelled { job_id },
            Ending::Interrupted(_) | Ending::LeaseLost => return,
        };
        self.service.inner.broadcaster.send(&self.stored.user, &event);
    }
}
