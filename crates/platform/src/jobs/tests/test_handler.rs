//! A handler whose runs are controlled by the test: each run reports its start, and ends when the test ends it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::BoxFuture;
use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};

use crate::accounts::UserId;
use crate::jobs::{JobContext, JobEnd, JobFailure, JobHandler};

pub(super) const JOB_TYPE: &str = "test";

/// Behaves as the params of its job say: `panic` panics, `ignores_stop` does not stop when told to,
/// `panic_on_drop` panics when its run is dropped.
pub(super) struct TestHandler {
    started: mpsc::UnboundedSender<StartedRun>,
    discarded: mpsc::UnboundedSender<String>,
    discard_fails: Arc<AtomicBool>,
    failed: mpsc::UnboundedSender<JobFailure>,
    recording_fails: Arc<AtomicBool>,
    max_concurrent: Arc<AtomicUsize>,
}

/// Controls all runs of the handler.
pub(super) struct HandlerControl {
    pub started: mpsc::UnboundedReceiver<StartedRun>,
    pub discarded: mpsc::UnboundedReceiver<String>,
    /// While it is set, nothing that a cancelled job has stored can be removed.
    pub discard_fails: Arc<AtomicBool>,
    /// What the handler was asked to record.
    pub failed: mpsc::UnboundedReceiver<JobFailure>,
    /// While it is set, no failure can be recorded.
    pub recording_fails: Arc<AtomicBool>,
    /// How many of its jobs may run at once; 0 for any number.
    pub max_concurrent: Arc<AtomicUsize>,
}

/// What the handler writes into the row of a job whose failure it records.
pub(super) const RECORDED: &str = "recorded";

/// A run that has started. If it is dropped, the run goes on until it is stopped.
pub(super) struct StartedRun {
    pub context: JobContext,
    end: oneshot::Sender<JobEnd>,
    /// Closes when the run has returned or was dropped.
    alive: mpsc::Receiver<()>,
}

impl StartedRun {
    pub(super) fn id(&self) -> &str {
        &self.context.job_id
    }

    pub(super) fn end(self, end: JobEnd) {
        self.end.send(end).unwrap();
    }

    pub(super) fn finish(self) {
        let result_ref = Some(format!("result of {}", self.id()));
        self.end(JobEnd::Done { result_ref });
    }

    /// Waits until the run is over.
    pub(super) async fn over(&mut self) {
        assert!(self.alive.recv().await.is_none());
    }
}

/// Panics where no handler is to blame: when its run is dropped.
struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        panic!("as the test wants it");
    }
}

impl TestHandler {
    pub(super) fn new() -> (Self, HandlerControl) {
        let (started_sender, started) = mpsc::unbounded_channel();
        let (discard_sender, discarded) = mpsc::unbounded_channel();
        let (failed_sender, failed) = mpsc::unbounded_channel();
        let (discard_fails, recording_fails) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let max_concurrent = Arc::<AtomicUsize>::default();
        let handler = Self {
            started: started_sender,
            discarded: discard_sender,
            discard_fails: Arc::clone(&discard_fails),
            failed: failed_sender,
            recording_fails: Arc::clone(&recording_fails),
            max_concurrent: Arc::clone(&max_concurrent),
        };
        let control =
            HandlerControl { started, discarded, discard_fails, failed, recording_fails, max_concurrent };
        (handler, control)
    }
}

impl HandlerControl {
    pub(super) async fn next(&mut self) -> StartedRun {
        self.started.recv().await.unwrap()
    }
}

impl JobHandler for TestHandler {
    fn job_type(&self) -> &'static str {
        JOB_TYPE
    }

    fn run(&self, context: JobContext) -> BoxFuture<'_, JobEnd> {
        Box::pin(async move {
            let (end_sender, end) = oneshot::channel();
            let (_alive_until_the_end, alive) = mpsc::channel(1);
            let started = StartedRun { context: context.clone(), end: end_sender, alive };
            // The test may be over.
            let _ = self.started.send(started);
            assert!(context.params.get("panic").is_none(), "as the test wants it");
            let end = async {
                match end.await {
                    Ok(end) => end,
                    Err(_) => std::future::pending().await,
                }
            };
            let _guard = context.params.get("panic_on_drop").map(|_| PanicOnDrop);
            if context.params.get("ignores_stop").is_some() {
                return end.await;
            }
            tokio::select! {
                biased;
                end = end => end,
                () = context.cancel.cancelled() => JobEnd::Stopped,
                () = context.drain.cancelled() => JobEnd::Stopped,
            }
        })
    }

    fn max_concurrent(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.max_concurrent.load(Ordering::SeqCst))
    }

    fn record_failure<'a>(
        &'a self,
        connection: &'a mut AnyConnection,
        failure: &'a JobFailure,
    ) -> BoxFuture<'a, sqlx::Result<()>> {
        Box::pin(async move {
            sqlx::query("update jobs set result_ref = $1 where id = $2")
                .bind(RECORDED)
                .bind(&failure.job_id)
                .execute(connection)
                .await?;
            let _ = self.failed.send(failure.clone());
            if self.recording_fails.load(Ordering::SeqCst) { Err(sqlx::Error::PoolTimedOut) } else { Ok(()) }
        })
    }

    fn discard<'a>(&'a self, _: &'a UserId, job_id: &'a str) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            anyhow::ensure!(!self.discard_fails.load(Ordering::SeqCst), "as the test wants it");
            let _ = self.discarded.send(job_id.to_owned());
            Ok(())
        })
    }
}
