//! Latency of a result from the broadcaster's `send`, including serialisation, to its message at the client:
//! 40 users with 5 tabs each, over loopback sockets. Server and clients share the machine's cores, so the
//! figures are higher than with separate machines. Run by `make bench`; alone with `make bench CASE=live`.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a bench prints its figures")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::ListenerExt;
use axum::{Router, routing::get};
use futures::future::BoxFuture;
use futures::{StreamExt, future};
use hdrhistogram::Histogram;
use http::header::AUTHORIZATION;
use llm_benchmark_studio::accounts::SessionCheck;
use llm_benchmark_studio::accounts::session::Proof;
use llm_benchmark_studio::accounts::{Role, Session, User, UserId};
use llm_benchmark_studio::http::AppError;
use llm_benchmark_studio::live::{Broadcaster, CancelJob, Hub, Live, socket};
use llm_benchmark_studio::messages::ServerMessage;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const USERS: usize = 40;
const TABS_EACH: usize = 5;
const RESULTS: usize = 100;
/// Interval of the results, the same as that of progress events.
const PAUSE: Duration = Duration::from_millis(100);
/// Approximate size of a run's message.
const MESSAGE_BYTES: usize = 4096;
const PROMISE: Duration = Duration::from_millis(50);

type Subscription = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn main() -> anyhow::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if !"live".contains(&wanted) {
        return Ok(());
    }
    eprintln!("live: {RESULTS} results to each of {USERS} users x {TABS_EACH} tabs, {MESSAGE_BYTES} bytes");
    let (server, clients) = (runtime()?, runtime()?);
    let hub = Hub::default();
    let address = server.block_on(serve(hub.clone()))?;
    let tabs = clients.block_on(open_tabs(address))?;
    // The hub counts a tab before the server responds to its upgrade request.
    ensure!(hub.connections() == tabs.len(), "{} of {} tabs are open", hub.connections(), tabs.len());
    let receivers: Vec<_> = tabs.into_iter().map(|tab| clients.spawn(receive(tab))).collect();
    let sent = server.block_on(send_results(&hub));
    let arrivals = clients.block_on(future::try_join_all(receivers))?;
    report(&sent, &arrivals.into_iter().collect::<anyhow::Result<Vec<_>>>()?)
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Accepts all cancel requests without effect and all sessions as valid.
struct NoOp;

impl CancelJob for NoOp {
    fn cancel<'a>(&'a self, _: &'a UserId, _: &'a str) -> BoxFuture<'a, Result<(), AppError>> {
        Box::pin(async { Ok(()) })
    }
}

impl SessionCheck for NoOp {
    fn session_of_token<'a>(&'a self, _: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>> {
        Box::pin(async { Ok(None) })
    }

    fn session_of_ticket<'a>(&'a self, _: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>> {
        Box::pin(async { Ok(None) })
    }

    fn still_signed_in<'a>(&'a self, _: &'a Session) -> BoxFuture<'a, anyhow::Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

async fn serve(hub: Hub) -> anyhow::Result<SocketAddr> {
    let live = Live::new(hub, Arc::new(NoOp), Arc::new(NoOp));
    let app =
        Router::new().route("/ws", get(socket::open)).layer(middleware::from_fn(sign_in)).with_state(live);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), app).into_future());
    Ok(address)
}

/// Middleware that accepts the name of the user as credential.
async fn sign_in(mut request: Request, next: Next) -> Response {
    let name = request.headers().get(AUTHORIZATION).and_then(|name| name.to_str().ok()).unwrap_or_default();
    let user = User {
        id: UserId::new(name),
        email: format!("{name}@example.org"),
        role: Role::User,
        onboarding_completed: true,
    };
    request.extensions_mut().insert(Session { user, id: "session".into(), proof: Proof::Bearer });
    next.run(request).await
}

async fn open_tabs(address: SocketAddr) -> anyhow::Result<Vec<Subscription>> {
    let users = (0..USERS).flat_map(|user| [user; TABS_EACH]);
    future::try_join_all(users.map(|user| open_tab(address, user))).await
}

async fn open_tab(address: SocketAddr, user: usize) -> anyhow::Result<Subscription> {
    let mut request = format!("ws://{address}/ws").into_client_request()?;
    request.headers_mut().insert(AUTHORIZATION, user_id(user).as_str().parse()?);
    Ok(connect_async(request).await?.0)
}

fn user_id(user: usize) -> UserId {
    UserId::new(format!("user-{user}"))
}

/// Returns the arrival times of all results, in order.
async fn receive(mut tab: Subscription) -> anyhow::Result<Vec<Instant>> {
    let mut arrivals = Vec::with_capacity(RESULTS);
    while arrivals.len() < RESULTS {
        let message = tab.next().await.context("a tab was closed")??;
        if message.is_text() {
            arrivals.push(Instant::now());
        }
    }
    Ok(arrivals)
}

/// Sends every result to all users and returns the start time of each.
async fn send_results(hub: &Hub) -> Vec<Instant> {
    let result = ServerMessage::JobProgress {
        job_id: "a-job".into(),
        progress_pct: 50.0,
        progress_detail: "x".repeat(MESSAGE_BYTES),
    };
    let broadcaster = Broadcaster::local(hub.clone());
    let users: Vec<UserId> = (0..USERS).map(user_id).collect();
    let mut pause = tokio::time::interval(PAUSE);
    let mut sent = Vec::with_capacity(RESULTS);
    for _ in 0..RESULTS {
        pause.tick().await;
        sent.push(Instant::now());
        for user in &users {
            broadcaster.send(user, &result);
        }
    }
    sent
}

fn report(sent: &[Instant], arrivals: &[Vec<Instant>]) -> anyhow::Result<()> {
    let mut histogram = Histogram::<u64>::new(3)?;
    for tab in arrivals {
        for (sent, arrived) in sent.iter().zip(tab) {
            histogram.record(u64::try_from((*arrived - *sent).as_micros())?)?;
        }
    }
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    let promise_ms = PROMISE.as_secs_f64() * 1000.0;
    println!(
        "result to tab over {} arrivals at {} tabs: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms",
        histogram.len(),
        arrivals.len(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
    ensure!(at(0.99) <= promise_ms, "the promise is missed: p99 is over {promise_ms} ms");
    println!("promise kept: p99 within {promise_ms} ms");
    Ok(())
}
