//! The messages that this tab receives from the server: one stream a tab, whichever page it shows. It exists
//! on both sides; only in the browser does a WebSocket ([`super::browser`]) feed it.

use std::sync::Arc;

use leptos::prelude::*;

use super::closing::EndReason;
use crate::messages::ServerMessage;

/// State of the tab's connection to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Not connected yet.
    Connecting,
    /// The server has sent the current state, and sends what happens.
    Open,
    /// The connection was lost or could not be opened; `attempt` counts from 1.
    Reconnecting { attempt: u32 },
    /// Ended for good.
    Ended(EndReason),
}

type Listener = Arc<dyn Fn(&Arc<ServerMessage>) + Send + Sync>;

/// Passes messages of the server to all listeners. [`provide_event_stream`] creates it,
/// [`use_event_stream`] returns it.
#[derive(Debug, Clone, Copy)]
pub struct EventStream {
    pub(super) connection: RwSignal<Connection>,
    pub(super) wanted: RwSignal<bool>,
    listeners: StoredValue<Vec<(u64, Listener)>>,
    next_id: StoredValue<u64>,
}

impl EventStream {
    pub(super) fn new() -> Self {
        Self {
            connection: RwSignal::new(Connection::Connecting),
            wanted: RwSignal::new(false),
            listeners: StoredValue::default(),
            next_id: StoredValue::default(),
        }
    }

    /// State of the tab's connection to the server.
    pub fn connection(self) -> ReadSignal<Connection> {
        self.connection.read_only()
    }

    /// Keeps the connection open until the current owner is cleaned up. Only for parts of pages that need a
    /// session.
    pub fn keep_open(self) {
        self.wanted.set(true);
        on_cleanup(move || {
            // The signal is disposed of already when the whole page is.
            self.wanted.try_set(false);
        });
    }

    /// Calls `on_message` with each message until the current owner is cleaned up. After each reconnect the
    /// server sends the current state again: the same result may arrive twice.
    pub fn listen(self, on_message: impl Fn(&Arc<ServerMessage>) + Send + Sync + 'static) {
        let id = self.next_id.get_value();
        self.next_id.set_value(id + 1);
        self.listeners.update_value(|listeners| listeners.push((id, Arc::new(on_message))));
        on_cleanup(move || {
            self.listeners.try_update_value(|listeners| listeners.retain(|(other, _)| *other != id));
        });
    }

    /// Calls all listeners, which may start and stop listening meanwhile.
    pub fn publish(self, message: ServerMessage) {
        let message = Arc::new(message);
        for (_, on_message) in self.listeners.get_value() {
            on_message(&message);
        }
    }
}

/// Makes the stream available to everything below; in the browser, the one that is connected.
pub fn provide_event_stream() -> EventStream {
    let stream = use_context().unwrap_or_else(EventStream::new);
    provide_context(stream);
    stream
}

/// The stream of this tab.
///
/// # Panics
/// Outside of the app, which is a mistake in the program.
pub fn use_event_stream() -> EventStream {
    expect_context()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_called_until_its_owner_is_cleaned_up() {
        let root = Owner::new();
        root.with(|| {
            let stream = EventStream::new();
            let received = StoredValue::new(0);
            let page = Owner::new();
            page.with(|| stream.listen(move |_| received.update_value(|count| *count += 1)));
            stream.publish(ServerMessage::Pong);
            page.cleanup();
            stream.publish(ServerMessage::Pong);
            assert_eq!(received.get_value(), 1);
        });
    }

    #[test]
    fn all_listeners_share_one_message() {
        let root = Owner::new();
        root.with(|| {
            let stream = EventStream::new();
            let received = StoredValue::new(Vec::new());
            for _ in 0..2 {
                stream.listen(move |message| received.update_value(|all| all.push(Arc::clone(message))));
            }
            stream.publish(ServerMessage::Pong);
            received.with_value(|all| assert!(all.len() == 2 && Arc::ptr_eq(&all[0], &all[1])));
        });
    }

    #[test]
    fn it_is_wanted_while_a_part_of_the_page_keeps_it_open() {
        let root = Owner::new();
        root.with(|| {
            let stream = EventStream::new();
            let page = Owner::new();
            page.with(|| stream.keep_open());
            assert!(stream.wanted.get_untracked());
            page.cleanup();
            assert!(!stream.wanted.get_untracked());
        });
    }
}
