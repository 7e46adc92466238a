//! One run of one job: from its claim to the state it is left in.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::error::JobError;
use super::handler::{JobContext, JobEnd, JobHandler};
use super::lease::Lease;
use super::publisher::{JobPublisher, announce};
use super::service::{JobService, RunningJob};
use super::store::StoredJob;
use super::transition::{Interruption, Transition};
use super::types::JobEvent;
use crate::database::now_ms;

const BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

const PANIC: &str = "This job hit a fault of the program. It has been logged; what it had finished is kept.";
const STOPPED_BY_ITSELF: &str = "This job stopped before it was done and did not say why.";

/// How a run ended, whoever ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    Done {
        result_ref: Option<String>,
    },
    Failed(String),
    Cancelled,
    /// It goes on later.
    Interrupted,
    /// The job is another runner's by now.
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
    voice: Arc<JobPublisher>,
    /// The user wants it to end.
    cancel: CancellationToken,
}

impl Run {
    /// From here on the process knows the job as one of its own.
    pub(super) fn new(service: JobService, lease: Arc<Lease>, stored: StoredJob) -> Self {
        let inner = &service.inner;
        let (relay, store) = (inner.relay.clone(), inner.store.clone());
        let voice = JobPublisher::new(relay, store, stored.user.clone(), &stored.job, &lease.runner);
        let cancel = CancellationToken::new();
        let running = RunningJob { cancel: cancel.clone(), voice: Arc::clone(&voice) };
        service.running().insert(stored.job.id.clone(), running);
        Self { service, lease, stored, voice, cancel }
    }

    /// Runs the job and writes how it ended.
    pub(super) async fn go(self) {
        announce(&self.service.inner.relay, &self.stored.user, &self.started());
        let job_type = &self.stored.job.job_type;
        let ending = match self.service.handler(job_type) {
            Some(handler) => self.work(&*handler).await,
            None => Ending::Failed(format!("This server does not know jobs of the kind {job_type}.")),
        };
        self.voice.close();
        self.close(ending).await;
        self.service.running().remove(&self.stored.job.id);
        self.service.wake();
    }

    fn started(&self) -> JobEvent {
        let job = &self.stored.job;
        JobEvent::JobStarted { job_id: job.id.clone(), job_type: job.job_type.clone() }
    }

    async fn work(&self, handler: &dyn JobHandler) -> Ending {
        let context = JobContext {
            job_id: self.stored.job.id.clone(),
            user: self.stored.user.clone(),
            params: self.stored.params.clone(),
            cancel: CancellationToken::new(),
            drain: self.service.inner.drain.clone(),
            voice: Arc::clone(&self.voice) as _,
        };
        let stop_work = context.cancel.clone();
        let work = AssertUnwindSafe(async { handler.run(context).await }).catch_unwind();
        tokio::pin!(work);
        tokio::select! {
            end = &mut work => self.ending_of(end),
            stop = self.told_to_stop() => {
                stop_work.cancel();
                let end = timeout(self.service.inner.settings.stop_within, work).await.ok();
                self.ending_after(stop, end)
            }
        }
    }

    async fn told_to_stop(&self) -> Stop {
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
            Ok(JobEnd::Stopped) if self.service.inner.drain.is_cancelled() => Ending::Interrupted,
            Ok(JobEnd::Stopped) => Ending::Failed(STOPPED_BY_ITSELF.to_owned()),
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
            (Stop::Halted, _) => Ending::Interrupted,
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

    /// Writes how the run ended; tries until it succeeds or the job is no longer ours.
    async fn close(&self, ending: Ending) {
        let mut backoff = BACKOFF;
        loop {
            let error = match self.try_close(&ending).await {
                Ok(()) | Err(JobError::Illegal { .. }) => return,
                Err(error) => error,
            };
            tracing::warn!(job = self.stored.job.id, "cannot write how it ended: {error}");
            let given_up = self.lease.lost.cancelled();
            if timeout(backoff, given_up).await.is_ok() || self.service.inner.halt.is_cancelled() {
                return;
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }

    async fn try_close(&self, ending: &Ending) -> Result<(), JobError> {
        let runner = &*self.lease.runner;
        let transition = match ending {
            Ending::Done { result_ref } => Transition::Finish { runner, result_ref: result_ref.as_deref() },
            Ending::Failed(error) => Transition::Fail { held_by: Some(runner), error },
            Ending::Interrupted => Transition::Interrupt { runner, why: Interruption::Stop },
            Ending::Cancelled => return self.cancel().await,
            Ending::LeaseLost => return Ok(()),
        };
        self.save_progress().await?;
        let (store, id) = (&self.service.inner.store, &self.stored.job.id);
        if store.change(id, transition, now_ms()).await?.is_some() {
            self.tell(ending);
            return Ok(());
        }
        // Still ours, and yet it may not end so: a cancel that came last wins.
        let present = store.get(&self.stored.user, id).await?;
        let ours = present.is_some_and(|job| job.runner.as_deref() == Some(runner));
        if ours { self.cancel().await } else { Ok(()) }
    }

    /// What the job has stored goes first: whatever happens in between, a cancelled job has left nothing.
    async fn cancel(&self) -> Result<(), JobError> {
        self.service.discard(&self.stored).await?;
        self.save_progress().await?;
        let cancel = Transition::Cancel { held_by: Some(&self.lease.runner) };
        if self.service.inner.store.change(&self.stored.job.id, cancel, now_ms()).await?.is_some() {
            self.tell(&Ending::Cancelled);
        }
        Ok(())
    }

    async fn save_progress(&self) -> Result<(), JobError> {
        let progress = self.voice.progress_now();
        let (store, id) = (&self.service.inner.store, &self.stored.job.id);
        store.save_progress(id, &self.lease.runner, progress.percent, &progress.detail).await
    }

    fn tell(&self, ending: &Ending) {
        let job_id = self.stored.job.id.clone();
        let event = match ending {
            Ending::Done { result_ref } => JobEvent::JobCompleted { job_id, result_ref: result_ref.clone() },
            Ending::Failed(error) => JobEvent::JobFailed { job_id, error: error.clone() },
            Ending::Cancelled => JobEvent::JobCancelled { job_id },
            Ending::Interrupted | Ending::LeaseLost => return,
        };
        announce(&self.service.inner.relay, &self.stored.user, &event);
    }
}
