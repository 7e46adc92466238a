//! Work that takes longer than a request: submitted, queued, run, watched, cancelled and, after a
//! crash, gone on with. Knows no kind of job; rooms bring theirs as a `JobHandler`.

pub mod types;

#[cfg(feature = "ssr")]
pub mod handler;

#[cfg(feature = "ssr")]
pub use handler::{JobContext, JobEnd, JobHandler};
pub use types::{Job, JobEvent, JobState};
