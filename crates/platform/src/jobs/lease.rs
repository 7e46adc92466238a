//! Leases: how long a worker may run its jobs without a heartbeat, and when others take them over.
//!
//! Workers share no clock. A heartbeat increments a number in the worker's row; another worker that sees
//! the number unchanged for the length of a lease, by its own clock, removes that worker. A worker that
//! cannot write its heartbeat stops its jobs earlier than that, so that no job runs twice.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::claims::Heartbeat;
use super::store::JobStore;
use crate::database::new_id;

/// The right of this process to run jobs as one worker.
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

    /// Returns how often to send a heartbeat and to look for workers that send none.
    pub(super) fn heartbeat_interval(length: Duration) -> Duration {
        length / 3
    }

    /// Sends heartbeats until the lease is lost.
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
                    return tracing::warn!("another process has taken over the jobs of this one");
                }
                Ok(Err(error)) => tracing::warn!("cannot renew the lease on running jobs: {error}"),
                Err(_) => {
                    return tracing::warn!(
                        "the database did not answer for too long; running jobs are given up"
                    );
                }
            }
        }
    }
}

/// Detects workers that send no heartbeats.
#[derive(Debug, Default)]
pub(super) struct FailureDetector {
    /// Each worker's last heartbeat, and when it was first seen.
    heartbeats: HashMap<String, (i64, Instant)>,
}

impl FailureDetector {
    /// Records the heartbeats of all other workers; returns those that have not changed for `length`.
    pub(super) fn expired(
        &mut self,
        heartbeats: Vec<Heartbeat>,
        length: Duration,
        now: Instant,
    ) -> Vec<Heartbeat> {
        self.heartbeats.retain(|known, _| heartbeats.iter().any(|(worker, _)| worker == known));
        let mut expired = Vec::new();
        for (worker, heartbeat) in heartbeats {
            let (seen, since) = self.heartbeats.entry(worker.clone()).or_insert((heartbeat, now));
            if *seen != heartbeat {
                (*seen, *since) = (heartbeat, now);
            } else if now.duration_since(*since) >= length {
                expired.push((worker, heartbeat));
            }
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(15);

    fn heartbeats(of: &[(&str, i64)]) -> Vec<Heartbeat> {
        of.iter().map(|(worker, number)| ((*worker).to_owned(), *number)).collect()
    }

    #[test]
    fn a_worker_without_heartbeats_for_a_lease_has_expired() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut detector = FailureDetector::default();
        assert!(detector.expired(heartbeats(&[("still", 7), ("lively", 1)]), LENGTH, at(0)).is_empty());
        assert!(detector.expired(heartbeats(&[("still", 7), ("lively", 2)]), LENGTH, at(14)).is_empty());
        assert_eq!(
            detector.expired(heartbeats(&[("still", 7), ("lively", 2)]), LENGTH, at(15)),
            heartbeats(&[("still", 7)])
        );
        assert_eq!(
            detector.expired(heartbeats(&[("lively", 2)]), LENGTH, at(29)),
            heartbeats(&[("lively", 2)])
        );
    }

    #[test]
    fn a_worker_that_comes_back_is_watched_anew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut detector = FailureDetector::default();
        detector.expired(heartbeats(&[("a", 1)]), LENGTH, at(0));
        detector.expired(heartbeats(&[]), LENGTH, at(5));
        assert!(detector.expired(heartbeats(&[("a", 1)]), LENGTH, at(16)).is_empty());
    }
}
