//! Documents the messages of the WebSocket, which OpenAPI cannot describe.

/// One kind of message.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    /// Its `type`.
    pub name: &'static str,
    pub fields: &'static str,
    pub meaning: &'static str,
}

const fn message(name: &'static str, fields: &'static str, meaning: &'static str) -> Message {
    Message { name, fields, meaning }
}

/// Messages from clients.
pub const FROM_CLIENT: &[Message] = &[
    message(
        "ping",
        "",
        "The server answers with pong. Send it every 30 seconds: after 90 seconds without a message the connection is closed.",
    ),
    message("cancel", "job_id", "Cancels a job, like POST /api/jobs/{id}/cancel."),
];

/// Messages from the server. Messages about a job also have a `job_id`.
pub const FROM_SERVER: &[Message] = &[
    message(
        "sync",
        "active_jobs[], recent_jobs[]",
        "The first message of each connection: the current jobs. The current state of running jobs follows.",
    ),
    message("pong", "", "The response to ping."),
    message("error", "error", "A request of the client failed; error is the reason."),
    message(
        "job_created",
        "job_type, status, progress_detail, created_at, created_at_ms",
        "A job has been submitted.",
    ),
    message("job_started", "job_type", "The job has started."),
    message(
        "job_progress",
        "progress_pct, progress_detail",
        "The job has made progress. At most ten per second.",
    ),
    message("job_completed", "result_ref", "The job has finished; result_ref is the path of its result."),
    message("job_failed", "error", "The job has failed; error is the reason."),
    message("job_cancelled", "", "The job was cancelled; its results are deleted."),
    message(
        "benchmark_init",
        "data { targets[], runs, context_tiers[], max_tokens, total_requests, done_requests, rows[] }, reconnect, progress_pct",
        "The plan of the benchmark, sent before the first run, and with reconnect to clients that connect later.",
    ),
    message(
        "param_adjustments",
        "models[] { provider_key, model_id, adjustments[] }",
        "Parameters that were adjusted to what a model supports.",
    ),
    message(
        "benchmark_progress",
        "data { provider_key, model_id, run, runs, context_tokens, provider_done, provider_total }",
        "A run is about to start.",
    ),
    message(
        "benchmark_warmup",
        "data { provider_key, model_id, context_tokens, … }",
        "The warm-up run has finished.",
    ),
    message(
        "benchmark_result",
        "data { type, provider_key, model_id, context_tokens, run, runs, error, failure, the run's figures or reason }",
        "A finished run, or a skipped context size.",
    ),
    message(
        "benchmark_row",
        "data { a row of the result }",
        "All runs of one model at one context size have finished.",
    ),
];

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::messages::{ClientMessage, ServerMessage};

    /// Returns the variant names of `T`, from the error about an unknown one.
    fn names_of<T: DeserializeOwned>() -> Vec<String> {
        let Err(error) = serde_json::from_value::<T>(json!({ "type": "?" })) else { return Vec::new() };
        let text = error.to_string();
        let names: Vec<String> = text.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(!names.is_empty(), "{text}");
        names
    }

    fn documented(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.name).collect()
    }

    #[test]
    fn every_event_is_documented() {
        let known = documented(FROM_SERVER);
        for name in names_of::<ServerMessage>() {
            assert!(known.contains(&name.as_str()), "{name} is not documented");
        }
    }

    #[test]
    fn every_client_message_is_documented() {
        assert_eq!(documented(FROM_CLIENT), names_of::<ClientMessage>());
    }
}
