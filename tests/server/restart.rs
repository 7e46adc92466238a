//! A server that is killed in the middle of a benchmark goes on with it.

use tokio::net::TcpStream;

use super::client::Client;
use super::mock::Mock;
use super::process::Installation;
use super::runs::{Run, runs_in_history};
use super::socket::Socket;

const MODELS: [&str; 2] = ["mock/ttft=50,gap=1,tokens=4", "mock/ttft=60,gap=1,tokens=4"];
pub(super) const RUNS: u32 = 5;
/// With one warm-up each.
pub(super) const ALL_REQUESTS: usize = MODELS.len() * (1 + RUNS as usize);

/// Starts a benchmark of one provider, whose runs come one after the other.
pub(super) async fn start(client: &Client, mock: &Mock) -> String {
    let provider = client.add_provider("local", &mock.base_url).await;
    for model in MODELS {
        client.add_model(&provider, model).await;
    }
    client.start("local", &MODELS, RUNS).await
}

#[tokio::test]
async fn a_killed_server_goes_on_with_the_missing_runs() {
    let mock = Mock::start();
    let installation = Installation::new();
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let mut socket = Socket::open(&anna).await;
    let benchmark = start(&anna, &mock).await;
    socket.wait_for_runs(3, &benchmark).await;
    mock.hold();
    server.kill();

    let server = installation.start();
    let anna = anna.at(&server);
    let mut again = Socket::open(&anna).await;
    assert!(again.found_active(&benchmark), "{}", again.sync);
    again.wait_for_each(&socket.runs(), &benchmark).await;
    mock.go_on();
    again.wait_for("job_completed", &benchmark).await;

    let kept = runs_in_history(&anna, &benchmark).await;
    assert_each_made_once(&kept, &socket.runs(), mock);
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_lets_the_run_under_way_end() {
    let mock = Mock::start();
    let installation = Installation::new();
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let mut socket = Socket::open(&anna).await;
    let benchmark = start(&anna, &mock).await;
    socket.wait_for_runs(2, &benchmark).await;
    mock.hold();
    server.ask_to_end();
    while TcpStream::connect(&anna.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    mock.go_on();
    assert!(server.ended().await);

    let server = installation.start();
    let anna = anna.at(&server);
    let mut again = Socket::open(&anna).await;
    again.wait_for_each(&socket.runs(), &benchmark).await;
    again.wait_for("job_completed", &benchmark).await;
    let kept = runs_in_history(&anna, &benchmark).await;
    let requests = mock.requests();
    assert!(requests.iter().all(|request| request.completed), "{requests:?}");
    // Another warm-up at most.
    assert!((ALL_REQUESTS..=ALL_REQUESTS + 1).contains(&requests.len()), "{requests:?}");
    assert_eq!(kept.len(), MODELS.len() * RUNS as usize);
}

/// All runs are there, those that a tab had received before among them, and of all requests only the one
/// under way when its server was killed was made again, after another warm-up.
#[track_caller]
pub(super) fn assert_each_made_once(kept: &[Run], received: &[Run], mock: Mock) {
    let numbers: Vec<(&str, u64)> = kept.iter().map(|run| (&*run.model_id, run.number)).collect();
    let all: Vec<(&str, u64)> =
        MODELS.into_iter().flat_map(|model| (1..=RUNS.into()).map(move |number| (model, number))).collect();
    assert_eq!(numbers, all);
    assert!(received.iter().all(|run| kept.contains(run)), "{received:?}\nis not all among\n{kept:?}");
    let requests = mock.requests();
    assert!((ALL_REQUESTS..=ALL_REQUESTS + 2).contains(&requests.len()), "{requests:?}");
    for run in kept {
        let made = requests.iter().filter(|request| request.response_id == run.response_id);
        assert_eq!(made.filter(|request| request.completed).count(), 1, "{run:?} among {requests:?}");
    }
}
