//! A handler on strings: each run tells the test that it has begun, and ends when the test pulls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::accounts::UserId;
use crate::jobs::{JobContext, JobEnd, JobHandler};

pub(super) const KIND: &str = "puppet";

/// Does what its job's params say: `panic` does so, `deaf` does not stop when told to,
/// `panic_on_drop` panics when its run is dropped.
pub(super) struct Puppet {
    begun: mpsc::UnboundedSender<Begun>,
    discarded: mpsc::UnboundedSender<String>,
    discard_fails: Arc<AtomicBool>,
}

/// The test's end of all runs.
pub(super) struct Strings {
    pub begun: mpsc::UnboundedReceiver<Begun>,
    pub discarded: mpsc::UnboundedReceiver<String>,
    /// While it is set, nothing that a cancelled job has stored can be removed.
    pub discard_fails: Arc<AtomicBool>,
}

/// A run that has begun. Dropped without a pull it goes on until it is stopped.
pub(super) struct Begun {
    pub context: JobContext,
    end: oneshot::Sender<JobEnd>,
    /// Closes when the run has returned or was dropped.
    alive: mpsc::Receiver<()>,
}

impl Begun {
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

impl Puppet {
    pub(super) fn new() -> (Self, Strings) {
        let (begun_sender, begun) = mpsc::unbounded_channel();
        let (discard_sender, discarded) = mpsc::unbounded_channel();
        let discard_fails = Arc::<AtomicBool>::default();
        let puppet = Self {
            begun: begun_sender,
            discarded: discard_sender,
            discard_fails: Arc::clone(&discard_fails),
        };
        (puppet, Strings { begun, discarded, discard_fails })
    }
}

impl Strings {
    pub(super) async fn next(&mut self) -> Begun {
        self.begun.recv().await.unwrap()
    }
}

impl JobHandler for Puppet {
    fn job_type(&self) -> &'static str {
        KIND
    }

    fn run(&self, context: JobContext) -> BoxFuture<'_, JobEnd> {
        Box::pin(async move {
            let (end_sender, end) = oneshot::channel();
            let (_alive_until_the_end, alive) = mpsc::channel(1);
            let begun = Begun { context: context.clone(), end: end_sender, alive };
            // The test may be over.
            let _ = self.begun.send(begun);
            assert!(context.params.get("panic").is_none(), "as the test wants it");
            let end = async {
                match end.await {
                    Ok(end) => end,
                    Err(_) => std::future::pending().await,
                }
            };
            let _guard = context.params.get("panic_on_drop").map(|_| PanicOnDrop);
            if context.params.get("deaf").is_some() {
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

    fn discard<'a>(&'a self, _: &'a UserId, job_id: &'a str) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            anyhow::ensure!(!self.discard_fails.load(Ordering::SeqCst), "as the test wants it");
            let _ = self.discarded.send(job_id.to_owned());
            Ok(())
        })
    }
}
