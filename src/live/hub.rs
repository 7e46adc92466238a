//! The meeting point of those who have something to say and the tabs that listen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::types::Frame;
use crate::accounts::UserId;

/// Frames that may wait for one tab; a tab with more is too slow and is dropped.
const WAITING_FRAMES: usize = 1024;

/// What a room tells a tab that has just connected, so that it knows the whole present state.
pub trait Snapshot: Send + Sync + 'static {
    /// The frames, in the order in which they are sent.
    fn frames<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<Vec<Frame>>>;
}

/// Each user's tabs; a frame is shared by all of them.
type Tabs = HashMap<UserId, Vec<mpsc::Sender<Arc<str>>>>;

/// All tabs of all users that are connected to this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    tabs: Arc<Mutex<Tabs>>,
}

impl Hub {
    /// A new tab of `user`: what it will be told, each frame as JSON. The channel closes when the tab
    /// is too slow, or its session has ended.
    pub fn join(&self, user: &UserId) -> mpsc::Receiver<Arc<str>> {
        let (sender, receiver) = mpsc::channel(WAITING_FRAMES);
        self.lock().entry(user.clone()).or_default().push(sender);
        receiver
    }

    /// Tells every tab of `user`. Never waits: a tab that cannot take it is dropped.
    pub fn send(&self, user: &UserId, frame: &Frame) {
        let Ok(text) = serde_json::to_string(frame) else { return };
        let text: Arc<str> = text.into();
        let mut all = self.lock();
        let Some(tabs) = all.get_mut(user) else { return };
        tabs.retain(|tab| tab.try_send(Arc::clone(&text)).is_ok());
        if tabs.is_empty() {
            all.remove(user);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tabs> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &str) -> Frame {
        Frame { name: name.into(), job_id: None, fields: serde_json::Map::new() }
    }

    #[tokio::test]
    async fn every_tab_of_the_user_hears_it_and_nobody_else() {
        let hub = Hub::default();
        let (anna, ben) = (UserId::new("anna"), UserId::new("ben"));
        let (mut first, mut second, mut other) = (hub.join(&anna), hub.join(&anna), hub.join(&ben));
        hub.send(&anna, &frame("pong"));
        assert_eq!(&*first.recv().await.unwrap(), r#"{"type":"pong"}"#);
        assert_eq!(&*second.recv().await.unwrap(), r#"{"type":"pong"}"#);
        assert!(other.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_tab_that_is_too_slow_is_dropped() {
        let hub = Hub::default();
        let anna = UserId::new("anna");
        let (mut slow, mut quick) = (hub.join(&anna), hub.join(&anna));
        for _ in 0..=WAITING_FRAMES {
            hub.send(&anna, &frame("pong"));
            quick.recv().await.unwrap();
        }
        let mut heard = 0;
        while slow.recv().await.is_some() {
            heard += 1;
        }
        assert_eq!(heard, WAITING_FRAMES);
    }
}
