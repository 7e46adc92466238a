//! Tests for the names and fields of all messages, because scripts depend on them.

use bench::types::{Event, Init, ModelAdjustments, Progress, RunResult, Skip, WarmupOutcome, WarmupResult};
use endpoint::ModelRef;
use endpoint::registry::{Adjustment, AdjustmentAction};
use serde_json::{Value, json};

use crate::accounts::UserId;

use super::report::testing::{failed, head, row, run};
use crate::messages::*;

/// Returns an event of the engine as a tab receives it.
fn of_engine(event: Event) -> ServerMessage {
    ServerMessage::of_event("b1", event)
}

fn job(id: &str, status: JobState) -> Job {
    Job {
        id: id.into(),
        user_id: Some(UserId::new("u")),
        job_type: "benchmark".into(),
        status,
        progress_pct: 50.0,
        progress_detail: "2 models, 3 runs".into(),
        result_ref: None,
        error: Some("It broke.".into()),
        created_at: 1,
        started_at: Some(2),
        finished_at: None,
    }
}

fn model_ref() -> ModelRef {
    ModelRef { provider_key: "openai".into(), model_id: "m".into() }
}

fn init() -> Init {
    Init {
        targets: vec![model_ref()],
        runs: 3,
        context_tiers: vec![0, 5_000],
        max_tokens: 512,
        total_requests: 4,
        done_requests: 2,
        rows: vec![head("openai", "m", 0)],
    }
}

fn progress(live_tps: Option<f64>) -> Progress {
    Progress {
        provider: "OpenAI".into(),
        provider_key: "openai".into(),
        model: "M".into(),
        model_id: "m".into(),
        run: 2,
        runs: 3,
        context_tokens: 5_000,
        provider_done: 4,
        provider_total: 8,
        live_tps,
    }
}

fn warmup() -> WarmupOutcome {
    WarmupOutcome {
        success: true,
        ttft_ms: Some(90.0),
        connect_ms: None,
        dns_ms: None,
        tcp_ms: None,
        tls_ms: None,
        error: None,
    }
}

fn warmup_result() -> WarmupResult {
    WarmupResult {
        provider: "OpenAI".into(),
        provider_key: "openai".into(),
        model: "M".into(),
        model_id: "m".into(),
        context_tokens: 0,
        outcome: warmup(),
    }
}

fn result(skipped: Option<&str>, run: Option<bench::types::Run>) -> RunResult {
    RunResult {
        provider: "OpenAI".into(),
        provider_key: "openai".into(),
        model: "M".into(),
        model_id: "m".into(),
        context_tokens: 0,
        runs: 3,
        skipped: skipped.map(|reason| Skip { reason: reason.into() }),
        run,
    }
}

/// Returns the first message of a running benchmark for a tab that connects.
fn init_after_reconnect() -> ServerMessage {
    let data = BenchmarkInit { init: init(), reconnect: true, progress_pct: Some(50.0) };
    ServerMessage::BenchmarkInit { job_id: "b1".into(), data: Box::new(data) }
}

/// Returns at least one message of each kind.
fn all_messages() -> Vec<ServerMessage> {
    let job_id = || "j".to_owned();
    let adjustment = Adjustment {
        param: "temperature".into(),
        original: 0.7.into(),
        adjusted: None,
        action: AdjustmentAction::Drop,
        reason: "The model does not take it.".into(),
    };
    vec![
        ServerMessage::Sync {
            active_jobs: vec![job("j", JobState::Running)],
            recent_jobs: vec![job("k", JobState::Failed)],
        },
        ServerMessage::JobCreated {
            job_id: job_id(),
            job_type: "benchmark".into(),
            status: JobState::Queued,
            progress_detail: "2 models, 3 runs".into(),
            created_at: 1,
        },
        ServerMessage::JobStarted { job_id: job_id(), job_type: "benchmark".into() },
        ServerMessage::JobProgress {
            job_id: job_id(),
            progress_pct: 50.0,
            progress_detail: "M, Run 2/3".into(),
        },
        ServerMessage::JobCompleted { job_id: job_id(), result_ref: Some("b1".into()) },
        ServerMessage::JobCompleted { job_id: job_id(), result_ref: None },
        ServerMessage::JobFailed { job_id: job_id(), error: "It broke.".into() },
        ServerMessage::JobCancelled { job_id: job_id() },
        of_engine(Event::BenchmarkInit { data: init() }),
        init_after_reconnect(),
        of_engine(Event::ParamAdjustments {
            models: vec![ModelAdjustments { model: model_ref(), adjustments: vec![adjustment] }],
        }),
        of_engine(Event::BenchmarkProgress { data: progress(None) }),
        of_engine(Event::BenchmarkProgress { data: progress(Some(71.5)) }),
        of_engine(Event::BenchmarkWarmup { data: Box::new(warmup_result()) }),
        of_engine(Event::BenchmarkResult { data: Box::new(result(None, Some(run(1)))) }),
        of_engine(Event::BenchmarkResult { data: Box::new(result(None, Some(failed(2)))) }),
        of_engine(Event::BenchmarkResult { data: Box::new(result(Some("It is too long."), None)) }),
        of_engine(Event::BenchmarkRow { data: Box::new(row("openai", "m", 0, vec![run(1), failed(2)])) }),
    ]
}

fn json(message: &ServerMessage) -> Value {
    serde_json::from_str(&serde_json::to_string(message).unwrap()).unwrap()
}

#[test]
fn names_and_fields_of_all_messages_stay_as_they_are() {
    let messages: Vec<Value> = all_messages().iter().map(json).collect();
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(messages) });
    let pong = json(&ServerMessage::Pong);
    assert_eq!(pong, json!({ "type": "pong" }));
    let error = |job_id| ServerMessage::Error { job_id, error: "It broke.".into() };
    assert_eq!(json(&error(None)), json!({ "type": "error", "error": "It broke." }));
    let of_job = json!({ "type": "error", "job_id": "j", "error": "It broke." });
    assert_eq!(json(&error(Some("j".into()))), of_job);
}

#[test]
fn a_tab_deserializes_all_messages() {
    let error = ServerMessage::Error { job_id: None, error: "It broke.".into() };
    for message in all_messages().into_iter().chain([ServerMessage::Pong, error]) {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(ServerMessage::from_json(&text), Some(message), "{text}");
    }
}

#[test]
fn the_json_identifies_the_end_of_a_job() {
    let ends = |message: &&ServerMessage| ServerMessage::ends_job(&serde_json::to_string(message).unwrap());
    let all = all_messages();
    let ends: Vec<_> = all.iter().filter(ends).collect();
    let is_end = |message: &&ServerMessage| {
        use ServerMessage::{JobCancelled, JobCompleted, JobFailed};
        matches!(message, JobCompleted { .. } | JobFailed { .. } | JobCancelled { .. })
    };
    assert_eq!(ends, all.iter().filter(is_end).collect::<Vec<_>>());
}

#[test]
fn messages_of_another_version_are_ignored() {
    for text in [r#"{"type":"tool_eval_init","job_id":"j","data":{}}"#, r#"{"type":"job_failed"}"#, "[]", ""]
    {
        assert_eq!(ServerMessage::from_json(text), None, "{text}");
    }
    let newer = r#"{"type":"job_cancelled","job_id":"j","reason":"a field of a newer version"}"#;
    assert_eq!(ServerMessage::from_json(newer), Some(ServerMessage::JobCancelled { job_id: "j".into() }));
}
