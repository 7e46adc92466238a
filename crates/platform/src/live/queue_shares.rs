//! Shares of the queue to the other processes: a user who sends more than a share loses messages, and nobody else.

use std::collections::{HashMap, HashSet};

use crate::accounts::UserId;

/// Maximum number of one user's messages in the queue.
pub(super) const SHARE: usize = 1024;

/// How many messages of each user are in the queue.
#[derive(Debug, Default)]
pub(super) struct QueueShares {
    queued: HashMap<UserId, usize>,
    /// Users of whom a message was lost. Those that are still in the queue are useless.
    lost: HashSet<UserId>,
}

impl QueueShares {
    /// Counts a message that is put into the queue. False if there is no room for it: it is lost.
    pub(super) fn put(&mut self, user: &UserId) -> bool {
        let queued = self.queued.get(user).copied().unwrap_or(0);
        if queued >= SHARE {
            self.lost.insert(user.clone());
        }
        if self.lost.contains(user) {
            return false;
        }
        self.queued.insert(user.clone(), queued + 1);
        true
    }

    /// Counts a message that is taken from the queue.
    pub(super) fn take(&mut self, user: &UserId) -> Taken {
        let left = self.queued.get(user).map_or(0, |queued| queued - 1);
        if left > 0 {
            self.queued.insert(user.clone(), left);
            return if self.lost.contains(user) { Taken::Useless } else { Taken::ToSend };
        }
        self.queued.remove(user);
        if self.lost.remove(user) { Taken::LastUseless } else { Taken::ToSend }
    }
}

/// What to do with a message from the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    ToSend,
    /// A later message of its user was lost.
    Useless,
    /// The same; it is the user's last one in the queue, so that the loss can be announced.
    LastUseless,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_more_than_a_share_loses_what_is_queued() {
        let [eve, anna] = ["eve", "anna"].map(UserId::new);
        let mut shares = QueueShares::default();
        assert!((0..SHARE).all(|_| shares.put(&eve)));
        assert!(!shares.put(&eve));
        assert!(shares.put(&anna));
        assert_eq!(shares.take(&anna), Taken::ToSend);
        for _ in 1..SHARE {
            assert_eq!(shares.take(&eve), Taken::Useless);
            assert!(!shares.put(&eve), "until the loss is announced");
        }
        assert_eq!(shares.take(&eve), Taken::LastUseless);
        assert!(shares.put(&eve));
        assert_eq!(shares.take(&eve), Taken::ToSend);
    }
}
