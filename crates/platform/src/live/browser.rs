//! The WebSocket that feeds the event stream, in the browser.

use futures::channel::mpsc;
use futures::future::{AbortHandle, Fuse, FutureExt, abortable};
use futures::{SinkExt, StreamExt, select_biased};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};
use gloo_timers::future::TimeoutFuture;
use leptos::ev;
use leptos::leptos_dom::helpers::WindowListenerHandle;
use leptos::prelude::*;
use leptos::web_sys::js_sys::Math;
use wasm_bindgen_futures::spawn_local;

use super::backoff;
use super::closing::{AfterClose, EndReason};
use super::event_stream::{Connection, EventStream};
use crate::messages::{ClientMessage, ServerMessage};
use ui::hydration::all_hydrated;

/// Interval of pings. The server answers each: a socket that receives nothing for as long is closed.
const PING_MS: u32 = 30_000;

/// How long the answer to a ping may take after the computer has woken up.
const WOKEN_MS: u32 = 5_000;

/// The close code that browsers report for a socket that ended without one.
const NO_CODE: u16 = 1006;

/// Provides the event stream of this tab. It connects when and as long as the page wants it, but only after
/// all parts of the page listen.
pub fn provide_connected_stream() {
    let stream = EventStream::new();
    provide_context(stream);
    Effect::new(move |before: Option<Option<AbortHandle>>| {
        if let Some(before) = before.flatten() {
            before.abort();
        }
        stream.wanted.get().then(|| connect(stream))
    });
}

/// Aborting the task through the handle closes the socket.
fn connect(stream: EventStream) -> AbortHandle {
    stream.connection.set(Connection::Connecting);
    let (task, handle) = abortable(async move {
        all_hydrated().await;
        stay_connected(stream).await;
    });
    spawn_local(task.map(drop));
    handle
}

async fn stay_connected(stream: EventStream) {
    let mut wake_ups = WakeUps::listen();
    let mut attempt = 0;
    loop {
        let code = serve_socket(stream, &mut wake_ups).await;
        let was_open = stream.connection.get_untracked() == Connection::Open;
        match AfterClose::of(code) {
            // A new password ends all sessions, but the browser that set it has been given a new one.
            AfterClose::End(EndReason::SignedOut) if was_open => {}
            AfterClose::End(reason) => return give_up(stream, reason),
            AfterClose::ConnectAgain => {}
        }
        attempt = if was_open { 1 } else { attempt + 1 };
        stream.connection.set(Connection::Reconnecting { attempt });
        let pause = backoff::pause(attempt, Math::random());
        let pause_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        select_biased! {
            () = wake_ups.events.select_next_some() => {}
            () = TimeoutFuture::new(pause_ms).fuse() => {}
        }
    }
}

/// Serves one socket until it closes; returns the close code.
async fn serve_socket(stream: EventStream, wake_ups: &mut WakeUps) -> u16 {
    let Ok(socket) = WebSocket::open(&address()) else { return NO_CODE };
    let (mut sender, mut receiver) = socket.split();
    let mut has_received = false;
    let mut tick = timer(PING_MS);
    loop {
        select_biased! {
            message = receiver.next().fuse() => match message {
                Some(Ok(message)) => {
                    has_received = true;
                    pass_on(stream, message);
                }
                Some(Err(WebSocketError::ConnectionClose(close))) => return close.code,
                // The close event follows.
                Some(Err(_)) => {}
                None => return NO_CODE,
            },
            () = wake_ups.events.select_next_some() => {
                // A socket that is still opening cannot be pinged.
                if stream.connection.get_untracked() == Connection::Open {
                    has_received = false;
                    tick = timer(WOKEN_MS);
                    if sender.send(ping()).await.is_err() { return NO_CODE }
                }
            }
            () = tick => {
                if !has_received || sender.send(ping()).await.is_err() { return NO_CODE }
                has_received = false;
                tick = timer(PING_MS);
            }
        }
    }
}

fn timer(ms: u32) -> Fuse<TimeoutFuture> {
    TimeoutFuture::new(ms).fuse()
}

/// Parses the message once for all listeners.
fn pass_on(stream: EventStream, message: Message) {
    let Message::Text(text) = message else { return };
    // The first message is `sync`: the server has accepted the connection.
    if stream.connection.get_untracked() != Connection::Open {
        stream.connection.set(Connection::Open);
    }
    if let Some(message) = ServerMessage::from_json(&text) {
        stream.publish(message);
    }
}

fn ping() -> Message {
    Message::Text(serde_json::to_string(&ClientMessage::Ping).unwrap_or_default())
}

/// `/ws` of the page's own server.
fn address() -> String {
    let location = location();
    let scheme = if location.protocol().is_ok_and(|protocol| protocol == "https:") { "wss" } else { "ws" };
    format!("{scheme}://{}/ws", location.host().unwrap_or_default())
}

fn give_up(stream: EventStream, reason: EndReason) {
    stream.connection.set(Connection::Ended(reason));
    if reason == EndReason::SignedOut {
        // The server redirects to the sign-in page and from there back to this one. Nothing of the previous
        // user stays in this tab's memory.
        let _ = location().reload();
    }
}

/// Events that trigger an immediate connection check: the browser is online again, or the tab becomes
/// visible.
struct WakeUps {
    events: mpsc::UnboundedReceiver<()>,
    listeners: Option<[WindowListenerHandle; 2]>,
}

impl WakeUps {
    fn listen() -> Self {
        let (sender, events) = mpsc::unbounded();
        let wake = move || {
            // Fails when the receiver is gone.
            let _ = sender.unbounded_send(());
        };
        let wake_when_visible = {
            let wake = wake.clone();
            move || {
                if !document().hidden() {
                    wake();
                }
            }
        };
        let online = window_event_listener(ev::online, move |_| wake());
        let visible = window_event_listener_untyped("visibilitychange", move |_| wake_when_visible());
        Self { events, listeners: Some([online, visible]) }
    }
}

impl Drop for WakeUps {
    fn drop(&mut self) {
        for listener in self.listeners.take().into_iter().flatten() {
            listener.remove();
        }
    }
}
