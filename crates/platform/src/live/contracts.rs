//! What the WebSocket needs of other modules. They implement it; `live` depends on none of them.

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::accounts::UserId;
use crate::http::AppError;
use crate::messages::ServerMessage;

/// The part of the current state that a module sends to a tab that has just connected.
pub trait InitialState: Send + Sync + 'static {
    /// The messages, in the order in which they are sent. The stream reads on when its messages have been
    /// sent; events that arrive meanwhile are sent in between, so what an event changes must be read after
    /// the event or be sent twice.
    fn messages(&self, user: &UserId) -> BoxStream<'static, anyhow::Result<ServerMessage>>;
}

/// Cancels a job on request of a tab.
pub trait CancelJob: Send + Sync + 'static {
    /// Requests the cancel; an event follows when the job has stopped.
    ///
    /// # Errors
    /// When the user has no such job, or it has ended already.
    fn cancel<'a>(&'a self, user: &'a UserId, job_id: &'a str) -> BoxFuture<'a, Result<(), AppError>>;
}
