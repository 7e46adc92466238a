//! What measuring through the server costs: the same 64 streams from the terminal and as a job, with 20
//! tabs open, judged by the mock's log. The server and its tabs share a process, which is harder on it
//! than real tabs are. Run by `make bench`; alone with `make bench CASE=server`.

#[allow(dead_code, reason = "shared with the bench of the client")]
mod harness;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::ListenerExt;
use axum::{Router, routing::get};
use futures::StreamExt;
use futures::future::BoxFuture;
use harness::compare::ttft_errors;
use harness::processes::{Mock, STUDIO};
use http::header::AUTHORIZATION;
use llm_benchmark_studio::accounts::secret::Secret;
use llm_benchmark_studio::accounts::session::Proof;
use llm_benchmark_studio::accounts::{self, Role, Session, User, UserId, Vault};
use llm_benchmark_studio::benchmark::service::BenchmarkService;
use llm_benchmark_studio::benchmark::submission::BenchmarkRequest;
use llm_benchmark_studio::benchmark::types::{Report, Run};
use llm_benchmark_studio::database::{Database, Location};
use llm_benchmark_studio::jobs::{JobService, Peers, Settings};
use llm_benchmark_studio::live::relay::Relay;
use llm_benchmark_studio::live::{Hub, Live, StillSignedIn, socket};
use llm_benchmark_studio::providers::service::ProviderService;
use llm_benchmark_studio::providers::{Model, ModelRef, Provider, ProviderKind};
use llm_benchmark_studio::server;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const STREAMS: u16 = 64;
const RUNS: u32 = 16;
const MODEL: &str = "mock/ttft=50,ttft_max=250,gap=10,tokens=50";
/// The first user's benchmark is measured; the tabs of the others are only there.
const USERS: [&str; 4] = ["anna", "ben", "carla", "dora"];
const TABS_EACH: usize = 5;
/// Of each way, in turn, so that a drift of the machine is in both.
const ROUNDS: usize = 2;
const PROMISE_MS: f64 = 0.2;

type Tab = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn main() -> anyhow::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if !"server".contains(&wanted) {
        return Ok(());
    }
    eprintln!("server: {STREAMS} streams, {RUNS} runs each, from the terminal and as a job with 20 tabs");
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("truth.jsonl");
    let mut mock = Mock::start("0.0.0.0", &log, false)?;
    let (served, clients) = (runtime()?, runtime()?);
    let studio = served.block_on(Studio::start(directory.path(), mock.port))?;
    let (mut by_terminal, mut by_server) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        by_terminal.extend(in_the_terminal(directory.path(), mock.port)?);
        let tabs = clients.block_on(open_tabs(studio.address))?;
        let end = clients.spawn(until_the_end(tabs));
        let id = served.block_on(studio.submit())?;
        clients.block_on(end)??;
        by_server.extend(served.block_on(studio.runs(&id))?);
    }
    mock.stop()?;
    report(&log, &by_terminal, &by_server)
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// One address for each stream: each is a group of its own.
fn base_urls(port: u16) -> impl Iterator<Item = (String, String)> {
    (1..=STREAMS).map(move |n| (format!("p{n}"), format!("http://127.0.0.{n}:{port}/v1")))
}

fn in_the_terminal(directory: &Path, port: u16) -> anyhow::Result<Vec<Run>> {
    let entry = |url: String| json!({ "kind": "custom", "base_url": url, "models": [MODEL] });
    let providers: serde_json::Map<_, _> = base_urls(port).map(|(key, url)| (key, entry(url))).collect();
    let (config, output) = (directory.join("config.yaml"), directory.join("report.json"));
    // JSON is YAML.
    std::fs::write(&config, json!({ "providers": providers }).to_string())?;
    let status = Command::new(STUDIO)
        .args(["bench", "--no-save", "--no-warmup", "--format", "json", "--max-tokens", "1000"])
        .args(["--runs", &RUNS.to_string(), "--config"])
        .arg(&config)
        .arg("--output")
        .arg(&output)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "the terminal's benchmark ended with {status}");
    let report: Report = serde_json::from_slice(&std::fs::read(output)?)?;
    Ok(report.results.into_iter().flat_map(|row| row.runs).collect())
}

/// The server's parts that a benchmark and its tabs need.
struct Studio {
    benchmarks: BenchmarkService,
    address: SocketAddr,
}

impl Studio {
    async fn start(directory: &Path, mock_port: u16) -> anyhow::Result<Self> {
        let database = Database::open(Location::Sqlite(directory.to_owned())).await?;
        let secret = Secret::new(&"a secret that is long enough for a bench".to_owned().into())?;
        let providers = ProviderService::new(database.clone(), Vault::new(&secret));
        for name in USERS {
            add_user(&database, name).await?;
        }
        for (key, url) in base_urls(mock_port) {
            let provider = Provider { key, ..Provider::of_kind(ProviderKind::Custom, url) };
            providers.put(&UserId::new(USERS[0]), &provider, &[Model::named(MODEL)]).await?;
        }
        // Off otherwise, since there are several users.
        accounts::Settings::new(database.clone()).set_local_networks(Some(true)).await?;
        let hub = Hub::default();
        let jobs = JobService::new(database.clone(), Relay::local(hub.clone()), Settings::new(Peers::Nobody));
        let benchmarks = BenchmarkService::new(database, providers, jobs.clone());
        jobs.start();
        let live =
            Live::new(hub, Arc::new(jobs), Arc::new(Quiet)).with_snapshot(Arc::new(benchmarks.under_way()));
        Ok(Self { benchmarks, address: serve(live).await? })
    }

    async fn submit(&self) -> anyhow::Result<String> {
        let model = |n| ModelRef { provider_key: format!("p{n}"), model_id: MODEL.into() };
        let request = BenchmarkRequest {
            targets: (1..=STREAMS).map(model).collect(),
            runs: RUNS,
            max_tokens: 1000,
            warmup: false,
            ..BenchmarkRequest::default()
        };
        Ok(self.benchmarks.submit(&UserId::new(USERS[0]), &request).await?.id)
    }

    async fn runs(&self, id: &str) -> anyhow::Result<Vec<Run>> {
        let view = self.benchmarks.view(&UserId::new(USERS[0]), id).await?;
        Ok(view.rows.into_iter().flat_map(|row| row.runs).collect())
    }
}

async fn add_user(database: &Database, name: &str) -> anyhow::Result<()> {
    sqlx::query(
        "insert into users (id, email, password_hash, role, created_at) values ($1, $2, '', 'user', 0)",
    )
    .bind(name)
    .bind(name)
    .execute(database.pool())
    .await?;
    Ok(())
}

/// Nobody signs out here.
struct Quiet;

impl StillSignedIn for Quiet {
    fn still_signed_in<'a>(&'a self, _: &'a Session) -> BoxFuture<'a, anyhow::Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

async fn serve(live: Live) -> anyhow::Result<SocketAddr> {
    let app =
        Router::new().route("/ws", get(socket::open)).layer(middleware::from_fn(sign_in)).with_state(live);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener.tap_io(server::without_delay), app).into_future());
    Ok(address)
}

/// The name of the user is proof enough here.
async fn sign_in(mut request: Request, next: Next) -> Response {
    let name = request.headers().get(AUTHORIZATION).and_then(|name| name.to_str().ok()).unwrap_or_default();
    let (id, email) = (UserId::new(name), name.to_owned());
    let user = User { id, email, role: Role::User, onboarding_completed: true };
    request.extensions_mut().insert(Session { user, id: "session".into(), proof: Proof::Bearer });
    next.run(request).await
}

async fn open_tabs(address: SocketAddr) -> anyhow::Result<Vec<Tab>> {
    let mut tabs = Vec::with_capacity(USERS.len() * TABS_EACH);
    for user in USERS.into_iter().flat_map(|user| [user; TABS_EACH]) {
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        request.headers_mut().insert(AUTHORIZATION, user.parse()?);
        tabs.push(connect_async(request).await?.0);
    }
    Ok(tabs)
}

/// Reads all tabs until the first has heard that the job is done; closes them then.
async fn until_the_end(tabs: Vec<Tab>) -> anyhow::Result<()> {
    let mut frames = futures::stream::select_all(tabs);
    loop {
        let message = frames.next().await.context("all tabs were closed")??;
        let Ok(frame) = serde_json::from_slice::<Value>(&message.into_data()) else { continue };
        ensure!(frame["type"] != "job_failed", "{frame}");
        if frame["type"] == "job_completed" {
            return Ok(());
        }
    }
}

fn report(log: &Path, by_terminal: &[Run], by_server: &[Run]) -> anyhow::Result<()> {
    let runs = usize::from(STREAMS) * RUNS as usize * ROUNDS;
    ensure!(by_terminal.len() == runs && by_server.len() == runs, "runs are missing");
    let errors = ttft_errors(log, &[by_terminal, by_server])?;
    let [terminal, server] = &errors[..] else { anyhow::bail!("there are two ways") };
    println!(
        "TTFT error over {runs} runs each: terminal {:.3} ms (p99 {:.3}), server {:.3} ms (p99 {:.3})",
        terminal.mean, terminal.p99, server.mean, server.p99
    );
    let added = server.mean - terminal.mean;
    ensure!(
        added <= PROMISE_MS,
        "the promise is missed: the server adds {added:.3} ms, over {PROMISE_MS} ms"
    );
    println!("promise kept: the server adds {added:.3} ms, within {PROMISE_MS} ms");
    Ok(())
}
