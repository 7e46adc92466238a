//! Jobs that cannot be handled, and faults that pass: neither stops another job.

use std::sync::atomic::Ordering;

use super::*;
use crate::database::now_ms;
use crate::database::testing::{add_user, databases};
use crate::jobs::worker::remove_old_jobs;
use crate::jobs::{JobEnd, Selection};

#[tokio::test]
async fn a_process_leaves_jobs_of_unknown_types_alone() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let newer = NewJob { job_type: "newer", ..new_job(plain()) };
        let unknown = process.jobs.submit(&anna, newer).await.unwrap();
        let known = process.submit(&anna, plain()).await;
        assert_eq!(process.control.next().await.id(), known.id);
        assert_eq!(process.state(&anna, &unknown.id).await, JobState::Queued);
        // What it has stored can only be removed by a process that knows its type.
        let asked = process.jobs.cancel(&anna, &unknown.id).await.unwrap();
        assert_eq!(asked.status, JobState::Queued);
    }
}

#[tokio::test]
async fn a_job_whose_results_cannot_be_removed_stops_nobody() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let mut process = Process::idle(&database, short_lease()).await;
        process.control.discard_fails.store(true, Ordering::SeqCst);
        let waits = process.submit(&anna, plain()).await;
        process.jobs.cancel(&anna, &waits.id).await.unwrap_err();
        let bens = process.submit(&ben, plain()).await;
        process.jobs.start();
        assert_eq!(process.control.next().await.id(), bens.id);

        let runs = process.submit(&anna, plain()).await;
        assert_eq!(process.control.next().await.id(), runs.id);
        process.jobs.cancel(&anna, &runs.id).await.unwrap();
        let next = process.submit(&anna, plain()).await;
        assert_eq!(process.control.next().await.id(), next.id);

        process.control.discard_fails.store(false, Ordering::SeqCst);
        let mut discarded = Vec::new();
        while discarded.len() < 2 {
            let id = process.control.discarded.recv().await.unwrap();
            if !discarded.contains(&id) {
                discarded.push(id);
            }
        }
        discarded.sort();
        assert_eq!(discarded, [waits.id, runs.id]);
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_stops_nobody() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::idle(&database, settings()).await;
        let [strange, cancelled, unreadable, good] = [
            process.submit(&anna, plain()).await,
            process.submit(&anna, plain()).await,
            process.submit(&anna, plain()).await,
            process.submit(&anna, plain()).await,
        ];
        for sql in [
            format!("update jobs set status = 'strange', finished_at = 1 where id = '{}'", strange.id),
            format!("update jobs set cancel_requested_at = 1 where id = '{}'", cancelled.id),
            format!("update job_payloads set params = '{{' where job_id = '{}'", cancelled.id),
            format!("update job_payloads set params = '{{' where job_id = '{}'", unreadable.id),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(database.writer()).await.unwrap();
        }
        let mut tab = process.hub.join(&anna).unwrap();
        process.jobs.start();
        let ServerMessage::JobFailed { error, .. } = end_of(&mut tab, &unreadable.id).await else { panic!() };
        assert!(error.contains("another version"), "{error}");
        assert_eq!(process.control.next().await.id(), good.id);
        assert_eq!(process.control.discarded.recv().await, Some(cancelled.id));
        let recent = process.jobs.recent(&anna).await.unwrap();
        assert!(recent.iter().any(|job| job.id == unreadable.id));
        assert!(process.jobs.get(&anna, &unreadable.id).await.is_ok());
    }
}

#[tokio::test]
async fn a_passing_fault_interrupts_a_job_and_does_not_fail_it() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let pause = Duration::from_millis(1);
        let mut process = Process::start(&database, Settings { pause, ..short_lease() }).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let job = process.submit(&anna, plain()).await;
        for _ in 0..2 {
            process.control.next().await.end(JobEnd::Interrupted("the database is away".into()));
        }
        let run = process.control.next().await;
        let stored = process.jobs.inner.store.get(&anna, &job.id).await.unwrap().unwrap();
        assert_eq!((stored.interruptions, stored.job.error), (2, None));
        run.finish();
        assert!(matches!(end_of(&mut tab, &job.id).await, ServerMessage::JobCompleted { .. }));
    }
}

#[tokio::test]
async fn a_job_waits_out_its_pause() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let pause = Duration::from_hours(1);
        let mut process = Process::start(&database, Settings { pause, ..settings() }).await;
        let job = process.submit(&anna, plain()).await;
        process.control.next().await.end(JobEnd::Interrupted("the database is away".into()));
        // The end of one run and the start of another lets the worker look for jobs at least twice.
        for _ in 0..2 {
            let bens = process.submit(&ben, plain()).await;
            let run = process.control.next().await;
            assert_eq!(run.id(), bens.id);
            run.finish();
        }
        assert_eq!(process.state(&anna, &job.id).await, JobState::Interrupted);
        assert_eq!(process.jobs.cancel(&anna, &job.id).await.unwrap().status, JobState::Cancelled);
    }
}

#[tokio::test]
async fn a_panic_outside_of_the_handler_leaves_no_job_running() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, short_lease()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let job = process.submit(&anna, json!({ "ignores_stop": true, "panic_on_drop": true })).await;
        let _run = process.control.next().await;
        process.jobs.cancel(&anna, &job.id).await.unwrap();
        assert!(matches!(end_of(&mut tab, &job.id).await, ServerMessage::JobCancelled { .. }));
        let next = process.submit(&anna, plain()).await;
        assert_eq!(process.control.next().await.id(), next.id);
    }
}

#[tokio::test]
async fn a_cancelled_job_keeps_no_payload() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let runs = process.submit(&anna, json!({ "prompt": "private" })).await;
        let waits = process.submit(&anna, json!({ "prompt": "private" })).await;
        let _run = process.control.next().await;
        for job in [&waits, &runs] {
            process.jobs.cancel(&anna, &job.id).await.unwrap();
            end_of(&mut tab, &job.id).await;
            assert_eq!(process.jobs.get(&anna, &job.id).await.unwrap().1, Value::Null);
        }
    }
}

#[tokio::test]
async fn jobs_are_removed_a_month_after_they_finished() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let process = Process::idle(&database, settings()).await;
        let [old, recent, waits] = [
            process.submit(&anna, plain()).await,
            process.submit(&anna, plain()).await,
            process.submit(&anna, plain()).await,
        ];
        for job in [&old, &recent] {
            process.jobs.cancel(&anna, &job.id).await.unwrap();
        }
        let day_ms = 24 * 3_600_000;
        for (job, days) in [(&old, 31), (&recent, 29)] {
            sqlx::query("update jobs set finished_at = $2 where id = $1")
                .bind(&job.id)
                .bind(now_ms() - days * day_ms)
                .execute(database.writer())
                .await
                .unwrap();
        }
        remove_old_jobs(&process.jobs, now_ms()).await.unwrap();
        let all = Selection { limit: 9, ..Selection::default() };
        let left: Vec<_> = process.jobs.list(&anna, &all).await.unwrap();
        assert_eq!(left.into_iter().map(|job| job.id).collect::<Vec<_>>(), [waits.id, recent.id]);
    }
}
