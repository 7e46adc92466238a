//! What the socket needs of other rooms. They implement it; it knows none of them.

use futures::future::BoxFuture;

use super::types::Frame;
use crate::accounts::UserId;
use crate::http::AppError;

/// What a room tells a tab that has just connected, so that it knows the whole present state.
pub trait InitialState: Send + Sync + 'static {
    /// The frames, in the order in which they are sent.
    fn frames<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<Vec<Frame>>>;
}

/// Stops a job that a tab wants stopped.
pub trait CancelJob: Send + Sync + 'static {
    /// Asks for it; that the job has stopped is told by an event of its own.
    ///
    /// # Errors
    /// When the user has no such job, or it has ended already.
    fn cancel<'a>(&'a self, user: &'a UserId, job_id: &'a str) -> BoxFuture<'a, Result<(), AppError>>;
}
