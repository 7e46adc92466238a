//! Load mode: sends many concurrent requests on open connections, in a closed or an open loop.

mod arrivals;
pub(super) mod ledger;
mod open;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::stream::{self, StreamExt};
use tokio::{
    select,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    group::{Drained, Tier, progress},
    request::RequestTemplate,
    results::{ResultCollector, RowId},
    run::{ConnectionSlot, Endpoint, Measured},
    types::{Event, LoadParameters, Parameters, Progress},
};
use endpoint::client::clock::monotonic_ns;
use ledger::Ledger;

/// Number of connections opened concurrently before the load starts.
const CONCURRENT_OPENS: usize = 64;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Runs the whole load of one model into the row of `tier`.
///
/// # Errors
/// When `drain` was cancelled before all requests were started.
pub(super) async fn run(
    load: &LoadParameters,
    template: &Arc<RequestTemplate>,
    endpoint: &Arc<Endpoint>,
    parameters: &Parameters,
    tier: &Tier,
    collector: &ResultCollector,
    drain: &CancellationToken,
) -> Result<(), Drained> {
    let new_slot = || ConnectionSlot::new(Arc::clone(template), Arc::clone(endpoint), parameters.timeouts);
    let at_first = load.open_loop.map_or(load.concurrency, |open| open::spare_connections(&open, load));
    let (slots, opened) = select! {
        slots = open_slots(at_first, &new_slot, tier.tokens) => slots,
        () = drain.cancelled() => return Err(Drained),
    };
    let shared = Arc::new(Shared {
        ledger: Mutex::new(Ledger::new(*load, opened, monotonic_ns())),
        collector: collector.clone(),
        row: tier.row,
        tier: tier.tokens,
        drain: drain.clone(),
    });
    shared.write_summary();
    let work = async {
        match load.open_loop {
            None => run_closed_loop(slots, &shared).await,
            Some(open) => open::run(load, &open, slots, &new_slot, &shared).await,
        }
    };
    tokio::pin!(work);
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        select! {
            () = &mut work => break,
            _ = ticks.tick() => shared.report_progress(template),
        }
    }
    shared.report_progress(template);
    shared.write_summary();
    if shared.ledger().all_handed_out() { Ok(()) } else { Err(Drained) }
}

/// Opens connections before the first request and returns the slots and the number of open connections. A
/// slot that cannot connect tries again with its first request, which records the failure.
async fn open_slots(
    count: u32,
    new_slot: &impl Fn() -> ConnectionSlot,
    tier: u64,
) -> (Vec<ConnectionSlot>, u64) {
    let open_one = || {
        let mut slot = new_slot();
        async move {
            let opened = slot.make_ready(tier).await;
            (slot, u64::from(opened))
        }
    };
    let opening = stream::iter(0..count).map(|_| open_one()).buffer_unordered(CONCURRENT_OPENS);
    let (slots, opened): (Vec<_>, Vec<_>) = opening.unzip().await;
    (slots, opened.into_iter().sum())
}

/// Sends requests on all slots until every request has ended.
async fn run_closed_loop(slots: Vec<ConnectionSlot>, shared: &Arc<Shared>) {
    let mut running = JoinSet::new();
    for slot in slots {
        running.spawn(run_slot(slot, Arc::clone(shared)));
    }
    while running.join_next().await.is_some() {}
}

async fn run_slot(mut slot: ConnectionSlot, shared: Arc<Shared>) {
    while let Some(run_number) = shared.take_request() {
        let measured = slot.run(shared.tier, run_number).await;
        shared.record(measured);
    }
    shared.ledger().slot_found_no_work(monotonic_ns());
}

struct Shared {
    ledger: Mutex<Ledger>,
    collector: ResultCollector,
    row: RowId,
    tier: u64,
    drain: CancellationToken,
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_request(&self) -> Option<u64> {
        if self.drain.is_cancelled() {
            return None;
        }
        self.ledger().take_request(monotonic_ns())
    }

    fn record(&self, measured: Measured) {
        self.ledger().record(&measured);
        self.collector.push_load(self.row, measured);
        self.write_summary();
    }

    /// Updates the row's figures, so that a cancelled load has them too.
    fn write_summary(&self) {
        self.collector.set_load(self.row, self.ledger().summary(monotonic_ns()));
    }

    fn report_progress(&self, template: &RequestTemplate) {
        let (done, total, live_tps) = self.ledger().progress(monotonic_ns());
        let data = Progress { live_tps, ..progress(template, self.tier, done, total) };
        self.collector.tell(Event::BenchmarkProgress { data });
    }
}
