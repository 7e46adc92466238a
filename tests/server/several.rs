//! Tests of several servers on one PostgreSQL database: events, cancel requests, connection limits and taking
//! over jobs of crashed processes.

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use uuid::Uuid;

use super::client::Client;
use super::mock::Mock;
use super::process::Installation;
use super::restart::{self, ALL_REQUESTS, assert_each_made_once};
use super::runs::{history, runs_in_history};
use super::socket::{self, Socket};

/// A scenario without a response during the test.
const ENDLESS: &str = "mock/ttft=600000";

/// Creates an installation on an empty schema of the server `TEST_DATABASE_URL`; `None` if that is not set.
pub(super) async fn on_postgres() -> Option<Installation> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    install_default_drivers();
    let schema = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = AnyConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("create schema {schema}"))).await.unwrap();
    connection.close().await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    Some(Installation::new().with("DATABASE_URL", url))
}

#[tokio::test]
async fn events_and_cancel_requests_are_sent_between_processes() {
    let Some(installation) = on_postgres().await else { return };
    let mock = Mock::start();
    // The first process runs the job: it is the only one so far.
    let first_process = installation.start();
    let anna = Client::register(&first_process, "anna").await;
    let mut here = Socket::open(&anna).await;
    let provider = anna.add_provider("endless", &mock.base_url).await;
    anna.add_model(&provider, ENDLESS).await;
    let endless = anna.start("endless", &[ENDLESS], 1).await;
    here.wait_for("benchmark_progress", &endless).await;

    let other = installation.start();
    let mut there = Socket::open(&anna.at(&other)).await;
    assert!(there.lists_active(&endless), "{}", there.sync);
    there.cancel(&endless).await;
    there.wait_for("job_cancelled", &endless).await;
    here.wait_for("job_cancelled", &endless).await;
    assert!(history(&anna.at(&other)).await.is_empty());

    // Only one of the processes runs this job, and tabs of both receive every run.
    let benchmark = restart::start(&anna.at(&other), &mock).await;
    for socket in [&mut here, &mut there] {
        socket.wait_for("job_completed", &benchmark).await;
    }
    let stored = runs_in_history(&anna, &benchmark).await;
    assert_eq!((here.runs(), there.runs().len()), (there.runs(), stored.len()));
    let requests = mock.requests();
    let completed = requests.iter().filter(|request| request.completed).count();
    assert_eq!((requests.len(), completed), (ALL_REQUESTS + 1, ALL_REQUESTS), "{requests:?}");
}

#[tokio::test]
async fn the_tab_limit_is_shared_by_all_processes_and_excludes_crashed_ones() {
    let Some(installation) = on_postgres().await else { return };
    let (here, there) = (installation.start(), installation.start());
    let anna = Client::register(&here, "anna").await;
    let at_other = anna.at(&there);
    let mut tabs = Vec::new();
    for client in [&anna, &anna, &anna, &at_other, &at_other] {
        tabs.push(Socket::open(client).await);
    }
    for client in [&anna, &at_other] {
        assert_eq!(socket::refusal(client).await, Some(4008));
    }
    here.kill();
    for _ in 0..3 {
        tabs.push(Socket::open(&at_other).await);
    }
    assert_eq!(socket::refusal(&at_other).await, Some(4008));
}

#[tokio::test]
async fn the_job_of_a_killed_process_is_taken_over() {
    let Some(installation) = on_postgres().await else { return };
    let mock = Mock::start();
    let killed = installation.start();
    let anna = Client::register(&killed, "anna").await;
    let mut first = Socket::open(&anna).await;
    let benchmark = restart::start(&anna, &mock).await;
    first.wait_for_runs(2, &benchmark).await;
    mock.suspend();

    let survivor = installation.start();
    let anna = anna.at(&survivor);
    let mut tab = Socket::open(&anna).await;
    assert!(tab.lists_active(&benchmark), "{}", tab.sync);
    tab.wait_for_each(&first.runs(), &benchmark).await;
    mock.resume();
    // The first new run may have been finished before; the other process makes the second one.
    tab.wait_for_runs(first.runs().len() + 2, &benchmark).await;
    mock.suspend();
    killed.kill();
    mock.resume();
    tab.wait_for("job_completed", &benchmark).await;

    let stored = runs_in_history(&anna, &benchmark).await;
    assert_each_made_once(&stored, &tab.runs(), mock);
}
