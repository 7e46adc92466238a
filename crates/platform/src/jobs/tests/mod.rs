//! Jobs from submission to end, on each database. Handlers do what the test says when it
//! says it; nothing here waits for time to pass but leases, which are short.

mod cancel;
mod faults;
mod limits;
mod model;
mod query_plans;
mod run;
mod takeover;
mod test_handler;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::limits::{Cluster, Settings};
use super::service::JobService;
use super::store::NewJob;
use crate::accounts::UserId;
use crate::database::Database;
use crate::live::hub::Subscription;
use crate::live::{Broadcaster, Hub};
use crate::messages::{Job, JobState, ServerMessage};
use test_handler::{HandlerControl, TestHandler};

/// A server process as far as jobs go.
struct Process {
    jobs: JobService,
    hub: Hub,
    control: HandlerControl,
}

/// The limits of tests that have nothing to do with limits.
fn settings() -> Settings {
    Settings { stop_within: Duration::from_millis(50), ..Settings::new(Cluster::SingleProcess) }
}

/// Leases that run out while a test waits.
fn short_lease() -> Settings {
    Settings { lease: Duration::from_millis(600), peers: Cluster::MultiProcess, ..settings() }
}

impl Process {
    async fn start(database: &Database, settings: Settings) -> Self {
        let process = Self::idle(database, settings).await;
        process.jobs.start();
        process
    }

    /// A process that runs nothing yet.
    async fn idle(database: &Database, settings: Settings) -> Self {
        let hub = Hub::default();
        let relay = Broadcaster::connect(database, hub.clone()).await.unwrap();
        let jobs = JobService::new(database.clone(), relay, settings);
        let (handler, control) = TestHandler::new();
        jobs.register(Arc::new(handler));
        Self { jobs, hub, control }
    }

    async fn submit(&self, user: &UserId, params: Value) -> Job {
        self.jobs.submit(user, new_job(params)).await.unwrap()
    }

    async fn state(&self, user: &UserId, id: &str) -> JobState {
        self.jobs.get(user, id).await.unwrap().0.status
    }
}

fn new_job(params: Value) -> NewJob {
    NewJob { job_type: test_handler::JOB_TYPE, params, detail: "A test".into(), limit: None }
}

/// The next message that a tab receives.
async fn event(tab: &mut Subscription) -> ServerMessage {
    let text = tab.frames.recv().await.expect("the tab was dropped");
    ServerMessage::from_json(&text).unwrap()
}

/// Waits for the event by which a job ends.
async fn end_of(tab: &mut Subscription, id: &str) -> ServerMessage {
    loop {
        let event = event(tab).await;
        match &event {
            ServerMessage::JobCompleted { job_id, .. }
            | ServerMessage::JobFailed { job_id, .. }
            | ServerMessage::JobCancelled { job_id }
                if job_id == id =>
            {
                return event;
            }
            _ => {}
        }
    }
}

fn plain() -> Value {
    json!({})
}
