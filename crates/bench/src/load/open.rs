//! The open loop: requests start at intended times, whether or not earlier ones have ended. A request that finds
//! no free connection waits, first come, first served; its wait is measured as its start delay.
//!
//! Connections are opened ahead of need: some idle ones are kept, so that a request seldom waits for one, and
//! not as many as may be in flight, because idle connections block other clients of some servers.

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

/// For how long the arrivals should find idle connections without a new one being opened, s. A connection to
/// another continent takes about this long to open.
const SPARE_FOR_S: f64 = 0.5;

/// Returns how many idle connections the load keeps.
pub fn spare_connections(open: &OpenLoop, load: &LoadParameters) -> u32 {
    let requests = u32::try_from(load.requests).unwrap_or(u32::MAX);
    let most = load.concurrency.min(requests).max(1);
    ((open.rate * SPARE_FOR_S).ceil() as u32).clamp(1, most)
}

/// Starts each request at its intended time and returns when all of them have ended or, after a drain, those that
/// were started. `idle` are the connections opened so far.
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
    /// Most slots at a time, and so most requests in flight.
    limit: usize,
    /// Idle slots to keep.
    spare: usize,
    /// All slots that exist, those of `tasks` included.
    slots: usize,
    idle: Vec<ConnectionSlot>,
    /// Slots that are busy; each task gives its slot back.
    tasks: JoinSet<Returned>,
    /// Requests in flight; the other tasks open connections.
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

    /// Takes a slot back from its task. One whose request has ended is made ready for the next if there is time.
    fn take_back(&mut self, returned: Result<Returned, JoinError>, has_time: bool) {
        match returned {
            Ok(Returned::Ready(slot)) => self.idle.push(slot),
            Ok(Returned::Ended(slot)) => {
                self.running -= 1;
                if has_time { self.make_ready(slot) } else { self.idle.push(slot) }
            }
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    /// Starts waiting requests in their order, as far as there are idle slots.
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

    /// Returns the idle slot that was used last, so that the server closes none of those in use for idleness; one
    /// that it has closed only if there is no other.
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

    /// Reopens one idle connection that the server has closed. Done once per request, and only while another one
    /// is open, so that an endpoint that is down is not asked more often than there are requests.
    fn reopen_one(&mut self) {
        let closed = self.idle.iter_mut().position(|slot| !slot.is_open());
        if let Some(index) = closed.filter(|_| self.idle.iter_mut().any(ConnectionSlot::is_open)) {
            let slot = self.idle.remove(index);
            self.make_ready(slot);
        }
    }

    /// Opens connections until `wanted` are idle or about to be, within the limit.
    fn open_more(&mut self, wanted: usize) {
        while self.idle.len() + (self.tasks.len() - self.running) < wanted && self.slots < self.limit {
            self.slots += 1;
            let slot = (self.new_slot)();
            self.make_ready(slot);
        }
    }
}
