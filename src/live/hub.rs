//! The tabs that are connected to this process, by user; sends them frames.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::closing::Closing;
use super::types::Frame;
use crate::accounts::{SessionsEnded, UserId};

/// Frames that may wait for one tab; a tab with more is too slow and is dropped.
pub const WAITING_FRAMES: usize = 1024;

/// Sockets that one user may have open.
pub const TABS_PER_USER: usize = 5;

/// All tabs of all users that are connected to this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    tabs: Arc<Mutex<Tabs>>,
    /// Each open socket holds a receiver.
    open: Arc<watch::Sender<()>>,
}

type Tabs = HashMap<UserId, Vec<Subscriber>>;

/// The hub's senders to one tab.
#[derive(Debug)]
struct Subscriber {
    frames: mpsc::Sender<Utf8Bytes>,
    ending: oneshot::Sender<Closing>,
}

/// A connected tab: receives its user's frames until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    hub: Hub,
    user: UserId,
    open: watch::Receiver<()>,
    /// Each frame as JSON, shared by all tabs of the user.
    pub frames: mpsc::Receiver<Utf8Bytes>,
    /// Resolves with the reason when the hub closes the tab.
    pub ending: oneshot::Receiver<Closing>,
}

impl Hub {
    /// A new tab of `user`, unless they have [`TABS_PER_USER`] already.
    pub fn join(&self, user: &UserId) -> Option<Subscription> {
        let (frame_sender, frames) = mpsc::channel(WAITING_FRAMES);
        let (end_sender, ending) = oneshot::channel();
        let mut all = self.lock();
        let lines = all.entry(user.clone()).or_default();
        if lines.len() >= TABS_PER_USER {
            return None;
        }
        lines.push(Subscriber { frames: frame_sender, ending: end_sender });
        Some(Subscription {
            hub: self.clone(),
            user: user.clone(),
            open: self.open.subscribe(),
            frames,
            ending,
        })
    }

    /// Sends the frame to every tab of `user`. Never waits: a tab whose queue is full is dropped.
    pub fn send(&self, user: &UserId, frame: &Frame) {
        if !self.lock().contains_key(user) {
            return;
        }
        let Ok(text) = serde_json::to_string(frame) else { return };
        let text = Utf8Bytes::from(text);
        self.drop_subscribers(user, Closing::TooSlow, |line| line.frames.try_send(text.clone()).is_err());
    }

    /// Closes every tab of `user`: their sessions have ended.
    pub fn end(&self, user: &UserId) {
        self.drop_subscribers(user, Closing::SignedOut, |_| true);
    }

    /// Disconnects all tabs of all users: when they connect again, they get the whole present state.
    pub fn disconnect_all(&self) {
        for line in std::mem::take(&mut *self.lock()).into_values().flatten() {
            line.close(Closing::StartAgain);
        }
    }

    /// Waits until no socket is open: each has sent why it is closed.
    pub async fn all_closed(&self) {
        self.open.closed().await;
    }

    /// How many tabs are connected to this process.
    pub fn connections(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }

    /// Lets go of those tabs of `user` for which `gone` says so.
    fn drop_subscribers(&self, user: &UserId, why: Closing, mut gone: impl FnMut(&Subscriber) -> bool) {
        let mut all = self.lock();
        let Some(lines) = all.get_mut(user) else { return };
        for line in lines.extract_if(.., |line| gone(line)) {
            line.close(why);
        }
        if lines.is_empty() {
            all.remove(user);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tabs> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For one process alone; [`Broadcaster`](super::Broadcaster) does so in all of them.
impl SessionsEnded for Hub {
    fn sessions_ended(&self, user: &UserId) {
        self.end(user);
    }
}

impl Subscriber {
    fn close(self, why: Closing) {
        // Fails when the tab has left by itself, which is as good.
        let _ = self.ending.send(why);
    }
}

impl Subscription {
    /// [`Hub::all_closed`] waits until this is dropped, also after the subscription.
    pub fn open(&self) -> watch::Receiver<()> {
        self.open.clone()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.frames.close();
        self.hub.drop_subscribers(&self.user, Closing::StartAgain, |line| line.frames.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn frame(name: &str) -> Frame {
        Frame { name: name.into(), job_id: None, fields: serde_json::Map::new() }
    }

    #[tokio::test]
    async fn every_tab_of_the_user_hears_it_and_nobody_else() {
        let hub = Hub::default();
        let (anna, ben) = (UserId::new("anna"), UserId::new("ben"));
        let mut tabs = [&anna, &anna, &ben].map(|user| hub.join(user).unwrap());
        hub.send(&anna, &frame("pong"));
        let [first, second, other] = &mut tabs;
        assert_eq!(&*first.frames.recv().await.unwrap(), r#"{"type":"pong"}"#);
        assert_eq!(&*second.frames.recv().await.unwrap(), r#"{"type":"pong"}"#);
        assert!(other.frames.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_tab_that_is_too_slow_is_dropped() {
        let hub = Hub::default();
        let anna = UserId::new("anna");
        let (mut slow, mut quick) = (hub.join(&anna).unwrap(), hub.join(&anna).unwrap());
        for _ in 0..=WAITING_FRAMES {
            hub.send(&anna, &frame("pong"));
            quick.frames.recv().await.unwrap();
        }
        assert_eq!((&mut slow.ending).await, Ok(Closing::TooSlow));
        assert!(quick.ending.try_recv().is_err());
        assert_eq!(hub.connections(), 1);
    }

    #[test]
    fn a_sixth_tab_waits_until_one_has_left() {
        let hub = Hub::default();
        let (anna, ben) = (UserId::new("anna"), UserId::new("ben"));
        let mut tabs: Vec<Subscription> = (0..TABS_PER_USER).filter_map(|_| hub.join(&anna)).collect();
        assert!(hub.join(&anna).is_none());
        assert!(hub.join(&ben).is_some());
        tabs.pop();
        assert!(hub.join(&anna).is_some());
    }

    #[test]
    fn who_has_left_is_not_counted() {
        let hub = Hub::default();
        let tabs = ["anna", "anna", "ben"].map(|user| hub.join(&UserId::new(user)).unwrap());
        assert_eq!(hub.connections(), 3);
        drop(tabs);
        assert_eq!(hub.connections(), 0);
        assert!(hub.lock().is_empty());
    }

    #[tokio::test]
    async fn a_socket_is_waited_for_until_its_close_is_sent() {
        let hub = Hub::default();
        let tab = hub.join(&UserId::new("anna")).unwrap();
        let open = tab.open();
        hub.disconnect_all();
        drop(tab);
        assert!(hub.all_closed().now_or_never().is_none());
        drop(open);
        assert!(hub.all_closed().now_or_never().is_some());
    }

    #[tokio::test]
    async fn the_end_of_a_users_sessions_is_not_that_of_others() {
        let hub = Hub::default();
        let (anna, ben) = (UserId::new("anna"), UserId::new("ben"));
        let (mut first, mut other) = (hub.join(&anna).unwrap(), hub.join(&ben).unwrap());
        hub.end(&anna);
        assert_eq!((&mut first.ending).await, Ok(Closing::SignedOut));
        assert!(other.ending.try_recv().is_err());
    }
}
