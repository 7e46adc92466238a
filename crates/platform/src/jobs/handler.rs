//! The interface of code that runs as a job.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;
use sqlx::AnyConnection;
use tokio_util::sync::CancellationToken;

use crate::accounts::UserId;
use crate::messages::ServerMessage;

/// Runs one kind of job. One handler serves all jobs of its kind, side by side.
pub trait JobHandler: Send + Sync + 'static {
    /// The kind, as in `Job::job_type`.
    fn job_type(&self) -> &'static str;

    /// Runs a job, or goes on with one that ran before: what is already stored under its id is not
    /// done again. Writes each result when it has it. Returns soon after `context.cancel` or
    /// `context.drain` says so.
    fn run(&self, context: JobContext) -> BoxFuture<'_, JobEnd>;

    /// How many jobs of this kind one process runs at once; the others wait in their queues. `None` leaves
    /// it to the limit on all jobs.
    fn max_concurrent(&self) -> Option<NonZeroUsize> {
        None
    }

    /// Records in the handler's own tables that a job failed. Called in the transaction that ends the job,
    /// whoever ends it: this process after a run, or any process that gives the job up.
    fn record_failure<'a>(
        &'a self,
        connection: &'a mut AnyConnection,
        failure: &'a JobFailure,
    ) -> BoxFuture<'a, sqlx::Result<()>> {
        let _ = (connection, failure);
        Box::pin(async { Ok(()) })
    }

    /// Removes what a cancelled job has stored. Called after `run` has returned or was dropped, or when
    /// the job was cancelled while it waited; before the job counts as cancelled, and perhaps again:
    /// a second time finds nothing left to do.
    fn discard<'a>(&'a self, user: &'a UserId, job_id: &'a str) -> BoxFuture<'a, anyhow::Result<()>>;
}

/// How a job's work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// All of it is done; what came out.
    Done { result_ref: Option<String> },
    /// It cannot be done: why, as a sentence for the user, without secrets.
    Failed(String),
    /// It stopped because it was told to, by `cancel` or by `drain`.
    Stopped,
    /// A fault that passes, such as a database that does not answer, stands in its way: it is queued
    /// again after a pause. Why, for the log.
    Interrupted(String),
}

/// A job that ends as failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    pub job_id: String,
    pub user: UserId,
    /// Why, as a sentence for the user.
    pub error: String,
    /// In Unix milliseconds.
    pub finished_at: i64,
}

/// A handler's view of its job.
#[derive(Clone)]
pub struct JobContext {
    pub job_id: String,
    pub user: UserId,
    /// What was submitted.
    pub params: Value,
    /// The user cancelled it, or it took too long.
    pub cancel: CancellationToken,
    /// The server is stopping: end what is under way, begin nothing new.
    pub drain: CancellationToken,
    pub events: Arc<dyn JobEvents>,
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("job_id", &self.job_id)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Publishes a running job's progress and events to its user's tabs. Never waits.
pub trait JobEvents: Send + Sync {
    /// How far the job is, 0 to 100, and what it does just now. May be called often: tabs are sent
    /// at most ten a second, and always the last.
    fn progress(&self, percent: f64, detail: &str);

    /// Sends `message` to every tab of the user.
    fn publish(&self, message: ServerMessage);

    /// The same for messages of which only the latest of each `topic` matters, such as the progress of
    /// one provider: at most ten a second are sent.
    fn publish_latest(&self, topic: &str, message: ServerMessage);
}
