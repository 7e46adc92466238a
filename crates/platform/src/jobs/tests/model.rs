//! Whatever workers and users try, in whatever order: the database does what the model says.

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;
use crate::database::now_ms;
use crate::database::testing::{add_user, databases};
use crate::jobs::JobError;
use crate::jobs::store::JobStore;
use crate::jobs::transition::{Interruption, Transition};

const WORKERS: [&str; 2] = ["left", "right"];

/// What somebody tries.
#[derive(Debug, Clone, Copy)]
enum Attempt {
    Change(Transition<'static>),
    RequestCancel,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let worker = || prop::sample::select(WORKERS.to_vec());
    let holder = || prop::option::of(worker());
    prop_oneof![
        Just(Attempt::Change(Transition::Queue)),
        worker().prop_map(|worker| Attempt::Change(Transition::Start { worker })),
        worker().prop_map(|worker| Attempt::Change(Transition::Finish { worker, result_ref: Some("r") })),
        holder().prop_map(|held_by| Attempt::Change(Transition::Fail { held_by, error: "E." })),
        holder().prop_map(|held_by| Attempt::Change(Transition::Cancel { held_by })),
        worker().prop_map(|worker| {
            Attempt::Change(Transition::Interrupt { worker, why: Interruption::Crash })
        }),
        Just(Attempt::RequestCancel),
    ]
}

/// What a job's row should say.
#[derive(Debug, PartialEq)]
struct Model {
    state: JobState,
    holder: Option<&'static str>,
    cancel_requested: bool,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Changed,
    TooLate,
    Illegal,
}

impl Model {
    fn change(&mut self, transition: Transition<'static>) -> Outcome {
        let (to, held_by, barred) = match transition {
            Transition::Queue => (JobState::Queued, None, false),
            Transition::Start { .. } => (JobState::Running, None, true),
            Transition::Finish { worker, .. } => (JobState::Done, Some(worker), true),
            Transition::Fail { held_by, .. } => (JobState::Failed, held_by, true),
            Transition::Cancel { held_by } => (JobState::Cancelled, held_by, false),
            Transition::Interrupt { worker, .. } => (JobState::Interrupted, Some(worker), false),
        };
        if !self.state.may_become(to) {
            return Outcome::Illegal;
        }
        if self.holder != held_by || (barred && self.cancel_requested) {
            return Outcome::TooLate;
        }
        self.state = to;
        self.holder = if let Transition::Start { worker } = transition { Some(worker) } else { None };
        Outcome::Changed
    }

    fn request_cancel(&mut self) -> Outcome {
        if !self.state.is_active() {
            return Outcome::TooLate;
        }
        self.cancel_requested = true;
        Outcome::Changed
    }
}

async fn insert(store: &JobStore, user: &UserId) -> Job {
    let mut transaction = store.database.begin().await.unwrap();
    // The queue of waiting jobs is bounded; the cases before this one have left theirs.
    sqlx::query("delete from jobs").execute(&mut *transaction).await.unwrap();
    let job = store.insert(&mut transaction, user, &new_job(plain()), 1, now_ms()).await.unwrap();
    transaction.commit().await.unwrap();
    job
}

async fn check(store: &JobStore, user: &UserId, attempts: &[Attempt]) {
    let job = insert(store, user).await;
    let mut model = Model { state: JobState::Pending, holder: None, cancel_requested: false };
    for attempt in attempts {
        let (expected, done) = match *attempt {
            Attempt::RequestCancel => {
                (model.request_cancel(), store.request_cancel(user, &job.id, now_ms()).await)
            }
            Attempt::Change(transition) => {
                (model.change(transition), store.change(&job.id, transition, now_ms()).await)
            }
        };
        let outcome = match done {
            Ok(Some(_)) => Outcome::Changed,
            Ok(None) => Outcome::TooLate,
            Err(JobError::Illegal { .. }) => Outcome::Illegal,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(outcome, expected, "{attempt:?} of {model:?}");
        let stored = store.get(user, &job.id).await.unwrap().unwrap();
        assert_eq!((stored.job.status, stored.worker.as_deref()), (model.state, model.holder));
        assert_eq!(stored.job.finished_at.is_some(), !model.state.is_active());
    }
}

#[test]
fn only_legal_transitions_by_who_has_the_job() {
    let runtime = Runtime::new().unwrap();
    let stores = runtime.block_on(async {
        let mut stores = Vec::new();
        for database in databases().await {
            let anna = add_user(&database, "anna").await;
            stores.push((JobStore::new(database), anna));
        }
        stores
    });
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(attempts in prop::collection::vec(attempt(), 1..40))| {
        for (store, anna) in &stores {
            runtime.block_on(check(store, anna, &attempts));
        }
    });
}
