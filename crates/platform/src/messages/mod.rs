//! The messages that server and browser send each other over the WebSocket. Scripts depend on their names
//! and fields.

mod job;

use serde::{Deserialize, Serialize, Serializer};

pub use job::{Job, JobState};

use crate::times;
use bench::types::{Event, Init, ModelAdjustments, Progress, ResultRow, Run, RunResult, WarmupResult};

/// A message from the server to a tab: a JSON object with a `type` and, when it is about a job, a `job_id`.
/// Times are texts, and numbers under a name that ends with `_ms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The first message of each connection: the jobs as they are now.
    Sync {
        active_jobs: Vec<Job>,
        recent_jobs: Vec<Job>,
    },
    /// The response to [`ClientMessage::Ping`].
    Pong,
    /// What the tab asked for could not be done: why, as a sentence.
    Error {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job_id: Option<String>,
        error: String,
    },
    JobCreated {
        job_id: String,
        job_type: String,
        status: JobState,
        progress_detail: String,
        #[serde(flatten, with = "times::created_at")]
        created_at: i64,
    },
    JobStarted {
        job_id: String,
        job_type: String,
    },
    /// `progress_pct` is 0 to 100.
    JobProgress {
        job_id: String,
        #[serde(serialize_with = "job::whole")]
        progress_pct: f64,
        progress_detail: String,
    },
    JobCompleted {
        job_id: String,
        result_ref: Option<String>,
    },
    JobFailed {
        job_id: String,
        error: String,
    },
    JobCancelled {
        job_id: String,
    },
    /// What a benchmark measures. Its results so far follow, if it has any.
    BenchmarkInit {
        job_id: String,
        #[serde(flatten, with = "init_frame")]
        data: Box<BenchmarkInit>,
    },
    /// Parameters that were changed to what a model accepts.
    ParamAdjustments {
        job_id: String,
        models: Vec<ModelAdjustments>,
    },
    /// A run is about to start; in load mode a few times a second.
    BenchmarkProgress {
        job_id: String,
        #[serde(serialize_with = "progress_data")]
        data: Box<Progress>,
    },
    /// The warm-up of one model at one context size has ended.
    BenchmarkWarmup {
        job_id: String,
        data: Box<WarmupResult>,
    },
    /// One finished run without its chunk times, or a context size that was skipped.
    BenchmarkResult {
        job_id: String,
        #[serde(serialize_with = "run_result::serialize", deserialize_with = "run_result::deserialize")]
        data: Box<RunResult>,
    },
    /// All runs of one model at one context size are done; the runs are without their chunk times.
    BenchmarkRow {
        job_id: String,
        data: Box<ResultRow>,
    },
}

/// What a benchmark measures, and how far it is when its tab has connected late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkInit {
    #[serde(flatten)]
    pub init: Init,
    /// Whether the benchmark was running already when the tab connected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconnect: bool,
    /// 0 to 100; only with `reconnect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_pct: Option<f64>,
}

/// A message from a tab to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    Ping,
    Cancel { job_id: String },
}

impl ServerMessage {
    /// Reads a message; `None` for one that this version does not know: server and tab may be of different
    /// versions.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// An event of the engine as a message about this job, without the chunk times, which tabs load run by
    /// run.
    pub fn of_event(job_id: impl Into<String>, event: Event) -> Self {
        let job_id = job_id.into();
        match event {
            Event::BenchmarkInit { data: init } => {
                let data = BenchmarkInit { init, reconnect: false, progress_pct: None };
                Self::BenchmarkInit { job_id, data: Box::new(data) }
            }
            Event::ParamAdjustments { models } => Self::ParamAdjustments { job_id, models },
            Event::BenchmarkProgress { data } => Self::BenchmarkProgress { job_id, data: Box::new(data) },
            Event::BenchmarkWarmup { data } => Self::BenchmarkWarmup { job_id, data },
            Event::BenchmarkResult { mut data } => {
                data.run.iter_mut().for_each(remove_chunk_times);
                Self::BenchmarkResult { job_id, data }
            }
            Event::BenchmarkRow { mut data } => {
                data.runs.iter_mut().for_each(remove_chunk_times);
                Self::BenchmarkRow { job_id, data }
            }
        }
    }

    /// Returns whether the JSON of a message says that a job has ended.
    pub fn ends_job(text: &str) -> bool {
        #[derive(Deserialize)]
        #[serde(tag = "type")]
        enum End {
            #[serde(rename = "job_completed")]
            Completed,
            #[serde(rename = "job_failed")]
            Failed,
            #[serde(rename = "job_cancelled")]
            Cancelled,
        }
        serde_json::from_str::<End>(text).is_ok()
    }

    /// Returns the id of the job that the message is about.
    pub fn job_id(&self) -> Option<&str> {
        match self {
            Self::Sync { .. } | Self::Pong => None,
            Self::Error { job_id, .. } => job_id.as_deref(),
            Self::JobCreated { job_id, .. }
            | Self::JobStarted { job_id, .. }
            | Self::JobProgress { job_id, .. }
            | Self::JobCompleted { job_id, .. }
            | Self::JobFailed { job_id, .. }
            | Self::JobCancelled { job_id }
            | Self::BenchmarkInit { job_id, .. }
            | Self::ParamAdjustments { job_id, .. }
            | Self::BenchmarkProgress { job_id, .. }
            | Self::BenchmarkWarmup { job_id, .. }
            | Self::BenchmarkResult { job_id, .. }
            | Self::BenchmarkRow { job_id, .. } => Some(job_id),
        }
    }
}

fn remove_chunk_times(run: &mut Run) {
    run.chunk_deltas_us = Vec::new();
}

/// The data of a message with a `type` of its own, which scripts of the Python product look for.
#[derive(Serialize)]
struct WithType<'a, T> {
    #[serde(flatten)]
    data: &'a T,
    r#type: &'static str,
}

fn progress_data<S: Serializer>(data: &Progress, serializer: S) -> Result<S::Ok, S::Error> {
    WithType { data, r#type: "progress" }.serialize(serializer)
}

/// `benchmark_result` has the fields of the Python product beside ours: `run`, `runs`, `error` as a text that is empty
/// for a successful run, and the `reason` of a skipped context size. Our error with its kind is `failure`.
mod run_result {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Value};

    use super::RunResult;

    pub fn serialize<S: Serializer>(data: &RunResult, serializer: S) -> Result<S::Ok, S::Error> {
        let json = serde_json::to_value(data).map_err(S::Error::custom)?;
        let Value::Object(mut fields) = json else { return Err(S::Error::custom("not an object")) };
        if let Some(failure) = fields.shift_remove("error") {
            fields.insert("failure".to_owned(), failure);
        }
        let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        add("type", if data.skipped.is_some() { "skipped" } else { "result" }.into());
        if let Some(run) = &data.run {
            add("run", run.run_number.into());
            add("error", run.error.as_ref().map(ToString::to_string).unwrap_or_default().into());
        }
        if let Some(skip) = &data.skipped {
            add("reason", skip.reason.clone().into());
        }
        fields.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Box<RunResult>, D::Error> {
        let mut fields = Map::deserialize(from)?;
        fields.remove("error");
        if let Some(failure) = fields.remove("failure") {
            fields.insert("error".to_owned(), failure);
        }
        RunResult::deserialize(Value::Object(fields)).map(Box::new).map_err(D::Error::custom)
    }
}

/// `benchmark_init` of a benchmark that was running already says so beside `data` too, as in the Python product.
mod init_frame {
    use serde::ser::SerializeMap;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::BenchmarkInit;

    pub fn serialize<S: Serializer>(data: &BenchmarkInit, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("data", data)?;
        if data.reconnect {
            map.serialize_entry("reconnect", &true)?;
            map.serialize_entry("progress_pct", &(data.progress_pct.unwrap_or_default().round() as u8))?;
        }
        map.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Box<BenchmarkInit>, D::Error> {
        #[derive(Deserialize)]
        struct Frame {
            data: Box<BenchmarkInit>,
        }
        Frame::deserialize(from).map(|Frame { data }| data)
    }
}
