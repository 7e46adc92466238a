//! What goes over the WebSocket, in words: OpenAPI has none for it.

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

/// What a client may say.
pub const FROM_CLIENT: &[Message] = &[
    message(
        "ping",
        "",
        "Answered with pong. Say it every 30 seconds: after 90 silent ones the socket is closed.",
    ),
    message("cancel", "job_id", "Cancels a job, as POST /api/jobs/{id}/cancel does."),
];

/// What the server says. Frames about a job carry `job_id` too.
pub const FROM_SERVER: &[Message] = &[
    message(
        "sync",
        "active_jobs[], recent_jobs[]",
        "The first frame of each connection: the jobs as they are now. The present state of running jobs follows.",
    ),
    message("pong", "", "The answer to ping."),
    message("error", "error", "What the client asked for could not be done, and why."),
    message("job_created", "job_type, status, progress_detail, created_at", "A job has been submitted."),
    message("job_started", "job_type", "It runs."),
    message("job_progress", "progress_pct, progress_detail", "It got on. At most ten a second."),
    message("job_completed", "result_ref", "It is done; result_ref leads to what came out."),
    message("job_failed", "error", "It failed, and why."),
    message("job_cancelled", "", "It was cancelled; nothing of it is kept."),
    message(
        "benchmark_init",
        "data { targets[], runs, context_tiers[], max_tokens, total_requests, done_requests, rows[] }",
        "What the benchmark will measure, before it does.",
    ),
    message(
        "param_adjustments",
        "models[] { provider_key, model_id, adjustments[] }",
        "Parameters that were changed to what a model takes.",
    ),
    message(
        "benchmark_progress",
        "data { provider_key, model_id, run, runs, context_tokens, provider_done, provider_total }",
        "A run is about to start.",
    ),
    message(
        "benchmark_warmup",
        "data { provider_key, model_id, context_tokens, … }",
        "The run that is not counted has ended.",
    ),
    message(
        "benchmark_result",
        "data { provider_key, model_id, context_tokens, skipped or the run's figures }",
        "One finished run, or a context tier that was skipped.",
    ),
    message(
        "benchmark_row",
        "data { a row of the result }",
        "All runs of one model at one context tier are done.",
    ),
];

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::messages::{ClientMessage, ServerMessage};

    /// The names that `T` knows, from what it says about one that it does not know.
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
            assert!(known.contains(&name.as_str()), "{name} is not on the page");
        }
    }

    #[test]
    fn every_word_of_a_client_is_documented() {
        assert_eq!(documented(FROM_CLIENT), names_of::<ClientMessage>());
    }
}
