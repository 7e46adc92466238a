//! Jobs as plain data, shared by server and browser.

use serde::{Deserialize, Serialize, Serializer};

use crate::accounts::UserId;
use crate::times;

/// Where a job stands.
///
/// ```text
/// pending ─→ queued ─→ running ─→ done | failed | cancelled
///    │          │        │  ↑
///    │          │        ↓  │
///    │          │     interrupted   (its process ended; goes back to queued)
///    └──────────┴─────────────────→ cancelled | failed
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Accepted, not yet in a queue.
    Pending,
    /// Waits for the user's other jobs.
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
    /// Its process ended before it did. Goes on when a process takes it up.
    Interrupted,
}

impl JobState {
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Queued,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::Interrupted,
    ];

    /// The name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// True while something may still happen to the job.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::Queued | Self::Running | Self::Interrupted)
    }

    /// Whether a job may go from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Queued | Self::Cancelled | Self::Failed),
            Self::Queued => matches!(next, Self::Running | Self::Cancelled | Self::Failed),
            Self::Running => {
                matches!(next, Self::Done | Self::Failed | Self::Cancelled | Self::Interrupted)
            }
            Self::Interrupted => matches!(next, Self::Queued | Self::Cancelled | Self::Failed),
            Self::Done | Self::Failed | Self::Cancelled => false,
        }
    }
}

/// One job as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Job {
    pub id: String,
    /// Whose job it is; `None` for a job that a tab knows only from its events.
    pub user_id: Option<UserId>,
    /// `benchmark`, …
    pub job_type: String,
    pub status: JobState,
    /// 0 to 100; a whole number in JSON.
    #[serde(serialize_with = "whole")]
    #[cfg_attr(feature = "ssr", schema(value_type = u8, maximum = 100))]
    pub progress_pct: f64,
    /// One line: what it is about, or what it does just now.
    pub progress_detail: String,
    /// What came out, for example a benchmark's id.
    pub result_ref: Option<String>,
    /// Why it failed, as a sentence.
    #[serde(flatten, with = "error_msg")]
    #[cfg_attr(feature = "ssr", schema(value_type = error_msg::JobError))]
    pub error: Option<String>,
    #[serde(flatten, with = "times::created_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::created_at::CreatedAt))]
    pub created_at: i64,
    #[serde(flatten, with = "times::started_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::started_at::StartedAt))]
    pub started_at: Option<i64>,
    #[serde(flatten, with = "times::completed_at")]
    #[cfg_attr(feature = "ssr", schema(value_type = times::completed_at::CompletedAt))]
    pub finished_at: Option<i64>,
}

/// Writes a percentage as a whole number.
pub(super) fn whole<S: Serializer>(percent: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Casts of negative numbers and of NaN saturate at 0.
    serializer.serialize_u64(percent.round() as u64)
}

/// The error of a job under two names: scripts of the Python product read `error_msg`.
mod error_msg {
    use serde::ser::SerializeMap;
    use serde::{Deserialize, Deserializer, Serializer};

    #[cfg(feature = "ssr")]
    #[derive(Debug, utoipa::ToSchema)]
    #[allow(dead_code, reason = "describes what `serialize` writes")]
    pub struct JobError {
        /// Why it failed, as a sentence.
        pub error: Option<String>,
        /// The same.
        pub error_msg: Option<String>,
    }

    pub fn serialize<S: Serializer>(error: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("error", error)?;
        map.serialize_entry("error_msg", error)?;
        map.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        #[derive(Deserialize)]
        struct Error {
            error: Option<String>,
        }
        Error::deserialize(from).map(|Error { error }| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_by_its_name() {
        for state in JobState::ALL {
            assert_eq!(JobState::from_name(state.as_str()), Some(state));
        }
    }

    #[test]
    fn what_has_ended_stays_ended() {
        for state in JobState::ALL {
            let leads_on = JobState::ALL.into_iter().any(|next| state.may_become(next));
            assert_eq!(leads_on, state.is_active(), "{state:?}");
            assert!(!state.may_become(state));
        }
    }

    #[test]
    fn every_active_state_can_be_cancelled() {
        for state in JobState::ALL.into_iter().filter(|state| state.is_active()) {
            assert!(state.may_become(JobState::Cancelled), "{state:?}");
        }
    }
}
