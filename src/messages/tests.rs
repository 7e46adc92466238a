//! Scripts depend on the names and fields of messages: here are all of them.

use std::collections::HashMap;

use bench::types::{Event, Init, ModelAdjustments, Progress, RunResult, Skip, WarmupOutcome, WarmupResult};
use endpoint::registry::{Adjustment, AdjustmentAction};
use endpoint::{Model, ModelRef};
use serde_json::Value;

use crate::benchmark::frames::{Present, wire};
use crate::benchmark::report::testing::{failed, head, row, run};
use crate::benchmark::snapshot::TargetSnapshot;
use crate::benchmark::store::{RowKey, StoredBenchmark, StoredRow};
use crate::benchmark::view::BenchmarkStatus;
use crate::jobs::{Job, JobEvent, JobState};
use crate::live::Frame;
use bench::types::Parameters;

fn sent(event: &JobEvent) -> Value {
    serde_json::to_value(Frame::of(event).unwrap()).unwrap()
}

fn of_benchmark(event: Value) -> Value {
    let frame: Frame = serde_json::from_value(event).unwrap();
    serde_json::to_value(Frame { job_id: Some("b1".into()), ..frame }).unwrap()
}

fn of_engine(event: Event) -> Value {
    of_benchmark(wire(event))
}

fn job(id: &str, status: JobState) -> Job {
    Job {
        id: id.into(),
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
    WarmupOutcome { success: true, ttft_ms: Some(90.0), connect_ms: None, error: None }
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
        skipped: skipped.map(|reason| Skip { reason: reason.into() }),
        run,
    }
}

/// The first message of a benchmark for a tab that connects while it runs.
fn init_after_reconnect() -> Value {
    let mut provider = mock::demo_provider("http://127.0.0.1:1");
    provider.key = "openai".into();
    let parameters =
        Parameters { context_tiers: vec![0, 5_000], runs: 3, max_tokens: 512, ..Parameters::default() };
    let head = head("openai", "m", 0);
    let present = Present {
        benchmark: StoredBenchmark {
            id: "b1".into(),
            status: BenchmarkStatus::Running,
            error: None,
            created_at: 1,
            finished_at: None,
            parameters,
            targets: vec![TargetSnapshot::of_parts(&provider, &Model::named("m"))],
            client: None,
        },
        runs: HashMap::from([(RowKey::of(&head), vec![run(1)])]),
        rows: vec![StoredRow { key: RowKey::of(&head), head, warmup: Some(warmup()), summary: None }],
    };
    of_benchmark(present.init())
}

#[test]
fn names_and_fields_of_all_messages_stay_as_they_are() {
    let job_id = || "j".to_owned();
    let adjustment = Adjustment {
        param: "temperature".into(),
        original: 0.7.into(),
        adjusted: None,
        action: AdjustmentAction::Drop,
        reason: "The model does not take it.".into(),
    };
    let messages = vec![
        sent(&JobEvent::Sync {
            active_jobs: vec![job("j", JobState::Running)],
            recent_jobs: vec![job("k", JobState::Failed)],
        }),
        sent(&JobEvent::JobCreated {
            job_id: job_id(),
            job_type: "benchmark".into(),
            status: JobState::Queued,
            progress_detail: "2 models, 3 runs".into(),
            created_at: 1,
        }),
        sent(&JobEvent::JobStarted { job_id: job_id(), job_type: "benchmark".into() }),
        sent(&JobEvent::JobProgress {
            job_id: job_id(),
            progress_pct: 50.0,
            progress_detail: "M, Run 2/3".into(),
        }),
        sent(&JobEvent::JobCompleted { job_id: job_id(), result_ref: Some("b1".into()) }),
        sent(&JobEvent::JobCompleted { job_id: job_id(), result_ref: None }),
        sent(&JobEvent::JobFailed { job_id: job_id(), error: "It broke.".into() }),
        sent(&JobEvent::JobCancelled { job_id: job_id() }),
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
    ];
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(messages) });
}
