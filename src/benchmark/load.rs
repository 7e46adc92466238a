//! Load mode: a closed loop that keeps exactly so many requests in flight on warm connections.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    select,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{
    board::{Board, RowId},
    engine::{Plan, PlanError, progress},
    request::Recipe,
    run::{Endpoint, Measured, Slot},
    types::{Event, LoadParameters, LoadSummary, Parameters, Progress},
};
use crate::providers::client::clock::monotonic_ns;

/// Connections that are opened at the same time before the load begins.
const OPENING_AT_ONCE: usize = 64;
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Bounds of a load.
///
/// # Errors
/// When a number is out of range or the plan has more than one model or tier.
pub(super) fn check(load: &LoadParameters, plan: &Plan) -> Result<(), PlanError> {
    let complain = |text: String| Err(PlanError(text));
    if !(1..=4096).contains(&load.concurrency) {
        return complain(format!("concurrency must be 1 to 4096, not {}", load.concurrency));
    }
    if load.requests < u64::from(load.concurrency) {
        return complain(format!(
            "a load of {} requests cannot keep {} in flight: ask for at least as many requests",
            load.requests, load.concurrency
        ));
    }
    if plan.targets.len() > 1 {
        return complain(format!(
            "a load measures one model, not {}: name it with --model",
            plan.targets.len()
        ));
    }
    if plan.parameters.context_tiers.len() > 1 {
        return complain("a load measures one context tier: give only one".into());
    }
    Ok(())
}

/// Runs the whole load of one model at one tier into `row`.
pub(super) async fn run(
    load: &LoadParameters,
    recipe: &Arc<Recipe>,
    endpoint: &Arc<Endpoint>,
    parameters: &Parameters,
    tier: u64,
    row: RowId,
    board: &Board,
) {
    let slots = open_slots(load, recipe, endpoint, parameters).await;
    board.set_load(row, |summary| *summary = Some(Ledger::empty(*load)));
    let shared = Arc::new(Shared { ledger: Mutex::new(Ledger::new(*load)), board: board.clone(), row, tier });
    let mut running = JoinSet::new();
    for slot in slots {
        running.spawn(work(slot, Arc::clone(&shared)));
    }
    let mut ticks = interval(PROGRESS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        select! {
            ended = running.join_next() => if ended.is_none() { break },
            _ = ticks.tick() => shared.tell_progress(recipe),
        }
    }
    shared.tell_progress(recipe);
    shared.write_summary();
}

/// Opens every connection before the first request: a slot that cannot connect tries again with its
/// first request, which then fails for all to see.
async fn open_slots(
    load: &LoadParameters,
    recipe: &Arc<Recipe>,
    endpoint: &Arc<Endpoint>,
    parameters: &Parameters,
) -> Vec<Slot> {
    let mut slots = Vec::with_capacity(load.concurrency as usize);
    let mut opening = JoinSet::new();
    for _ in 0..load.concurrency {
        if opening.len() >= OPENING_AT_ONCE
            && let Some(Ok(slot)) = opening.join_next().await
        {
            slots.push(slot);
        }
        let mut slot = Slot::new(Arc::clone(recipe), Arc::clone(endpoint), parameters.timeouts);
        opening.spawn(async move {
            let _ = slot.connect().await;
            slot
        });
    }
    while let Some(Ok(slot)) = opening.join_next().await {
        slots.push(slot);
    }
    slots
}

async fn work(mut slot: Slot, shared: Arc<Shared>) {
    while let Some(run_number) = shared.take_request() {
        let measured = slot.run(shared.tier, run_number).await;
        shared.ledger().record(&measured);
        shared.board.push_load(shared.row, measured);
        shared.write_summary();
    }
    shared.ledger().slot_found_no_work();
}

struct Shared {
    ledger: Mutex<Ledger>,
    board: Board,
    row: RowId,
    tier: u64,
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_request(&self) -> Option<u64> {
        self.ledger().take_request()
    }

    /// Keeps the row's figures current, so that a cancelled load still has them.
    fn write_summary(&self) {
        let summary = self.ledger().summary(monotonic_ns());
        self.board.set_load(self.row, |load| {
            let runs_omitted = load.as_ref().map_or(0, |load| load.runs_omitted);
            *load = Some(LoadSummary { runs_omitted, ..summary });
        });
    }

    fn tell_progress(&self, recipe: &Recipe) {
        let (done, total, live_tps) = self.ledger().progress(monotonic_ns());
        let data = Progress { live_tps, ..progress(recipe, self.tier, done, total) };
        self.board.tell(Event::BenchmarkProgress { data });
    }
}

/// Who is busy, and what arrived while all were.
#[derive(Debug)]
struct Ledger {
    load: LoadParameters,
    started_ns: u64,
    handed_out: u64,
    done: u64,
    in_flight: u32,
    max_in_flight: u32,
    connections_opened: u64,
    /// When every slot had its first request.
    all_busy_ns: Option<u64>,
    /// When the first slot found nothing left to do.
    first_idle_ns: Option<u64>,
    steady_requests: u64,
    steady_tokens: f64,
    all_tokens: u64,
    all_requests: u64,
    last_tick: (u64, u64),
}

impl Ledger {
    fn new(load: LoadParameters) -> Self {
        Self {
            load,
            started_ns: monotonic_ns(),
            handed_out: 0,
            done: 0,
            in_flight: 0,
            max_in_flight: 0,
            connections_opened: u64::from(load.concurrency),
            all_busy_ns: None,
            first_idle_ns: None,
            steady_requests: 0,
            steady_tokens: 0.0,
            all_tokens: 0,
            all_requests: 0,
            last_tick: (0, 0),
        }
    }

    fn empty(load: LoadParameters) -> LoadSummary {
        Self::new(load).summary(monotonic_ns())
    }

    fn take_request(&mut self) -> Option<u64> {
        if self.handed_out == self.load.requests {
            return None;
        }
        self.handed_out += 1;
        self.in_flight += 1;
        self.max_in_flight = self.max_in_flight.max(self.in_flight);
        if self.in_flight == self.load.concurrency {
            self.all_busy_ns.get_or_insert_with(monotonic_ns);
        }
        Some(self.handed_out)
    }

    fn slot_found_no_work(&mut self) {
        self.first_idle_ns.get_or_insert_with(monotonic_ns);
    }

    /// Tokens count where their chunks arrived: a request that began in the steady part and ended
    /// after it gives it its share.
    fn record(&mut self, measured: &Measured) {
        self.done += 1;
        self.in_flight -= 1;
        self.connections_opened += u64::from(measured.run.connect_ms.is_some());
        if !measured.run.success {
            return;
        }
        let tokens = measured.run.output_tokens.unwrap_or(0);
        self.all_tokens += tokens;
        self.all_requests += 1;
        let from = self.all_busy_ns.unwrap_or(u64::MAX);
        let to = self.first_idle_ns.unwrap_or(u64::MAX);
        let arrivals = &measured.arrivals_ns;
        let steady = arrivals.iter().filter(|&&at| at >= from && at < to).count();
        self.steady_tokens += tokens as f64 * steady as f64 / arrivals.len().max(1) as f64;
        self.steady_requests += u64::from(arrivals.last().is_some_and(|&at| at >= from && at < to));
    }

    fn progress(&mut self, now_ns: u64) -> (u64, u64, Option<f64>) {
        let (last_ns, last_tokens) = self.last_tick;
        self.last_tick = (now_ns, self.all_tokens);
        let seconds = now_ns.saturating_sub(last_ns) as f64 / 1e9;
        let live = (last_ns > 0 && seconds > 0.0).then(|| (self.all_tokens - last_tokens) as f64 / seconds);
        (self.done, self.load.requests, live)
    }

    fn summary(&self, now_ns: u64) -> LoadSummary {
        let duration_s = now_ns.saturating_sub(self.started_ns) as f64 / 1e9;
        let end = self.first_idle_ns.unwrap_or(now_ns);
        let steady_s = self.all_busy_ns.map_or(0.0, |start| end.saturating_sub(start) as f64 / 1e9);
        let (tokens, requests, seconds) = if self.steady_requests > 0 && steady_s > 0.0 {
            (self.steady_tokens, self.steady_requests as f64, steady_s)
        } else {
            (self.all_tokens as f64, self.all_requests as f64, duration_s)
        };
        let rate = |amount: f64| (self.all_requests > 0 && seconds > 0.0).then(|| amount / seconds);
        LoadSummary {
            concurrency: self.load.concurrency,
            requests: self.load.requests,
            duration_s,
            steady_s,
            output_tokens_per_second: rate(tokens),
            requests_per_second: rate(requests),
            max_in_flight: self.max_in_flight,
            connections_opened: self.connections_opened,
            runs_omitted: 0,
        }
    }
}
