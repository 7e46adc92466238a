//! What a page hears of the server: one feed a tab, whichever page it shows. It exists on both sides;
//! only in the browser ([`super::browser`]) is there a socket behind it.

use std::sync::Arc;

use leptos::prelude::*;

use super::closing::EndReason;
use super::types::Frame;

/// How the tab stands with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Not connected yet.
    Connecting,
    /// The present state has been told, and what happens is.
    Open,
    /// Was connected, or tried to; `attempt` counts from 1.
    Reconnecting { attempt: u32 },
    /// Will not try again.
    Ended(EndReason),
}

type Listener = Arc<dyn Fn(&Frame) + Send + Sync>;

/// Frames from the server, for whoever listens. [`provide_feed`] makes it, [`use_feed`] finds it.
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

    /// How the tab stands with the server.
    pub fn connection(self) -> ReadSignal<Connection> {
        self.connection.read_only()
    }

    /// Connects, for as long as the present owner lives. For what stands only on pages of somebody who
    /// is signed in.
    pub fn keep_open(self) {
        self.wanted.set(true);
        on_cleanup(move || {
            // Gone already when the whole page goes.
            self.wanted.try_set(false);
        });
    }

    /// Calls `on_event` with each frame, for as long as the present owner lives. After each reconnect the
    /// whole present state comes again: the same thing may be heard twice.
    pub fn listen(self, on_event: impl Fn(&Frame) + Send + Sync + 'static) {
        let id = self.next_id.get_value();
        self.next_id.set_value(id + 1);
        self.listeners.update_value(|listeners| listeners.push((id, Arc::new(on_event))));
        on_cleanup(move || {
            self.listeners.try_update_value(|listeners| listeners.retain(|(other, _)| *other != id));
        });
    }

    /// The same for the frames of one job: that of the moment, so that a page can go from one to another.
    pub fn listen_to_job(
        self,
        job_id: impl Into<Signal<Option<String>>>,
        on_event: impl Fn(&Frame) + Send + Sync + 'static,
    ) {
        let job_id = job_id.into();
        self.listen(move |frame| {
            let theirs = job_id.with_untracked(|job_id| job_id.is_some() && *job_id == frame.job_id);
            if theirs {
                on_event(frame);
            }
        });
    }

    /// Tells all listeners. They may begin and end to listen meanwhile.
    pub fn publish(self, frame: &Frame) {
        for (_, on_event) in self.listeners.get_value() {
            on_event(frame);
        }
    }
}

/// Makes the feed available to everything below; the one with a socket where the browser has put it in.
pub fn provide_feed() -> EventStream {
    let feed = use_context().unwrap_or_else(EventStream::new);
    provide_context(feed);
    feed
}

/// The feed of this tab.
///
/// # Panics
/// Outside of the app, which is a mistake in the program.
pub fn use_feed() -> EventStream {
    expect_context()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn frame(job_id: Option<&str>) -> Frame {
        Frame {
            name: "job_started".into(),
            job_id: job_id.map(str::to_owned),
            fields: serde_json::Map::new(),
        }
    }

    /// Counts what it hears.
    fn counter() -> (StoredValue<u32>, impl Fn(&Frame) + Send + Sync) {
        let heard = StoredValue::new(0);
        (heard, move |_: &Frame| heard.update_value(|heard| *heard += 1))
    }

    #[test]
    fn a_listener_hears_until_its_owner_goes() {
        let root = Owner::new();
        root.with(|| {
            let feed = EventStream::new();
            let (heard, on_event) = counter();
            let page = Owner::new();
            page.with(|| feed.listen(on_event));
            feed.publish(&frame(None));
            page.cleanup();
            feed.publish(&frame(None));
            assert_eq!(heard.get_value(), 1);
        });
    }

    #[test]
    fn a_page_hears_of_its_job_alone() {
        let root = Owner::new();
        root.with(|| {
            let feed = EventStream::new();
            let (heard, on_event) = counter();
            let job_id = RwSignal::new(None);
            feed.listen_to_job(job_id, on_event);
            feed.publish(&frame(None));
            feed.publish(&frame(Some("a")));
            job_id.set(Some("a".to_owned()));
            feed.publish(&frame(Some("a")));
            feed.publish(&frame(Some("b")));
            job_id.set(Some("b".to_owned()));
            feed.publish(&frame(Some("b")));
            assert_eq!(heard.get_value(), 2);
        });
    }

    #[test]
    fn it_is_wanted_while_something_keeps_it_open() {
        let root = Owner::new();
        root.with(|| {
            let feed = EventStream::new();
            let page = Owner::new();
            page.with(|| feed.keep_open());
            assert!(feed.wanted.get_untracked());
            page.cleanup();
            assert!(!feed.wanted.get_untracked());
        });
    }
}
