//! The part of a process that runs jobs: claims them, keeps the lease on them, and takes over those of
//! processes that crashed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};

use super::claims::{Heartbeat, MAX_CRASHES};
use super::error::JobError;
use super::lease::{FailureDetector, Lease};
use super::limits::Cluster;
use super::run::Run;
use super::service::{CANCEL, JobService, WAKE};
use crate::database::now_ms;
use crate::database::retry::retry;
use crate::live::broadcast::Signal;
use crate::messages::ServerMessage;

/// Finished jobs are removed after 30 days, so many in one statement, that often.
const KEEP_FINISHED_MS: i64 = 30 * 24 * 3_600_000;
pub(super) const REMOVE_AT_ONCE: i64 = 500;
const REMOVE_EVERY: Duration = Duration::from_hours(1);

/// Runs jobs until the service is drained. When the lease is lost, all runs end before there is a new
/// one.
pub(super) async fn run(service: JobService) {
    let drain = &service.inner.drain;
    while !drain.is_cancelled() {
        let Some(lease) = begin(&service).await else { return };
        let lease = Arc::new(lease);
        let mut runs = JoinSet::new();
        tokio::select! {
            () = keep(&service, &lease) => {}
            () = receive_signals(&service) => {}
            () = maintenance_loop(&service) => {}
            () = claim_loop(&service, &lease, &mut runs) => {}
        }
        lease.lost.cancel();
        while let Some(end) = runs.join_next().await {
            log_panic(end);
        }
        let deregister = || service.inner.store.deregister(&lease.worker, now_ms());
        if let Err(error) = retry(drain.cancelled(), None, |_| true, deregister).await {
            tracing::warn!("cannot deregister as a worker: {error}");
        }
    }
    service.wake();
}

/// Registers a worker; tries until it succeeds or the service is drained.
async fn begin(service: &JobService) -> Option<Lease> {
    let lease = Lease::new(service.inner.settings.lease);
    let register = || register(service, &lease);
    retry(service.inner.drain.cancelled(), None, |_| true, register).await.ok()?;
    Some(lease)
}

async fn register(service: &JobService, lease: &Lease) -> Result<(), JobError> {
    let store = &service.inner.store;
    store.register(&lease.worker, now_ms()).await?;
    if service.inner.settings.peers == Cluster::SingleProcess {
        for other in store.other_workers(&lease.worker).await? {
            store.remove_dead_worker(&other).await?;
        }
    }
    Ok(())
}

/// Renews the lease and watches those of other processes. Ends when the lease is lost.
async fn keep(service: &JobService, lease: &Lease) {
    match service.inner.settings.peers {
        Cluster::SingleProcess => std::future::pending().await,
        Cluster::MultiProcess => tokio::select! {
            () = lease.keep(&service.inner.store) => {}
            () = watch_other_workers(service, lease) => {}
        },
    }
}

async fn watch_other_workers(service: &JobService, lease: &Lease) {
    let length = service.inner.settings.lease;
    let mut detector = FailureDetector::default();
    loop {
        match service.inner.store.other_workers(&lease.worker).await {
            Ok(heartbeats) => {
                for expired in detector.expired(heartbeats, length, Instant::now()) {
                    remove_dead_worker(service, &expired).await;
                }
            }
            Err(error) => tracing::warn!("cannot look for processes that crashed: {error}"),
        }
        sleep(Lease::heartbeat_interval(length)).await;
    }
}

async fn remove_dead_worker(service: &JobService, expired: &Heartbeat) {
    match service.inner.store.remove_dead_worker(expired).await {
        Ok(true) => {
            tracing::warn!(worker = expired.0, "the lease of a worker expired; its jobs are taken over");
            service.inner.wake.notify_one();
        }
        Ok(false) => {}
        Err(error) => tracing::warn!("cannot take over the jobs of a crashed process: {error}"),
    }
}

async fn receive_signals(service: &JobService) {
    let mut signals = service.inner.broadcaster.signals();
    loop {
        match signals.recv().await {
            Ok(Signal { topic, body }) if topic == CANCEL => drop(service.stop_here(&body)),
            Ok(Signal { topic, .. }) if topic != WAKE => {}
            // Whatever was missed is found in the database.
            Ok(_) | Err(RecvError::Lagged(_)) => service.inner.wake.notify_one(),
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Does what may take long and what no claim waits for: finishes cancels that somebody else began, and
/// removes old jobs.
async fn maintenance_loop(service: &JobService) {
    let mut remove_at = Instant::now();
    loop {
        log("finish cancels", finish_cancels(service).await);
        if Instant::now() >= remove_at {
            log("remove old jobs", remove_old_jobs(service, now_ms()).await);
            remove_at = Instant::now() + REMOVE_EVERY;
        }
        sleep(Lease::heartbeat_interval(service.inner.settings.lease)).await;
    }
}

async fn finish_cancels(service: &JobService) -> Result<(), JobError> {
    for job in service.inner.store.unfinished_cancels(&service.job_types()).await? {
        if let Err(error) = service.cancel_waiting(&job).await {
            tracing::error!(job = job.job.id, "cannot cancel it now: {error}");
        }
    }
    Ok(())
}

pub(super) async fn remove_old_jobs(service: &JobService, now_ms: i64) -> Result<(), JobError> {
    let store = &service.inner.store;
    while store.remove_finished(now_ms - KEEP_FINISHED_MS, REMOVE_AT_ONCE).await? > 0 {}
    Ok(())
}

/// Starts whatever may start, whenever something changes. Ends when the service is drained and the
/// last run has ended.
async fn claim_loop(service: &JobService, lease: &Arc<Lease>, runs: &mut JoinSet<()>) {
    let inner = &service.inner;
    while !inner.drain.is_cancelled() {
        recover(service, lease).await;
        log("claim jobs", start_waiting(service, lease, runs).await);
        tokio::select! {
            () = inner.wake.notified() => {}
            Some(end) = runs.join_next() => log_panic(end),
            () = inner.drain.cancelled() => {}
            () = sleep(Lease::heartbeat_interval(inner.settings.lease)) => {}
        }
    }
    while let Some(end) = runs.join_next().await {
        log_panic(end);
    }
}

async fn start_waiting(
    service: &JobService,
    lease: &Arc<Lease>,
    runs: &mut JoinSet<()>,
) -> Result<(), JobError> {
    while runs.len() < service.inner.settings.slots && !service.inner.drain.is_cancelled() {
        let job_types = service.job_types_with_room();
        let claimed = service.inner.store.claim(&lease.worker, &job_types, now_ms()).await?;
        let Some(job) = claimed else { break };
        runs.spawn(Run::new(service.clone(), Arc::clone(lease), job).execute());
    }
    Ok(())
}

/// Resumes what other processes left: the jobs of crashed ones, jobs that no queue holds, cancels of
/// jobs that run here. One step that fails keeps none of the others from its work.
async fn recover(service: &JobService, lease: &Lease) {
    let store = &service.inner.store;
    log("interrupt jobs of crashed processes", store.interrupt_orphans(now_ms()).await);
    log("give up jobs", give_up(service).await);
    log("queue jobs", store.enqueue_waiting(now_ms()).await);
    if let Some(keep) = log("look for cancels", store.jobs_to_keep(&lease.worker).await) {
        service.stop_all_but(&keep);
    }
}

/// Fails the jobs during which too many workers crashed.
async fn give_up(service: &JobService) -> Result<(), JobError> {
    let error = format!("The server ended {MAX_CRASHES} times while this job ran; it was not tried again.");
    for id in service.inner.store.to_give_up(&service.job_types()).await? {
        match service.fail(&id, None, &error).await {
            Ok(Some(job)) => {
                let event = ServerMessage::JobFailed { job_id: id, error: error.clone() };
                service.inner.broadcaster.send(&job.user, &event);
            }
            // Another process came first.
            Ok(None) | Err(JobError::Illegal { .. }) => {}
            Err(error) => tracing::error!(job = id, "cannot give it up: {error}"),
        }
    }
    Ok(())
}

fn log<T>(what: &str, result: Result<T, impl fmt::Display>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!("cannot {what}: {error}")).ok()
}

/// A run catches its own panics; one of its last steps may still have panicked.
fn log_panic(end: Result<(), JoinError>) {
    if let Err(error) = end {
        tracing::error!("the run of a job panicked: {error}");
    }
}
