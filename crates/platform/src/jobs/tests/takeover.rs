//! Several processes, some of which end without a word.

use futures::future::BoxFuture;
use tempfile::TempDir;

use super::*;
use crate::database::Location;
use crate::database::testing::{add_user, postgres_schema};
use crate::jobs::{JobContext, JobEnd, JobHandler};

/// What `N` processes have open of one database.
struct Shared<const N: usize> {
    databases: [Database; N],
    _files: TempDir,
}

/// One database of each backend. SQLite is in a file: one in memory goes with its connection, and a
/// process that is killed takes that along.
async fn shared<const N: usize>() -> Vec<Shared<N>> {
    let files = tempfile::tempdir().unwrap();
    let mut locations = vec![Location::Sqlite(files.path().into())];
    locations.extend(postgres_schema().await.map(Location::Postgres));
    let mut all = Vec::new();
    let mut files = Some(files);
    for location in locations {
        let mut databases = Vec::new();
        for _ in 0..N {
            databases.push(Database::open(location.clone()).await.unwrap());
        }
        let _files = files.take().unwrap_or_else(|| tempfile::tempdir().unwrap());
        all.push(Shared { databases: databases.try_into().unwrap(), _files });
    }
    all
}

#[tokio::test]
async fn the_jobs_of_a_dead_process_go_on_in_another() {
    for Shared { databases: [one, two], _files } in shared().await {
        let (anna, ben) = (add_user(&one, "anna").await, add_user(&one, "ben").await);
        let mut crashing = Process::start(&one, short_lease()).await;
        let jobs = [crashing.submit(&anna, plain()).await, crashing.submit(&ben, plain()).await];
        let waits = crashing.submit(&anna, plain()).await;
        let first_runs = [crashing.control.next().await, crashing.control.next().await];
        let mut survivor = Process::start(&two, short_lease()).await;
        let mut tab = survivor.hub.join(&anna).unwrap();
        crashing.jobs.kill();
        let runs = [survivor.control.next().await, survivor.control.next().await];
        let ids = |runs: &[test_handler::StartedRun]| {
            let mut ids: Vec<_> = runs.iter().map(|run| run.id().to_owned()).collect();
            ids.sort();
            ids
        };
        assert_eq!(ids(&runs), jobs.map(|job| job.id));
        assert_eq!(ids(&runs), ids(&first_runs));
        for run in runs {
            run.finish();
        }
        let next = survivor.control.next().await;
        assert_eq!(next.id(), waits.id);
        next.finish();
        assert!(matches!(end_of(&mut tab, &waits.id).await, ServerMessage::JobCompleted { .. }));
    }
}

#[tokio::test]
async fn where_there_is_one_process_the_next_goes_on_at_once() {
    for Shared { databases: [database], _files } in shared().await {
        let anna = add_user(&database, "anna").await;
        let mut crashing = Process::start(&database, settings()).await;
        let job = crashing.submit(&anna, json!({ "n": 7 })).await;
        crashing.control.next().await;
        crashing.jobs.kill();
        let mut next = Process::start(&database, settings()).await;
        let run = next.control.next().await;
        assert_eq!((run.id(), &run.context.params), (&*job.id, &json!({ "n": 7 })));
    }
}

#[tokio::test]
async fn a_job_that_goes_down_with_every_process_is_given_up() {
    for Shared { databases: [database], _files } in shared().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let job = process.submit(&anna, plain()).await;
        for _ in 0..4 {
            process.control.next().await;
            process.jobs.kill();
            process = Process::start(&database, settings()).await;
        }
        process.control.next().await;
        process.jobs.kill();
        let last = Process::idle(&database, settings()).await;
        let mut tab = last.hub.join(&anna).unwrap();
        last.jobs.start();
        let ServerMessage::JobFailed { error, .. } = end_of(&mut tab, &job.id).await else { panic!() };
        assert_eq!(error, "The server ended 5 times while this job ran; it was not tried again.");
    }
}

#[tokio::test]
async fn a_crash_counts_only_when_nothing_was_stored_since_the_last() {
    for Shared { databases: [database], _files } in shared().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let job = process.submit(&anna, plain()).await;
        for percent in 1..=7 {
            process.control.next().await;
            let store = &process.jobs.inner.store;
            let worker = store.get(&anna, &job.id).await.unwrap().unwrap().worker.unwrap();
            store.save_progress(&job.id, &worker, f64::from(percent), "Further").await.unwrap();
            process.jobs.kill();
            process = Process::start(&database, settings()).await;
        }
        for _ in 0..4 {
            process.control.next().await;
            process.jobs.kill();
            process = Process::start(&database, settings()).await;
        }
        process.control.next().await;
        process.jobs.kill();
        let last = Process::idle(&database, settings()).await;
        let mut tab = last.hub.join(&anna).unwrap();
        last.jobs.start();
        assert!(matches!(end_of(&mut tab, &job.id).await, ServerMessage::JobFailed { .. }));
    }
}

#[tokio::test]
async fn a_lost_lease_is_no_crash() {
    for Shared { databases: [database], _files } in shared().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, short_lease()).await;
        let job = process.submit(&anna, plain()).await;
        for _ in 0..6 {
            assert_eq!(process.control.next().await.id(), job.id);
            // Another process takes this one for dead.
            sqlx::query("delete from job_workers").execute(database.writer()).await.unwrap();
        }
        assert_eq!(process.control.next().await.id(), job.id);
        let (crashes,): (i64,) =
            sqlx::query_as("select crashes from jobs").fetch_one(database.reader()).await.unwrap();
        assert_eq!(crashes, 0);
    }
}

#[tokio::test]
async fn a_graceful_stop_lets_runs_end_and_hands_on_the_rest() {
    for Shared { databases: [one, two], _files } in shared().await {
        let users =
            [add_user(&one, "anna").await, add_user(&one, "ben").await, add_user(&one, "carla").await];
        let [anna, ben, carla] = &users;
        let mut stops = Process::start(&one, settings()).await;
        let finishes = stops.submit(anna, json!({ "ignores_stop": true })).await;
        let finish_run = stops.control.next().await;
        let hears = stops.submit(ben, plain()).await;
        stops.control.next().await;
        let hangs = stops.submit(carla, json!({ "ignores_stop": true })).await;
        stops.control.next().await;
        let jobs = stops.jobs.clone();
        let draining = tokio::spawn(async move { jobs.drain(Duration::from_millis(300)).await });
        finish_run.context.drain.cancelled().await;
        let later = stops.submit(anna, plain()).await;
        let over = finish_run.context.clone();
        finish_run.finish();
        draining.await.unwrap();
        assert!(over.drain.is_cancelled());
        assert_eq!(stops.state(anna, &finishes.id).await, JobState::Done);
        for (user, job) in [(ben, &hears), (carla, &hangs), (anna, &later)] {
            let state = stops.state(user, &job.id).await;
            // Interrupted, or already back in the queue.
            assert!(matches!(state, JobState::Interrupted | JobState::Queued), "{state:?}");
        }
        // No lease has to run out, and no crash is counted.
        let mut goes_on = Process::start(&two, settings()).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(goes_on.control.next().await.id().to_owned());
        }
        ids.sort();
        assert_eq!(ids, [hears.id, hangs.id, later.id]);
    }
}

#[tokio::test]
async fn who_lost_the_lease_stops_and_writes_nothing() {
    for Shared { databases: [database], _files } in shared().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, short_lease()).await;
        let job = process.submit(&anna, json!({ "ignores_stop": true })).await;
        let mut run = process.control.next().await;
        // Another process takes this one for dead, and the job over.
        let mut transaction = database.begin().await.unwrap();
        sqlx::query("delete from job_workers").execute(&mut *transaction).await.unwrap();
        sqlx::query("insert into job_workers (id, heartbeat, started_at) values ('other', 0, 0)")
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query("update jobs set worker_id = 'other'").execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        run.context.cancel.cancelled().await;
        run.over().await;
        assert_eq!(process.state(&anna, &job.id).await, JobState::Running);
        // The other one is never heard of again.
        assert_eq!(process.control.next().await.id(), job.id);
    }
}

#[tokio::test]
async fn a_cancel_reaches_the_process_that_runs_the_job() {
    for Shared { databases: [one, two], _files } in shared().await {
        let anna = add_user(&one, "anna").await;
        let here = Process::idle(&one, short_lease()).await;
        let mut there = Process::start(&two, short_lease()).await;
        let job = here.submit(&anna, plain()).await;
        let run = there.control.next().await;
        let asked = here.jobs.cancel(&anna, &job.id).await.unwrap();
        assert!(matches!(asked.status, JobState::Running | JobState::Cancelled));
        run.context.cancel.cancelled().await;
        assert_eq!(there.control.discarded.recv().await, Some(job.id));
    }
}

/// Writes each run into a table that takes each job once.
struct Tally {
    database: Database,
}

impl JobHandler for Tally {
    fn job_type(&self) -> &'static str {
        "tally"
    }

    fn run(&self, context: JobContext) -> BoxFuture<'_, JobEnd> {
        Box::pin(async move {
            let insert = sqlx::query("insert into tally (job_id) values ($1)").bind(&context.job_id);
            match insert.execute(self.database.writer()).await {
                Ok(_) => JobEnd::Done { result_ref: None },
                Err(error) => JobEnd::Failed(error.to_string()),
            }
        })
    }

    fn discard<'a>(&'a self, _: &'a UserId, _: &'a str) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_run_every_job_once() {
    let limits = Settings { peers: Cluster::MultiProcess, ..settings() };
    for Shared { databases, _files } in shared::<3>().await {
        sqlx::query("create table tally (job_id text primary key)")
            .execute(databases[0].writer())
            .await
            .unwrap();
        let mut users = Vec::new();
        for name in ["anna", "ben", "carla", "dora", "emil"] {
            users.push(add_user(&databases[0], name).await);
        }
        let mut processes = Vec::new();
        for database in &databases {
            let process = Process::start(database, limits.clone()).await;
            process.jobs.register(Arc::new(Tally { database: database.clone() }));
            processes.push(process);
        }
        let mut tabs: Vec<_> = users.iter().map(|user| processes[0].hub.join(user).unwrap()).collect();
        let mut submitted = Vec::new();
        for turn in 0..50 {
            let (process, user) = (&processes[turn % 3], turn % users.len());
            let job = NewJob { job_type: "tally", ..new_job(plain()) };
            submitted.push((process.jobs.submit(&users[user], job).await.unwrap(), user));
        }
        for (user, tab) in tabs.iter_mut().enumerate() {
            let mut open: Vec<_> =
                submitted.iter().filter(|(_, owner)| *owner == user).map(|(job, _)| &*job.id).collect();
            wait_for_all(&processes[0], &users[user], tab, &mut open).await;
        }
        let (runs,): (i64,) = sqlx::query_as("select cast(count(*) as bigint) from tally")
            .fetch_one(databases[0].reader())
            .await
            .unwrap();
        assert_eq!(runs, 50);
    }
}

/// Waits until all of a user's jobs are done. On SQLite, processes do not tell each other's tabs: there
/// is only one. A test with several has to ask.
async fn wait_for_all(process: &Process, user: &UserId, tab: &mut Subscription, open: &mut Vec<&str>) {
    while !open.is_empty() {
        let _ = tokio::time::timeout(Duration::from_millis(100), tab.frames.recv()).await;
        let mut waiting = Vec::new();
        for id in open.drain(..) {
            match process.state(user, id).await {
                JobState::Done => {}
                state if state.is_active() => waiting.push(id),
                state => panic!("{id} is {state:?}"),
            }
        }
        *open = waiting;
    }
}
