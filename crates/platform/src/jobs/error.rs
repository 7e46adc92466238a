//! Why a job could not be submitted, found or cancelled.

use crate::http::AppError;
use crate::messages::JobState;

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("There is no such job.")]
    NotFound,
    #[error("This job is already finished.")]
    Finished,
    #[error("You have started as many benchmarks as an hour allows ({limit}). Try again in {}.", in_words(*.retry_after_s))]
    TooMany { limit: i64, retry_after_s: u64 },
    #[error("{waiting} of your jobs are waiting. Let some of them end, or cancel some, and try again.")]
    QueueFull { waiting: i64 },
    #[error("a job that is {} cannot become {}", .from.as_str(), .to.as_str())]
    Illegal { from: JobState, to: JobState },
    #[error("cannot remove what a cancelled job has stored: {0:#}")]
    Discard(#[source] anyhow::Error),
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl From<JobError> for AppError {
    fn from(error: JobError) -> Self {
        let text = error.to_string();
        match error {
            JobError::NotFound => Self::NotFound(text),
            JobError::Finished => Self::BadRequest(text),
            JobError::TooMany { retry_after_s, .. } => Self::TooMany { detail: text, retry_after_s },
            JobError::QueueFull { .. } => Self::Conflict(text),
            JobError::Illegal { .. } | JobError::Discard(_) | JobError::Database(_) => Self::internal(error),
        }
    }
}
