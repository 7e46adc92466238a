//! Work that takes longer than a request: submitted, queued, run, watched, cancelled and, after a
//! crash, resumed. Knows no type of job; other modules register theirs as a `JobHandler`.

pub mod api;
pub mod job_list;
pub mod menu;

#[cfg(feature = "ssr")]
mod claims;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
pub mod handler;
#[cfg(feature = "ssr")]
mod lease;
#[cfg(feature = "ssr")]
pub mod limits;
#[cfg(feature = "ssr")]
mod publisher;
#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
mod run;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
mod store;
#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests;
#[cfg(feature = "ssr")]
mod transition;
#[cfg(feature = "ssr")]
mod worker;

pub use crate::messages::{Job, JobState};
#[cfg(feature = "ssr")]
pub use error::JobError;
#[cfg(feature = "ssr")]
pub use handler::{JobContext, JobEnd, JobFailure, JobHandler};
#[cfg(feature = "ssr")]
pub use limits::{Cluster, HourlyLimit, Settings};
#[cfg(feature = "ssr")]
pub use service::JobService;
#[cfg(feature = "ssr")]
pub use store::{NewJob, Selection};
