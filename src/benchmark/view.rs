//! A stored benchmark as its page and REST show it, finished or under way.

use serde::{Deserialize, Serialize};

use super::types::{ClientHealth, Parameters, ResultRow};

/// How far a stored benchmark got. One that was cancelled is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BenchmarkStatus {
    /// Measures, or waits to go on.
    Running,
    Complete,
    /// Ended before its time; what was measured until then is kept.
    Failed,
}

impl BenchmarkStatus {
    /// The name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Complete, Self::Failed].into_iter().find(|status| status.as_str() == name)
    }
}

/// One benchmark with all its rows; runs come without the arrivals of their chunks, which are asked
/// for run by run. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BenchmarkView {
    /// Also the id of its job.
    pub id: String,
    pub status: BenchmarkStatus,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    pub parameters: Parameters,
    /// The measuring client's own condition, when it has finished.
    pub client: Option<ClientHealth>,
    pub rows: Vec<ResultRow>,
}
