//! Tests of resuming a benchmark after its server was killed or stopped.

use tokio::net::TcpStream;

use super::client::Client;
use super::mock::Mock;
use super::process::Installation;
use super::runs::{Run, runs_in_history};
use super::socket::Socket;

const MODELS: [&str; 2] = ["mock/ttft=50,gap=1,tokens=4", "mock/ttft=60,gap=1,tokens=4"];
pub(super) const RUNS: u32 = 5;
/// Number of requests, including one warm-up for each model.
pub(super) const ALL_REQUESTS: usize = MODELS.len() * (1 + RUNS as usize);

/// Starts a benchmark of one provider, so that its runs are sequential.
pub(super) async fn start(client: &Client, mock: &Mock) -> String {
    let provider = client.add_provider("local", &mock.base_url).await;
    for model in MODELS {
        client.add_model(&provider, model).await;
    }
    client.start("local", &MODELS, RUNS).await
}

#[tokio::test]
async fn a_restarted_server_resumes_with_the_missing_runs() {
    let mock = Mock::start();
    let installation = Installation::new();
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let mut socket = Socket::open(&anna).await;
    let benchmark = start(&anna, &mock).await;
    socket.wait_for_runs(3, &benchmark).await;
    mock.suspend();
    server.kill();

    let server = installation.start();
    let anna = anna.at(&server);
    let mut again = Socket::open(&anna).await;
    assert!(again.lists_active(&benchmark), "{}", again.sync);
    again.wait_for_each(&socket.runs(), &benchmark).await;
    mock.resume();
    again.wait_for("job_completed", &benchmark).await;

    let stored = runs_in_history(&anna, &benchmark).await;
    assert_each_made_once(&stored, &socket.runs(), mock);
}

#[tokio::test]
async fn a_terminated_server_finishes_the_current_run() {
    let mock = Mock::start();
    let installation = Installation::new();
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let mut socket = Socket::open(&anna).await;
    let benchmark = start(&anna, &mock).await;
    socket.wait_for_runs(2, &benchmark).await;
    mock.suspend();
    server.terminate();
    while TcpStream::connect(&anna.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    mock.resume();
    assert!(server.exits_successfully().await);

    let server = installation.start();
    let anna = anna.at(&server);
    let mut again = Socket::open(&anna).await;
    again.wait_for_each(&socket.runs(), &benchmark).await;
    again.wait_for("job_completed", &benchmark).await;
    let stored = runs_in_history(&anna, &benchmark).await;
    let requests = mock.requests();
    assert!(requests.iter().all(|request| request.completed), "{requests:?}");
    // At most one additional warm-up.
    assert!((ALL_REQUESTS..=ALL_REQUESTS + 1).contains(&requests.len()), "{requests:?}");
    assert_eq!(stored.len(), MODELS.len() * RUNS as usize);
}

/// Asserts that all runs are stored, including those that a tab has received, and that only the request in
/// flight during the kill was repeated, after another warm-up.
#[track_caller]
pub(super) fn assert_each_made_once(stored: &[Run], received: &[Run], mock: Mock) {
    let numbers: Vec<(&str, u64)> = stored.iter().map(|run| (&*run.model_id, run.number)).collect();
    let all: Vec<(&str, u64)> =
        MODELS.into_iter().flat_map(|model| (1..=RUNS.into()).map(move |number| (model, number))).collect();
    assert_eq!(numbers, all);
    assert!(received.iter().all(|run| stored.contains(run)), "{received:?}\nare not all in\n{stored:?}");
    let requests = mock.requests();
    assert!((ALL_REQUESTS..=ALL_REQUESTS + 2).contains(&requests.len()), "{requests:?}");
    for run in stored {
        let made = requests.iter().filter(|request| request.response_id == run.response_id);
        assert_eq!(made.filter(|request| request.completed).count(), 1, "{run:?} among {requests:?}");
    }
}
