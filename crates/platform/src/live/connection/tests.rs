//! Tests the WebSocket over TCP with an independent client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Router, routing::get};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{SinkExt, StreamExt};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{FRAMES_AT_ONCE, LONGEST_MESSAGE};
use crate::accounts::SessionCheck;
use crate::accounts::session::Proof;
use crate::accounts::{Role, Session, User, UserId};
use crate::http::AppError;
use crate::live::socket::{self, Live, Pace};
use crate::live::{CancelJob, Hub, InitialState, MessageText};
use crate::messages::ServerMessage;

/// The other modules, as simple as can be.
#[derive(Default)]
struct OtherModules {
    hub: Hub,
    signed_out: AtomicBool,
    broken: AtomicBool,
}

impl InitialState for OtherModules {
    fn messages(&self, user: &UserId) -> BoxStream<'static, anyhow::Result<ServerMessage>> {
        // Sent while the state is read: the tab receives it after the state.
        self.hub.send(user, &numbered(0));
        let broken = self.broken.load(Ordering::Relaxed);
        if broken {
            return stream::once(async { Err(anyhow::anyhow!("the database is away")) }).boxed();
        }
        let started = ServerMessage::JobStarted { job_id: "job-1".into(), job_type: "test".into() };
        stream::iter([Ok(sync()), Ok(started)]).boxed()
    }
}

impl CancelJob for OtherModules {
    fn cancel<'a>(&'a self, user: &'a UserId, job_id: &'a str) -> BoxFuture<'a, Result<(), AppError>> {
        Box::pin(async move {
            if job_id != "job-1" {
                return Err(AppError::NotFound("You have no such job.".into()));
            }
            let cancelled = ServerMessage::JobCancelled { job_id: job_id.into() };
            self.hub.send(user, &MessageText::of(&cancelled).unwrap());
            Ok(())
        })
    }
}

impl SessionCheck for OtherModules {
    fn session_of_token<'a>(&'a self, token: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>> {
        Box::pin(async move { Ok(token.strip_prefix("token-").map(|name| session_for(name, Proof::Bearer))) })
    }

    fn session_of_ticket<'a>(&'a self, ticket: &'a str) -> BoxFuture<'a, anyhow::Result<Option<Session>>> {
        Box::pin(
            async move { Ok(ticket.strip_prefix("ticket-").map(|name| session_for(name, Proof::Bearer))) },
        )
    }

    fn still_signed_in<'a>(&'a self, _: &'a Session) -> BoxFuture<'a, anyhow::Result<bool>> {
        Box::pin(async { Ok(!self.signed_out.load(Ordering::Relaxed)) })
    }
}

fn sync() -> ServerMessage {
    ServerMessage::Sync { active_jobs: Vec::new(), recent_jobs: Vec::new() }
}

fn numbered(number: usize) -> MessageText {
    long(number, 0)
}

/// A message of at least `length` bytes.
fn long(number: usize, length: usize) -> MessageText {
    let message = ServerMessage::JobProgress {
        job_id: "job-1".into(),
        progress_pct: number as f64,
        progress_detail: "x".repeat(length),
    };
    MessageText::of(&message).unwrap()
}

fn number_in(message: &Value) -> usize {
    message["progress_pct"].as_f64().unwrap() as usize
}

/// A server with nothing but the socket.
struct Server {
    address: SocketAddr,
    modules: Arc<OtherModules>,
}

async fn serve(pace: Pace) -> Server {
    let modules = Arc::new(OtherModules::default());
    serve_state(pace, modules.clone(), modules).await
}

async fn serve_state(pace: Pace, modules: Arc<OtherModules>, state: Arc<dyn InitialState>) -> Server {
    let live = Live::new(modules.hub.clone(), modules.clone(), modules.clone())
        .with_initial_state(state)
        .with_pace(pace);
    let app =
        Router::new().route("/ws", get(socket::open)).layer(middleware::from_fn(sign_in)).with_state(live);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Server { address, modules }
}

/// Accepts the name of the user as proof.
async fn sign_in(mut request: Request, next: Next) -> Response {
    if let Some(session) = session_of(request.headers()) {
        request.extensions_mut().insert(session);
    }
    next.run(request).await
}

fn session_of(headers: &HeaderMap) -> Option<Session> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let cookie = text(COOKIE).and_then(|value| value.strip_prefix("user="));
    let proof = if bearer.is_some() { Proof::Bearer } else { Proof::Cookie };
    Some(session_for(bearer.or(cookie)?, proof))
}

fn session_for(name: &str, proof: Proof) -> Session {
    let (id, email) = (UserId::new(name), format!("{name}@example.org"));
    let user = User { id, email, role: Role::User, onboarding_completed: true };
    Session { user, id: "session".into(), proof }
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Server {
    /// Opens a socket with these headers.
    async fn ask(&self, path: &str, headers: &[(http::HeaderName, &str)]) -> Result<Client, Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Ok(connect_async(request).await?.0)
    }

    async fn tab_of(&self, user: &str) -> Client {
        self.ask("/ws", &[(AUTHORIZATION, &format!("Bearer {user}"))]).await.unwrap()
    }

    /// A tab that has read its state.
    async fn settled_tab_of(&self, user: &str) -> Client {
        let mut tab = self.tab_of(user).await;
        while next_message(&mut tab).await["type"] != "job_progress" {}
        tab
    }
}

/// The next message, as JSON.
async fn next_message(tab: &mut Client) -> Value {
    loop {
        match tab.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("expected a frame, got {other:?}"),
        }
    }
}

async fn send_text(tab: &mut Client, text: &str) {
    tab.send(Message::text(text)).await.unwrap();
}

/// The code with which the server closes, and how many frames came before.
async fn closed(tab: &mut Client) -> (u16, usize) {
    let mut frames = 0;
    loop {
        match tab.next().await.unwrap().unwrap() {
            Message::Close(close) => {
                let close = close.unwrap();
                assert!(!close.reason.is_empty());
                return (close.code.into(), frames);
            }
            Message::Text(_) => frames += 1,
            _ => {}
        }
    }
}

fn quick() -> Duration {
    Duration::from_millis(20)
}

#[tokio::test]
async fn the_initial_state_comes_first_and_no_event_is_lost() {
    let server = serve(Pace::default()).await;
    let mut tab = server.tab_of("anna").await;
    let names = [next_message(&mut tab).await, next_message(&mut tab).await];
    assert_eq!(names.map(|message| message["type"].clone()), ["sync", "job_started"]);
    assert_eq!(number_in(&next_message(&mut tab).await), 0);
    for number in 1..100 {
        server.modules.hub.send(&UserId::new("anna"), &numbered(number));
    }
    for number in 1..100 {
        assert_eq!(number_in(&next_message(&mut tab).await), number);
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_loaded_closes_the_socket() {
    let server = serve(Pace::default()).await;
    server.modules.broken.store(true, Ordering::Relaxed);
    assert_eq!(closed(&mut server.tab_of("anna").await).await, (1011, 0));
}

/// A state of this many messages; while each is read an event happens.
const LONG: usize = 4_000;

/// Sends events while it is read, and remembers how many of them waited at most.
struct LongState {
    hub: Hub,
    most_queued: Arc<AtomicUsize>,
}

impl InitialState for LongState {
    fn messages(&self, user: &UserId) -> BoxStream<'static, anyhow::Result<ServerMessage>> {
        let (hub, user, most_queued) = (self.hub.clone(), user.clone(), Arc::clone(&self.most_queued));
        let next = move |number: usize| {
            let event = match number {
                7 => MessageText::of(&ServerMessage::JobCancelled { job_id: "job-1".into() }).unwrap(),
                _ => numbered(number),
            };
            hub.send(&user, &event);
            most_queued.fetch_max(hub.queued(&user), Ordering::Relaxed);
            let message = match number {
                0 => sync(),
                _ => ServerMessage::JobStarted { job_id: number.to_string(), job_type: "test".into() },
            };
            Ok(message)
        };
        stream::iter(0..LONG).map(next).boxed()
    }
}

#[tokio::test]
async fn events_are_sent_between_the_messages_of_a_long_state() {
    let (modules, most_queued) = (Arc::new(OtherModules::default()), Arc::<AtomicUsize>::default());
    let state = LongState { hub: modules.hub.clone(), most_queued: Arc::clone(&most_queued) };
    let server = serve_state(Pace::default(), modules, Arc::new(state)).await;
    let mut tab = server.tab_of("anna").await;
    let (mut state, mut events) = (Vec::new(), Vec::new());
    while state.len() + events.len() < 2 * LONG {
        let message = next_message(&mut tab).await;
        match message["type"].as_str().unwrap() {
            "sync" => state.push(0),
            "job_started" => state.push(message["job_id"].as_str().unwrap().parse().unwrap()),
            "job_progress" => events.push(number_in(&message)),
            "job_cancelled" => {
                assert_eq!(state.len(), LONG, "the end of a job comes after the state");
                events.insert(7, 7);
            }
            other => panic!("{other}"),
        }
        assert_eq!(state[0], 0, "sync comes first");
    }
    assert_eq!((&state, &events), (&(0..LONG).collect(), &(0..LONG).collect()));
    let most_queued = most_queued.load(Ordering::Relaxed);
    assert!(most_queued <= 2 * FRAMES_AT_ONCE, "{most_queued} events waited");
}

#[tokio::test]
async fn a_ping_is_answered() {
    let server = serve(Pace::default()).await;
    let mut tab = server.settled_tab_of("anna").await;
    send_text(&mut tab, r#"{"type":"ping"}"#).await;
    assert_eq!(next_message(&mut tab).await, json!({"type": "pong"}));
}

#[tokio::test]
async fn a_job_is_cancelled_and_an_unknown_one_answered_with_a_sentence() {
    let server = serve(Pace::default()).await;
    let mut tab = server.settled_tab_of("anna").await;
    send_text(&mut tab, r#"{"type":"cancel","job_id":"job-2"}"#).await;
    let answer = json!({"type": "error", "job_id": "job-2", "error": "You have no such job."});
    assert_eq!(next_message(&mut tab).await, answer);
    send_text(&mut tab, r#"{"type":"cancel","job_id":"job-1"}"#).await;
    assert_eq!(next_message(&mut tab).await["type"], "job_cancelled");
}

#[tokio::test]
async fn an_invalid_message_is_answered_with_an_error() {
    let server = serve(Pace::default()).await;
    let mut tab = server.settled_tab_of("anna").await;
    for nonsense in [r#"{"type":"sing"}"#, r#"{"type":"cancel"}"#, "hello", "[]", ""] {
        send_text(&mut tab, nonsense).await;
        assert_eq!(next_message(&mut tab).await["type"], "error", "{nonsense}");
    }
    tab.send(Message::binary(vec![0; 8])).await.unwrap();
    assert_eq!(next_message(&mut tab).await["type"], "error");
    send_text(&mut tab, r#"{"type":"ping"}"#).await;
    assert_eq!(next_message(&mut tab).await["type"], "pong");
}

#[tokio::test]
async fn a_message_that_is_too_long_closes_the_socket() {
    let server = serve(Pace::default()).await;
    let mut tab = server.settled_tab_of("anna").await;
    send_text(&mut tab, &"x".repeat(LONGEST_MESSAGE)).await;
    assert_eq!(next_message(&mut tab).await["type"], "error");
    send_text(&mut tab, &"x".repeat(LONGEST_MESSAGE + 1)).await;
    assert_eq!(closed(&mut tab).await.0, 1009);
}

#[tokio::test]
async fn a_socket_without_a_session_is_closed() {
    let server = serve(Pace::default()).await;
    assert_eq!(closed(&mut server.ask("/ws", &[]).await.unwrap()).await, (4001, 0));
}

#[tokio::test]
async fn a_token_in_the_address_opens_nothing() {
    let server = serve(Pace::default()).await;
    let mut tab = server.ask("/ws?token=anna", &[]).await.unwrap();
    let Message::Close(Some(close)) = tab.next().await.unwrap().unwrap() else { panic!("not closed") };
    assert_eq!(u16::from(close.code), 4001);
    assert!(close.reason.contains("bearer.TOKEN"), "{}", close.reason);
    assert!(close.reason.contains("/api/auth/ws-ticket"), "{}", close.reason);
}

#[tokio::test]
async fn a_token_may_be_among_the_sub_protocols() {
    let server = serve(Pace::default()).await;
    let elsewhere = "https://elsewhere.example";
    for headers in [
        &[(SEC_WEBSOCKET_PROTOCOL, "llm-studio, bearer.token-anna"), (ORIGIN, elsewhere)][..],
        // Counts before a cookie, which a browser may send too.
        &[
            (SEC_WEBSOCKET_PROTOCOL, "bearer.token-anna, llm-studio"),
            (ORIGIN, elsewhere),
            (COOKIE, "user=ben"),
        ],
    ] {
        let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let (mut tab, response) = connect_async(request).await.unwrap();
        // The answer does not repeat the token.
        assert_eq!(response.headers()[SEC_WEBSOCKET_PROTOCOL], "llm-studio");
        assert_eq!(next_message(&mut tab).await["type"], "sync");
    }
    let wrong = [(SEC_WEBSOCKET_PROTOCOL, "llm-studio, bearer.wrong"), (COOKIE, "user=anna")];
    let mut refused = server.ask("/ws", &wrong).await.unwrap();
    assert_eq!(closed(&mut refused).await, (4001, 0));
}

#[tokio::test]
async fn a_ticket_may_be_in_the_address() {
    let server = serve(Pace::default()).await;
    let elsewhere = [(ORIGIN, "https://elsewhere.example")];
    let mut tab = server.ask("/ws?ticket=ticket-anna", &elsewhere).await.unwrap();
    assert_eq!(next_message(&mut tab).await["type"], "sync");
    assert_eq!(closed(&mut server.ask("/ws?ticket=used", &elsewhere).await.unwrap()).await, (4001, 0));
    // The ticket was sent on purpose, the cookie was not.
    let cookie = [(COOKIE, "user=anna")];
    assert_eq!(closed(&mut server.ask("/ws?ticket=used", &cookie).await.unwrap()).await, (4001, 0));
}

#[tokio::test]
async fn the_close_of_a_client_is_answered() {
    let server = serve(Pace::default()).await;
    let mut tab = server.settled_tab_of("anna").await;
    tab.close(None).await.unwrap();
    let answer = tab.next().await.unwrap();
    assert!(matches!(answer, Ok(Message::Close(_))), "{answer:?}");
    assert!(tab.next().await.is_none());
}

#[tokio::test]
async fn a_cookie_counts_on_the_apps_own_pages_only() {
    let server = serve(Pace::default()).await;
    let own = format!("http://{}", server.address);
    let mut tab = server.ask("/ws", &[(COOKIE, "user=anna"), (ORIGIN, &own)]).await.unwrap();
    assert_eq!(next_message(&mut tab).await["type"], "sync");
    for headers in [
        &[(COOKIE, "user=anna"), (ORIGIN, "https://elsewhere.example")][..],
        &[(COOKIE, "user=anna"), (ORIGIN, "null")],
        &[(COOKIE, "user=anna")],
    ] {
        let Err(Error::Http(response)) = server.ask("/ws", headers).await else { panic!("{headers:?}") };
        assert_eq!(response.status(), 403, "{headers:?}");
    }
}

#[tokio::test]
async fn a_sixth_tab_is_refused_until_one_is_closed() {
    let server = serve(Pace::default()).await;
    let mut tabs = Vec::new();
    for _ in 0..5 {
        tabs.push(server.settled_tab_of("anna").await);
    }
    assert_eq!(closed(&mut server.tab_of("anna").await).await, (4008, 0));
    server.settled_tab_of("ben").await;
    let mut last = tabs.pop().unwrap();
    last.close(None).await.unwrap();
    while last.next().await.is_some() {}
    server.settled_tab_of("anna").await;
}

#[tokio::test]
async fn a_silent_tab_is_closed() {
    let server = serve(Pace { silence: quick(), ..Pace::default() }).await;
    assert_eq!(closed(&mut server.tab_of("anna").await).await.0, 4002);
}

#[tokio::test]
async fn pongs_of_the_protocol_do_not_count_as_messages() {
    let pace = Pace { silence: quick() * 10, ping: quick(), ..Pace::default() };
    let server = serve(pace).await;
    let mut tab = server.tab_of("anna").await;
    let mut pings = 0;
    loop {
        match tab.next().await.unwrap().unwrap() {
            Message::Ping(_) => pings += 1,
            Message::Close(close) => break assert_eq!(u16::from(close.unwrap().code), 4002),
            _ => {}
        }
    }
    assert!(pings > 0);
}

#[tokio::test]
async fn a_session_that_ends_elsewhere_ends_its_tabs() {
    let server = serve(Pace { session_check: quick(), ..Pace::default() }).await;
    let mut tab = server.settled_tab_of("anna").await;
    server.modules.signed_out.store(true, Ordering::Relaxed);
    assert_eq!(closed(&mut tab).await.0, 4001);
}

#[tokio::test]
async fn a_session_that_ends_here_ends_its_tabs_at_once() {
    let server = serve(Pace::default()).await;
    let (mut annas, mut bens) = (server.settled_tab_of("anna").await, server.settled_tab_of("ben").await);
    server.modules.hub.end(&UserId::new("anna"));
    assert_eq!(closed(&mut annas).await, (4001, 0));
    send_text(&mut bens, r#"{"type":"ping"}"#).await;
    assert_eq!(next_message(&mut bens).await["type"], "pong");
}

#[tokio::test]
async fn all_tabs_can_be_disconnected() {
    let server = serve(Pace::default()).await;
    let mut tab = server.settled_tab_of("anna").await;
    server.modules.hub.disconnect_all();
    assert_eq!(closed(&mut tab).await, (1012, 0));
}

#[tokio::test]
async fn a_slow_tab_is_dropped_while_another_receives_everything() {
    let server = serve(Pace::default()).await;
    let (mut slow, mut other) = (server.settled_tab_of("anna").await, server.settled_tab_of("anna").await);
    // The other tab's snapshot was told to this one too.
    assert_eq!(number_in(&next_message(&mut slow).await), 0);
    let (hub, anna) = (&server.modules.hub, UserId::new("anna"));
    let mut sent = 0;
    while hub.connections() == 2 {
        sent += 1;
        hub.send(&anna, &long(sent, 16 * 1024));
        assert_eq!(number_in(&next_message(&mut other).await), sent);
    }
    let (code, received) = closed(&mut slow).await;
    assert_eq!(code, 1013);
    assert!(received < sent, "{received} of {sent}");
}

#[tokio::test]
async fn a_tab_that_takes_nothing_is_dropped_in_time() {
    let server = serve(Pace { send: quick(), ..Pace::default() }).await;
    let mut tab = server.settled_tab_of("anna").await;
    // More than the buffers of both ends hold.
    server.modules.hub.send(&UserId::new("anna"), &long(1, 15 * 1024 * 1024));
    while server.modules.hub.connections() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(closed(&mut tab).await.0, 1013);
}

#[tokio::test]
async fn a_plain_request_is_told_what_this_address_is_for() {
    let server = serve(Pace::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /ws HTTP/1.1\r\nhost: studio.example\r\nconnection: close\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Open a WebSocket"), "{answer}");
}
