//! The open loop: requests start at intended times, whether or not earlier ones have ended. A request without
//! a free connection waits in a FIFO queue; its waiting time is recorded as start delay.
//!
//! Connections are opened in advance: a few are kept idle, so that requests rarely wait for one. Not all
//! allowed connections are opened, because on some servers idle connections block other clients.

use std::{collections::VecDeque, sync::Arc};

use tokio::{
    select,
    sync::mpsc::UnboundedReceiver,
    task::{JoinError, JoinSet},
};

use super::{Shared, arrivals::intended_starts};
use crate::{
    run::ConnectionSlot,
    types::{LoadParameters, OpenLoop},
};

/// Number of idle connections, in seconds of arrivals. Opening a connection to another continent takes about
/// this long.
const SPARE_FOR_S: f64 = 0.5;

/// Returns the number of idle connections that the load keeps.
pub fn spare_connections(open: &OpenLoop, load: &LoadParameters) -> u32 {
    let requests = u32::try_from(load.requests).unwrap_or(u32::MAX);
    let most = load.concurrency.min(requests).max(1);
    ((open.rate * SPARE_FOR_S).ceil() as u32).clamp(1, most)
}

/// Starts each request at its intended time and returns when all of them have ended; after a drain, when all
/// started ones have ended. `idle` are the connections opened so far.
pub(super) async fn run(
    load: &LoadParameters,
    open: &OpenLoop,
    idle: Vec<ConnectionSlot>,
    new_slot: &impl Fn() -> ConnectionSlot,
    shared: &Arc<Shared>,
) {
    let started_ns = shared.ledger().started_ns();
    let pool = Pool {
        limit: load.concurrency as usize,
        spare: spare_connections(open, load) as usize,
        slots: idle.len(),
        idle,
        tasks: JoinSet::new(),
        running: 0,
        new_slot,
        shared,
    };
    pool.run(intended_starts(load, open, started_ns)).await;
}

/// The connections of an open loop: idle, being opened, or with a request on them.
struct Pool<'a, F> {
    /// Maximum number of slots, and so of requests in flight.
    limit: usize,
    /// Number of idle slots to keep.
    spare: usize,
    /// Number of all slots, including those of `tasks`.
    slots: usize,
    idle: Vec<ConnectionSlot>,
    /// Tasks that use a slot; each returns its slot.
    tasks: JoinSet<Returned>,
    /// Number of requests in flight; the other tasks open connections.
    running: usize,
    new_slot: F,
    shared: &'a Arc<Shared>,
}

enum Returned {
    /// The slot's request has ended.
    Ended(ConnectionSlot),
    /// The slot was made ready for a request.
    Ready(ConnectionSlot),
}

impl<F: Fn() -> ConnectionSlot> Pool<'_, F> {
    async fn run(mut self, mut starts: UnboundedReceiver<u64>) {
        let drain = self.shared.drain.clone();
        let mut waiting = VecDeque::new();
        let mut more = true;
        while more || !waiting.is_empty() || self.running > 0 {
            let mut arrived = false;
            select! {
                biased;
                () = drain.cancelled(), if more || !waiting.is_empty() => {
                    more = false;
                    waiting.clear();
                }
                Some(returned) = self.tasks.join_next() => self.take_back(returned, more && waiting.is_empty()),
                intended = starts.recv(), if more => match intended {
                    Some(intended_ns) => {
                        arrived = true;
                        waiting.push_back(intended_ns);
                        self.reopen_one();
                    }
                    None => more = false,
                },
                else => break,
            }
            self.start_waiting(&mut waiting);
            if arrived && !waiting.is_empty() && self.running == self.limit {
                self.shared.ledger().hold_back();
            }
            self.open_more(if more { waiting.len().max(self.spare) } else { waiting.len() });
        }
    }

    /// Takes a slot back from its task. With `reconnect`, a slot whose request has ended is reconnected
    /// if necessary.
    fn take_back(&mut self, returned: Result<Returned, JoinError>, reconnect: bool) {
        match returned {
            Ok(Returned::Ready(slot)) => self.idle.push(slot),
            Ok(Returned::Ended(slot)) => {
                self.running -= 1;
                if reconnect { self.make_ready(slot) } else { self.idle.push(slot) }
            }
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    /// Starts waiting requests in FIFO order, while there are idle slots.
    fn start_waiting(&mut self, waiting: &mut VecDeque<u64>) {
        while !waiting.is_empty()
            && let Some(slot) = self.take_idle()
            && let Some(intended_ns) = waiting.pop_front()
        {
            self.start(slot, intended_ns);
        }
    }

    fn start(&mut self, mut slot: ConnectionSlot, intended_ns: u64) {
        let Some(run_number) = self.shared.take_request() else { return };
        let shared = Arc::clone(self.shared);
        self.running += 1;
        self.tasks.spawn(async move {
            let mut measured = slot.run(shared.tier, run_number).await;
            measured.count_from_intended_start(intended_ns);
            shared.record(measured);
            Returned::Ended(slot)
        });
    }

    /// Returns the most recently used open slot, so that the connections in use do not reach the server's
    /// idle timeout. Returns a closed slot only if there is no open one.
    fn take_idle(&mut self) -> Option<ConnectionSlot> {
        match self.idle.iter_mut().rposition(ConnectionSlot::is_open) {
            Some(index) => Some(self.idle.remove(index)),
            None => self.idle.pop(),
        }
    }

    fn make_ready(&mut self, mut slot: ConnectionSlot) {
        let shared = Arc::clone(self.shared);
        self.tasks.spawn(async move {
            if slot.make_ready(shared.tier).await {
                shared.ledger().count_connection();
            }
            Returned::Ready(slot)
        });
    }

    /// Reopens one idle connection that the server has closed. Called once per request and active only while
    /// another connection is open, so that an unavailable endpoint gets no more connections than requests.
    fn reopen_one(&mut self) {
        let closed = self.idle.iter_mut().position(|slot| !slot.is_open());
        if let Some(index) = closed.filter(|_| self.idle.iter_mut().any(ConnectionSlot::is_open)) {
            let slot = self.idle.remove(index);
            self.make_ready(slot);
        }
    }

    /// Opens connections until `wanted` are idle or being opened, within the limit.
    fn open_more(&mut self, wanted: usize) {
        while self.idle.len() + (self.tasks.len() - self.running) < wanted && self.slots < self.limit {
            self.slots += 1;
            let slot = (self.new_slot)();
            self.make_ready(slot);
        }
    }
}
