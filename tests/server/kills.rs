//! Tests of benchmarks of several users on servers that are killed at random times.

use std::time::Duration;

use llm_benchmark_studio::accounts::UserId;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::client::Client;
use super::mock::Mock;
use super::process::{Installation, Server};
use super::random::Random;
use super::several::on_postgres;
use super::whole::{assert_complete, wait_until_done};

const MODELS: [&str; 2] = ["mock/ttft=30,gap=2,tokens=6", "mock/ttft=40,gap=2,tokens=6"];
const RUNS: u32 = 8;
/// A scenario without a response during the test.
const ENDLESS: &str = "mock/ttft=600000";

/// Returns the number of kills: `STUDIO_TEST_KILLS`, by default 8.
fn kills() -> usize {
    std::env::var("STUDIO_TEST_KILLS").map_or(8, |kills| kills.parse().unwrap())
}

/// Three users, each with a provider, and the benchmarks that they started.
struct Team {
    members: Vec<(UserId, Client)>,
    benchmarks: Vec<(usize, String)>,
}

impl Team {
    /// Registers the users. The limit of concurrent jobs is high, so that jobs of a killed process, which
    /// wait for the end of its lease, do not block others.
    async fn register(server: &Server, mock: &Mock) -> Self {
        let mut members = Vec::new();
        for name in ["anna", "ben", "carl"] {
            let client = Client::register(server, name).await;
            members.push((client.user_id().await, client));
        }
        let admin = &members[0].1;
        admin.put("/api/admin/settings", json!({ "registration": "open", "local_networks": true })).await;
        for (user, client) in &members {
            let limit =
                json!({ "benchmarks_per_hour": 2000, "max_concurrent": 50, "max_runs_per_benchmark": 20 });
            admin.put(&format!("/api/admin/users/{user}/rate-limit"), limit).await;
            let provider = client.add_provider("local", &mock.base_url).await;
            for model in MODELS {
                client.add_model(&provider, model).await;
            }
        }
        Self { members, benchmarks: Vec::new() }
    }

    /// Starts a benchmark of the next user, in turn.
    async fn start_one(&mut self, server: &Server) {
        let member = self.benchmarks.len() % self.members.len();
        let client = self.members[member].1.at(server);
        self.benchmarks.push((member, client.start("local", &MODELS, RUNS).await));
    }

    async fn wait_until_all_are_done(&self, server: &Server) {
        for (member, id) in &self.benchmarks {
            wait_until_done(&self.members[*member].1.at(server), id).await;
        }
    }

    async fn assert_complete(&self, installation: &Installation) {
        let of = |(member, id): &(usize, String)| (self.members[*member].0.clone(), id.clone());
        let benchmarks: Vec<_> = self.benchmarks.iter().map(of).collect();
        assert_complete(installation.database(), &benchmarks, MODELS.len(), RUNS.into()).await;
        eprintln!("{} benchmarks are complete", benchmarks.len());
    }
}

#[tokio::test]
async fn benchmarks_complete_although_the_server_is_killed_at_random_times() {
    let (mock, mut random) = (Mock::start(), Random::new());
    let installation = Installation::new().with("STUDIO_CONCURRENT_BENCHMARKS", "3");
    let mut server = installation.start();
    let mut team = Team::register(&server, &mock).await;
    for _ in 0..3 {
        team.start_one(&server).await;
    }
    for _ in 0..kills() {
        sleep(random.millis(300, 2500)).await;
        server.kill();
        if random.below(5) == 0 {
            installation.start_and_kill(random.millis(0, 300)).await;
        }
        server = installation.start();
        team.start_one(&server).await;
    }
    team.wait_until_all_are_done(&server).await;
    server.kill();
    team.assert_complete(&installation).await;
}

#[tokio::test]
async fn benchmarks_complete_although_one_of_two_servers_is_killed_at_random_times() {
    let Some(installation) = on_postgres().await else { return };
    let installation = installation.with("STUDIO_CONCURRENT_BENCHMARKS", "3");
    let (mock, mut random) = (Mock::start(), Random::new());
    let mut servers = [Some(installation.start()), Some(installation.start())];
    let mut team = Team::register(servers[0].as_ref().unwrap(), &mock).await;
    for _ in 0..3 {
        team.start_one(servers[0].as_ref().unwrap()).await;
    }
    for _ in 0..kills() {
        sleep(random.millis(300, 2500)).await;
        let (killed, other) = if random.below(2) == 0 { (0, 1) } else { (1, 0) };
        servers[killed] = None;
        team.start_one(servers[other].as_ref().unwrap()).await;
        servers[killed] = Some(installation.start());
    }
    team.wait_until_all_are_done(servers[0].as_ref().unwrap()).await;
    team.assert_complete(&installation).await;
}

/// Returns the job in any state.
async fn job(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/jobs/{id}")).await
}

#[tokio::test]
async fn a_benchmark_fails_after_repeated_crashes_of_its_server() {
    let (mock, installation) = (Mock::start(), Installation::new());
    let mut server = installation.start();
    let mut anna = Client::register(&server, "anna").await;
    let provider = anna.add_provider("endless", &mock.base_url).await;
    anna.add_model(&provider, ENDLESS).await;
    let id = anna.start("endless", &[ENDLESS], 1).await;
    let mut kills = 0;
    while job(&anna, &id).await["status"] != "failed" {
        // Killing a server before it has claimed the job does not count as a crash of the job.
        if job(&anna, &id).await["status"] == "running" {
            kills += 1;
            server.kill();
            server = installation.start();
            anna = anna.at(&server);
        }
        assert!(kills < 50, "the job is retried without limit");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(kills >= 5, "the job failed after {kills} kills");
    let expected = "The server ended 5 times while this job ran; it was not tried again.";
    assert_eq!(job(&anna, &id).await["error"], expected);
    let detail = anna.get(&format!("/api/history/{id}")).await;
    assert_eq!((&detail["status"], &detail["error"]), (&json!("failed"), &json!(expected)));
    assert_eq!(super::runs::history(&anna).await[0]["status"], "failed");
}
