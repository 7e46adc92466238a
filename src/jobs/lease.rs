//! How long a worker may believe that its jobs are its own, and when it may believe others dead.
//!
//! Workers share no clock. Each shows that it lives by a number that grows (its beat); who sees the
//! number stand still for the length of a lease, by its own watch, takes its worker for dead. A worker
//! that cannot beat gives up earlier than that, so that its jobs have stopped when others start them.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::claims::Heartbeat;
use super::store::JobStore;
use crate::database::new_id;

/// A stretch of time in which this process may run jobs under one name.
#[derive(Debug)]
pub(super) struct Lease {
    pub worker: String,
    /// Once cancelled, the jobs belong to others: nothing of them may be written any more.
    pub lost: CancellationToken,
    length: Duration,
}

impl Lease {
    pub(super) fn new(length: Duration) -> Self {
        Self { worker: new_id(), lost: CancellationToken::new(), length }
    }

    /// How often to beat, and to look for those who do not.
    pub(super) fn heartbeat_interval(length: Duration) -> Duration {
        length / 3
    }

    /// Beats until the lease is lost.
    pub(super) async fn keep(&self, store: &JobStore) {
        let _lost_at_the_end = self.lost.clone().drop_guard();
        let every = Self::heartbeat_interval(self.length);
        let mut renewed = Instant::now();
        loop {
            let give_up_at = renewed + self.length * 2 / 3;
            let asked = Instant::now() + every;
            sleep_until(asked.min(give_up_at)).await;
            match timeout_at(give_up_at, store.heartbeat(&self.worker)).await {
                Ok(Ok(true)) => renewed = asked,
                Ok(Ok(false)) => {
                    return tracing::warn!("this process was taken for dead; its jobs go on elsewhere");
                }
                Ok(Err(error)) => tracing::warn!("cannot renew the lease on running jobs: {error}"),
                Err(_) => {
                    return tracing::warn!("the database was silent for too long; running jobs are given up");
                }
            }
        }
    }
}

/// What is known of the other workers.
#[derive(Debug, Default)]
pub(super) struct FailureDetector {
    /// Each worker's last beat, and when it was first seen.
    beats: HashMap<String, (i64, Instant)>,
}

impl FailureDetector {
    /// Takes note of the beats of all others; returns those that have stood still for `length`.
    pub(super) fn expired(
        &mut self,
        beats: Vec<Heartbeat>,
        length: Duration,
        now: Instant,
    ) -> Vec<Heartbeat> {
        self.beats.retain(|known, _| beats.iter().any(|(worker, _)| worker == known));
        let mut dead = Vec::new();
        for (worker, beat) in beats {
            let (seen, since) = self.beats.entry(worker.clone()).or_insert((beat, now));
            if *seen != beat {
                (*seen, *since) = (beat, now);
            } else if now.duration_since(*since) >= length {
                dead.push((worker, beat));
            }
        }
        dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(15);

    fn beats(of: &[(&str, i64)]) -> Vec<Heartbeat> {
        of.iter().map(|(worker, beat)| ((*worker).to_owned(), *beat)).collect()
    }

    #[test]
    fn who_stands_still_for_a_lease_is_dead_and_who_beats_is_not() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = FailureDetector::default();
        assert!(watch.expired(beats(&[("still", 7), ("lively", 1)]), LENGTH, at(0)).is_empty());
        assert!(watch.expired(beats(&[("still", 7), ("lively", 2)]), LENGTH, at(14)).is_empty());
        assert_eq!(
            watch.expired(beats(&[("still", 7), ("lively", 2)]), LENGTH, at(15)),
            beats(&[("still", 7)])
        );
        assert_eq!(watch.expired(beats(&[("lively", 2)]), LENGTH, at(29)), beats(&[("lively", 2)]));
    }

    #[test]
    fn who_comes_back_is_watched_anew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = FailureDetector::default();
        watch.expired(beats(&[("a", 1)]), LENGTH, at(0));
        watch.expired(beats(&[]), LENGTH, at(5));
        assert!(watch.expired(beats(&[("a", 1)]), LENGTH, at(16)).is_empty());
    }
}
