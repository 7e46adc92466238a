//! The socket behind the feed, in the browser.

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
use super::types::{ClientMessage, Frame};
use ui::hydration::all_hydrated;

/// Between pings. A socket on which nothing was heard for as long is dead: the server answers each.
const PING_MS: u32 = 30_000;

/// How long the answer may take when the computer has just woken up.
const WOKEN_MS: u32 = 5_000;

/// What browsers say of a socket that ended without a close code.
const NO_CODE: u16 = 1006;

/// Puts the feed of this tab in place. Connects when and as long as the page wants it, but not before all
/// parts of the page listen.
pub fn provide_connected_feed() {
    let feed = EventStream::new();
    provide_context(feed);
    Effect::new(move |before: Option<Option<AbortHandle>>| {
        if let Some(before) = before.flatten() {
            before.abort();
        }
        feed.wanted.get().then(|| connect(feed))
    });
}

/// Dropping the task, which the handle makes possible, closes the socket.
fn connect(feed: EventStream) -> AbortHandle {
    feed.connection.set(Connection::Connecting);
    let (task, handle) = abortable(async move {
        all_hydrated().await;
        stay_connected(feed).await;
    });
    spawn_local(task.map(drop));
    handle
}

async fn stay_connected(feed: EventStream) {
    let mut wakings = Wakings::listen();
    let mut attempt = 0;
    loop {
        let code = converse(feed, &mut wakings).await;
        let was_open = feed.connection.get_untracked() == Connection::Open;
        match AfterClose::of(code) {
            // The browser that sent a new password, which ends all sessions, has been given a new one.
            AfterClose::End(EndReason::SignedOut) if was_open => {}
            AfterClose::End(reason) => return give_up(feed, reason),
            AfterClose::ConnectAgain => {}
        }
        attempt = if was_open { 1 } else { attempt + 1 };
        feed.connection.set(Connection::Reconnecting { attempt });
        let pause = backoff::pause(attempt, Math::random());
        let pause_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        select_biased! {
            () = wakings.moments.select_next_some() => {}
            () = TimeoutFuture::new(pause_ms).fuse() => {}
        }
    }
}

/// One socket from its opening to its end; returns the close code.
async fn converse(feed: EventStream, wakings: &mut Wakings) -> u16 {
    let Ok(socket) = WebSocket::open(&address()) else { return NO_CODE };
    let (mut mouth, mut ear) = socket.split();
    let mut heard = false;
    let mut tick = timer(PING_MS);
    loop {
        select_biased! {
            message = ear.next().fuse() => match message {
                Some(Ok(message)) => {
                    heard = true;
                    pass_on(feed, message);
                }
                Some(Err(WebSocketError::ConnectionClose(close))) => return close.code,
                // The close event follows.
                Some(Err(_)) => {}
                None => return NO_CODE,
            },
            () = wakings.moments.select_next_some() => {
                // Before it is open there is nothing to ask for.
                if feed.connection.get_untracked() == Connection::Open {
                    heard = false;
                    tick = timer(WOKEN_MS);
                    if mouth.send(ping()).await.is_err() { return NO_CODE }
                }
            }
            () = tick => {
                if !heard || mouth.send(ping()).await.is_err() { return NO_CODE }
                heard = false;
                tick = timer(PING_MS);
            }
        }
    }
}

fn timer(ms: u32) -> Fuse<TimeoutFuture> {
    TimeoutFuture::new(ms).fuse()
}

fn pass_on(feed: EventStream, message: Message) {
    let Message::Text(text) = message else { return };
    let Ok(frame) = serde_json::from_str::<Frame>(&text) else { return };
    // The first frame of a socket is `sync`: whoever got it was let in.
    if feed.connection.get_untracked() != Connection::Open {
        feed.connection.set(Connection::Open);
    }
    feed.publish(&frame);
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

fn give_up(feed: EventStream, reason: EndReason) {
    feed.connection.set(Connection::Ended(reason));
    if reason == EndReason::SignedOut {
        // The server leads who loads a page without a session to sign in, and from there back to it;
        // nothing of who was signed in stays in this tab's memory.
        let _ = location().reload();
    }
}

/// Moments in which it is worth to look after the connection at once: the network is back, or the tab
/// is looked at again.
struct Wakings {
    moments: mpsc::UnboundedReceiver<()>,
    listeners: Option<[WindowListenerHandle; 2]>,
}

impl Wakings {
    fn listen() -> Self {
        let (sender, moments) = mpsc::unbounded();
        let wake = move || {
            // Fails when nobody waits any more.
            let _ = sender.unbounded_send(());
        };
        let wake_when_seen = {
            let wake = wake.clone();
            move || {
                if !document().hidden() {
                    wake();
                }
            }
        };
        let online = window_event_listener(ev::online, move |_| wake());
        let seen = window_event_listener_untyped("visibilitychange", move |_| wake_when_seen());
        Self { moments, listeners: Some([online, seen]) }
    }
}

impl Drop for Wakings {
    fn drop(&mut self) {
        for listener in self.listeners.take().into_iter().flatten() {
            listener.remove();
        }
    }
}
