//! The tabs that are connected to this process, by user; sends them messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

use super::closing::Closing;
use super::message_text::MessageText;
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
    /// The session or API token that opened the tab.
    session: String,
    frames: mpsc::Sender<MessageText>,
    ending: oneshot::Sender<Closing>,
}

/// A connected tab: receives its user's messages until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    hub: Hub,
    user: UserId,
    open: watch::Receiver<()>,
    /// The messages to send, each as one frame.
    pub frames: mpsc::Receiver<MessageText>,
    /// Resolves with the reason when the hub closes the tab.
    pub ending: oneshot::Receiver<Closing>,
}

impl Hub {
    /// A new tab of `user`, opened by the session or API token with this id, unless the user has
    /// [`TABS_PER_USER`] already.
    pub fn join_session(&self, user: &UserId, session: &str) -> Option<Subscription> {
        let (frame_sender, frames) = mpsc::channel(WAITING_FRAMES);
        let (end_sender, ending) = oneshot::channel();
        let mut all = self.lock();
        let tabs = all.entry(user.clone()).or_default();
        if tabs.len() >= TABS_PER_USER {
            return None;
        }
        tabs.push(Subscriber { session: session.to_owned(), frames: frame_sender, ending: end_sender });
        Some(Subscription {
            hub: self.clone(),
            user: user.clone(),
            open: self.open.subscribe(),
            frames,
            ending,
        })
    }

    /// A new tab of `user`, whichever the session.
    #[cfg(any(test, feature = "testing"))]
    pub fn join(&self, user: &UserId) -> Option<Subscription> {
        self.join_session(user, "session")
    }

    /// Sends the message to every tab of `user`. Never waits: a tab whose queue is full is dropped.
    pub fn send(&self, user: &UserId, text: &MessageText) {
        self.drop_subscribers(user, Closing::TooSlow, |tab| tab.frames.try_send(text.clone()).is_err());
    }

    /// Whether `user` has a tab that is connected to this process.
    pub fn has_tabs(&self, user: &UserId) -> bool {
        self.lock().contains_key(user)
    }

    /// Closes every tab of `user`: their sessions have ended.
    pub fn end(&self, user: &UserId) {
        self.drop_subscribers(user, Closing::SignedOut, |_| true);
    }

    /// Disconnects all tabs of `user`: when they reconnect, they get the current state.
    pub fn disconnect(&self, user: &UserId) {
        self.drop_subscribers(user, Closing::StartAgain, |_| true);
    }

    /// Closes the tabs of one session of `user`, which has ended.
    pub fn end_session(&self, user: &UserId, session: &str) {
        self.drop_subscribers(user, Closing::SignedOut, |tab| tab.session == session);
    }

    /// Disconnects all tabs of all users: when they reconnect, they get the current state.
    pub fn disconnect_all(&self) {
        for tab in std::mem::take(&mut *self.lock()).into_values().flatten() {
            tab.close(Closing::StartAgain);
        }
    }

    /// Waits until no socket is open: each has sent its close code.
    pub async fn all_closed(&self) {
        self.open.closed().await;
    }

    /// How many tabs are connected to this process.
    pub fn connections(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }

    /// The messages that wait for the slowest tab of `user`.
    #[cfg(test)]
    pub(super) fn queued(&self, user: &UserId) -> usize {
        let waiting = |tab: &Subscriber| tab.frames.max_capacity() - tab.frames.capacity();
        self.lock().get(user).into_iter().flatten().map(waiting).max().unwrap_or(0)
    }

    /// Closes those tabs of `user` for which `is_to_close` returns true.
    fn drop_subscribers(
        &self,
        user: &UserId,
        why: Closing,
        mut is_to_close: impl FnMut(&Subscriber) -> bool,
    ) {
        let mut all = self.lock();
        let Some(tabs) = all.get_mut(user) else { return };
        for tab in tabs.extract_if(.., |tab| is_to_close(tab)) {
            tab.close(why);
        }
        if tabs.is_empty() {
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

    fn session_ended(&self, user: &UserId, id: &str) {
        self.end_session(user, id);
    }
}

impl Subscriber {
    fn close(self, why: Closing) {
        // Fails when the tab has closed its socket itself.
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
        self.hub.drop_subscribers(&self.user, Closing::StartAgain, |tab| tab.frames.is_closed());
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::messages::ServerMessage;

    fn pong() -> MessageText {
        MessageText::of(&ServerMessage::Pong).unwrap()
    }

    #[tokio::test]
    async fn a_message_reaches_every_tab_of_its_user_and_no_other() {
        let hub = Hub::default();
        let (anna, ben) = (UserId::new("anna"), UserId::new("ben"));
        let mut tabs = [&anna, &anna, &ben].map(|user| hub.join(user).unwrap());
        hub.send(&anna, &pong());
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
            hub.send(&anna, &pong());
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
    fn closed_tabs_are_not_counted() {
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

    #[tokio::test]
    async fn the_end_of_one_session_closes_its_tabs_only() {
        let hub = Hub::default();
        let (anna, ben) = (UserId::new("anna"), UserId::new("ben"));
        let join = |user, session| hub.join_session(user, session).unwrap();
        let mut ended = [join(&anna, "laptop"), join(&anna, "laptop")];
        let mut others = [join(&anna, "phone"), join(&ben, "laptop")];
        hub.end_session(&anna, "laptop");
        for tab in &mut ended {
            assert_eq!((&mut tab.ending).await, Ok(Closing::SignedOut));
        }
        assert!(others.iter_mut().all(|tab| tab.ending.try_recv().is_err()));
    }
}
