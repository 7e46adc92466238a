//! End-to-end test of scripts with a new account: adds providers, runs and cancels benchmarks, reads results.

use serde_json::{Value, json};

use super::client::{Client, text};
use super::mock::{self, Mock};
use super::process::Installation;
use super::real_llm::RealLlm;
use super::runs::{history, runs_in_history, sorted};
use super::socket::Socket;

/// A scenario without a response during the test.
const ENDLESS: &str = "mock/ttft=600000";
const DEMO: &str = "demo-fast";
const TIERS: [u64; 2] = [0, 200];
const RUNS: usize = 3;
/// Number of runs of both models.
const ALL_RUNS: usize = 2 * TIERS.len() * RUNS;

/// A model server on this machine that the user adds by its base URL.
struct Local {
    base_url: String,
    /// One of the models that it lists.
    model: &'static str,
    process: u32,
}

#[tokio::test]
async fn a_new_user_benchmarks_the_demo_and_a_local_server() {
    let mock = Mock::start();
    let base_url = mock.base_url.clone();
    run_scenario(Local { base_url, model: "demo-steady", process: mock.process_id() }).await;
}

#[tokio::test]
#[ignore = "needs PyPI: run by make test"]
async fn a_new_user_benchmarks_the_demo_and_a_real_model() {
    let llm = RealLlm::start();
    let base_url = format!("http://{}/v1", llm.address);
    run_scenario(Local { base_url, model: "smollm2-135m-instruct", process: llm.process.id() }).await;
}

async fn run_scenario(local: Local) {
    let installation = Installation::new();
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    assert_eq!(anna.get("/api/auth/me").await["user"]["role"], "admin");
    let demo = demo_provider(&anna).await;
    discover(&anna, &local).await;

    let mut first = Socket::open(&anna).await;
    let mut second = Socket::open(&anna).await;
    let finished = start_both(&anna, &local).await;
    for socket in [&mut first, &mut second] {
        while socket.wait_for("benchmark_result", &finished).await["data"]["provider_key"] != "local" {}
    }
    mock::suspend(local.process);
    assert_same(&first, &second);
    drop(second);

    let mut third = Socket::open(&anna).await;
    assert!(third.lists_active(&finished), "{}", third.sync);
    let initial = third.wait_for("benchmark_init", &finished).await;
    assert_eq!(initial["data"]["reconnect"], true, "{initial}");
    third.wait_for_each(&first.runs(), &finished).await;
    mock::resume(local.process);
    for socket in [&mut first, &mut third] {
        socket.wait_for("job_completed", &finished).await;
    }

    let runs = runs_in_history(&anna, &finished).await;
    assert_eq!(runs.len(), ALL_RUNS);
    assert_eq!((sorted(first.runs()), sorted(third.runs())), (runs.clone(), runs));
    assert_figures(&history(&anna).await, &finished);

    let cancelled = start_endless(&anna, &demo).await;
    first.wait_for("benchmark_progress", &cancelled).await;
    first.cancel(&cancelled).await;
    for socket in [&mut first, &mut third] {
        socket.wait_for("job_cancelled", &cancelled).await;
    }
    assert_figures(&history(&anna).await, &finished);
    let (status, answer) = anna.call("GET", &format!("/api/history/{cancelled}"), None).await;
    assert_eq!(status, 404, "{answer}");
}

/// Returns the id of the demo provider of a new account.
async fn demo_provider(anna: &Client) -> String {
    let models = anna.get("/api/v2/models").await;
    let demo = models.as_array().unwrap().iter().find(|model| model["litellm_id"] == DEMO);
    let demo = demo.expect("a new account has the demo models");
    assert_eq!(demo["provider_key"], "demo");
    text(&demo["provider_id"])
}

/// Adds the local server and one of its discovered models.
async fn discover(anna: &Client, local: &Local) {
    let provider = anna.add_provider("local", &local.base_url).await;
    let offer = anna.get("/api/models/discover?provider_key=local").await;
    let offered = offer["models"].as_array().unwrap();
    assert!(offered.iter().any(|model| model["id"] == local.model), "{offer}");
    anna.add_model(&provider, local.model).await;
}

async fn start_both(anna: &Client, local: &Local) -> String {
    let targets = json!([
        { "provider_key": "demo", "model_id": DEMO },
        { "provider_key": "local", "model_id": local.model },
    ]);
    let request = json!({
        "targets": targets, "context_tiers": TIERS, "runs": RUNS, "max_tokens": 12, "temperature": 0,
        "warmup": true, "prompt": "Say hello.",
    });
    text(&anna.post("/api/benchmark", request).await["job_id"])
}

async fn start_endless(anna: &Client, demo: &str) -> String {
    anna.add_model(demo, ENDLESS).await;
    anna.start("demo", &[ENDLESS], 1).await
}

/// Asserts that both have received the same messages in the same order.
fn assert_same(first: &Socket, second: &Socket) {
    let both = first.received.iter().zip(&second.received);
    both.for_each(|(first, second)| assert_eq!(first, second));
}

/// Asserts that the history contains only this benchmark, with the summaries of all its runs.
fn assert_figures(history: &[Value], benchmark: &str) {
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!((&history[0]["id"], &history[0]["status"]), (&json!(benchmark), &json!("complete")));
    let results = history[0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2 * TIERS.len());
    for result in results {
        let counts = (&result["runs"], &result["success_count"]);
        assert_eq!(counts, (&json!(RUNS), &json!(RUNS)), "{result}");
        assert!(result["avg_ttft_ms"].as_f64().is_some_and(|ttft| ttft > 0.0), "{result}");
    }
}
