//! The part of a process that runs jobs: claims them, keeps the lease on them, takes over those of
//! processes that died.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::error::JobError;
use super::lease::{Lease, Watch};
use super::limits::Cluster;
use super::publisher::announce;
use super::run::Run;
use super::service::{CANCEL, JobService, WAKE};
use super::types::JobEvent;
use crate::database::now_ms;
use crate::live::broadcast::Signal;

/// Runs jobs until the service is drained. When the lease is lost, all of its work ends before there is
/// a new one.
pub(super) async fn run(service: JobService) {
    while !service.inner.drain.is_cancelled() {
        let Some(lease) = begin(&service).await else { return };
        let lease = Arc::new(lease);
        let mut runs = JoinSet::new();
        tokio::select! {
            () = keep(&service, &lease) => {}
            () = hear_signals(&service) => {}
            () = serve(&service, &lease, &mut runs) => {}
        }
        lease.lost.cancel();
        while runs.join_next().await.is_some() {}
        if let Err(error) = service.inner.store.sign_off(&lease.runner).await {
            tracing::warn!("cannot sign off as a runner of jobs: {error}");
        }
    }
    service.wake();
}

/// Signs on as a runner; tries until it succeeds or the service is drained.
async fn begin(service: &JobService) -> Option<Lease> {
    let lease = Lease::new(service.inner.settings.lease);
    let wait = Lease::beat_every(service.inner.settings.lease);
    while let Err(error) = sign_on(service, &lease).await {
        tracing::warn!("cannot sign on as a runner of jobs: {error}");
        service.inner.drain.run_until_cancelled(sleep(wait)).await?;
    }
    Some(lease)
}

async fn sign_on(service: &JobService, lease: &Lease) -> Result<(), JobError> {
    let store = &service.inner.store;
    store.register(&lease.runner, now_ms()).await?;
    if service.inner.settings.peers == Cluster::SingleProcess {
        for other in store.others(&lease.runner).await? {
            store.bury(&other).await?;
        }
    }
    Ok(())
}

/// Keeps the lease against other processes, and theirs in view. Ends when it is lost.
async fn keep(service: &JobService, lease: &Lease) {
    match service.inner.settings.peers {
        Cluster::SingleProcess => std::future::pending().await,
        Cluster::MultiProcess => tokio::select! {
            () = lease.keep(&service.inner.store) => {}
            () = watch_others(service, lease) => {}
        },
    }
}

async fn watch_others(service: &JobService, lease: &Lease) {
    let length = service.inner.settings.lease;
    let mut watch = Watch::default();
    loop {
        match service.inner.store.others(&lease.runner).await {
            Ok(beats) => {
                for dead in watch.dead(beats, length, Instant::now()) {
                    bury(service, &dead).await;
                }
            }
            Err(error) => tracing::warn!("cannot look for processes that died: {error}"),
        }
        sleep(Lease::beat_every(length)).await;
    }
}

async fn bury(service: &JobService, dead: &(String, i64)) {
    match service.inner.store.bury(dead).await {
        Ok(true) => {
            tracing::warn!(runner = dead.0, "a process that ran jobs is dead; its jobs are taken over");
            service.inner.wake.notify_one();
        }
        Ok(false) => {}
        Err(error) => tracing::warn!("cannot take over the jobs of a dead process: {error}"),
    }
}

async fn hear_signals(service: &JobService) {
    let mut signals = service.inner.relay.signals();
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

/// Starts whatever may start, whenever something changes. Ends when the service is drained and the
/// last run has ended.
async fn serve(service: &JobService, lease: &Arc<Lease>, runs: &mut JoinSet<()>) {
    let inner = &service.inner;
    while !inner.drain.is_cancelled() {
        if let Err(error) = start_what_waits(service, lease, runs).await {
            tracing::warn!("cannot look for jobs to run: {error}");
        }
        tokio::select! {
            () = inner.wake.notified() => {}
            Some(_) = runs.join_next() => {}
            () = inner.drain.cancelled() => {}
            () = sleep(Lease::beat_every(inner.settings.lease)) => {}
        }
    }
    while runs.join_next().await.is_some() {}
}

async fn start_what_waits(
    service: &JobService,
    lease: &Arc<Lease>,
    runs: &mut JoinSet<()>,
) -> Result<(), JobError> {
    tidy(service, lease).await?;
    while runs.len() < service.inner.settings.slots && !service.inner.drain.is_cancelled() {
        let Some(job) = service.inner.store.claim(&lease.runner, now_ms()).await? else { break };
        runs.spawn(Run::new(service.clone(), Arc::clone(lease), job).go());
    }
    Ok(())
}

/// Goes on with what others left half done: jobs of the dead, cancels, jobs between two states.
async fn tidy(service: &JobService, lease: &Lease) -> Result<(), JobError> {
    let store = &service.inner.store;
    store.interrupt_orphans(now_ms()).await?;
    for job in store.half_cancelled().await? {
        service.cancel_waiting(&job).await?;
    }
    for job in store.enqueue_waiting(now_ms()).await? {
        let error = job.job.error.unwrap_or_default();
        announce(&service.inner.relay, &job.user, &JobEvent::JobFailed { job_id: job.job.id, error });
    }
    service.stop_all_but(&store.wanted(&lease.runner).await?);
    Ok(())
}
