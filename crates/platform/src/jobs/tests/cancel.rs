//! Cancelling, in each state that a job can be in.

use super::*;
use crate::database::now_ms;
use crate::database::testing::{add_user, databases};
use crate::jobs::{JobEnd, JobError};

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let first = process.submit(&anna, plain()).await;
        let second = process.submit(&anna, plain()).await;
        let third = process.submit(&anna, plain()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let run = process.control.next().await;
        for _ in 0..2 {
            let cancelled = process.jobs.cancel(&anna, &second.id).await.unwrap();
            assert_eq!(cancelled.status, JobState::Cancelled);
        }
        assert_eq!(process.control.discarded.recv().await.as_ref(), Some(&second.id));
        let is_second =
            |event: &ServerMessage| *event == ServerMessage::JobCancelled { job_id: second.id.clone() };
        while !is_second(&event(&mut tab).await) {}
        run.finish();
        end_of(&mut tab, &first.id).await;
        assert_eq!(process.control.next().await.id(), third.id);
        // The worker may have come upon the same cancel and done it too.
        while let Ok(discarded) = process.control.discarded.try_recv() {
            assert_eq!(discarded, second.id);
        }
    }
}

#[tokio::test]
async fn a_job_that_runs_is_stopped_before_its_results_go() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        for params in [plain(), json!({ "ignores_stop": true })] {
            let job = process.submit(&anna, params).await;
            let mut run = process.control.next().await;
            for _ in 0..2 {
                process.jobs.cancel(&anna, &job.id).await.unwrap();
            }
            assert_eq!(process.control.discarded.recv().await.as_ref(), Some(&job.id));
            run.over().await;
            end_of(&mut tab, &job.id).await;
            assert_eq!(process.state(&anna, &job.id).await, JobState::Cancelled);
            assert_eq!(process.jobs.cancel(&anna, &job.id).await.unwrap().status, JobState::Cancelled);
        }
    }
}

#[tokio::test]
async fn a_job_that_has_ended_stays_as_it_is() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let ends = [JobEnd::Done { result_ref: None }, JobEnd::Failed("No.".into())];
        for (end, state) in ends.into_iter().zip([JobState::Done, JobState::Failed]) {
            let job = process.submit(&anna, plain()).await;
            process.control.next().await.end(end);
            end_of(&mut tab, &job.id).await;
            assert!(matches!(process.jobs.cancel(&anna, &job.id).await, Err(JobError::Finished)));
            assert_eq!(process.state(&anna, &job.id).await, state);
        }
        assert!(process.control.discarded.try_recv().is_err());
    }
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let mut process = Process::start(&database, settings()).await;
        let job = process.submit(&anna, plain()).await;
        let run = process.control.next().await;
        for id in [&*job.id, "no-such-job"] {
            assert!(matches!(process.jobs.cancel(&ben, id).await, Err(JobError::NotFound)));
            assert!(matches!(process.jobs.get(&ben, id).await, Err(JobError::NotFound)));
        }
        assert!(!run.context.cancel.is_cancelled());
        process.jobs.cancel_any(&job.id).await.unwrap();
        run.context.cancel.cancelled().await;
    }
}

#[tokio::test]
async fn a_cancel_that_comes_with_the_end_wins() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let job = process.submit(&anna, plain()).await;
        let run = process.control.next().await;
        // Written, but the run does not know of it yet.
        process.jobs.inner.store.request_cancel(&anna, &job.id, now_ms()).await.unwrap();
        run.finish();
        assert!(matches!(end_of(&mut tab, &job.id).await, ServerMessage::JobCancelled { .. }));
        assert_eq!(process.control.discarded.recv().await, Some(job.id));
    }
}

#[tokio::test]
async fn a_cancel_that_a_crash_left_half_done_is_finished() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let before = Process::idle(&database, settings()).await;
        let job = before.submit(&anna, plain()).await;
        before.jobs.inner.store.request_cancel(&anna, &job.id, now_ms()).await.unwrap();
        let mut after = Process::idle(&database, settings()).await;
        let mut tab = after.hub.join(&anna).unwrap();
        after.jobs.start();
        assert!(matches!(end_of(&mut tab, &job.id).await, ServerMessage::JobCancelled { .. }));
        assert_eq!(after.control.discarded.recv().await, Some(job.id));
        assert!(after.control.started.try_recv().is_err());
    }
}

#[tokio::test]
async fn an_interrupted_job_is_cancelled_at_once() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let job = process.submit(&anna, plain()).await;
        let run = process.control.next().await;
        process.jobs.drain(Duration::from_secs(60)).await;
        assert_ne!(process.state(&anna, run.id()).await, JobState::Running);
        assert_eq!(process.jobs.cancel(&anna, &job.id).await.unwrap().status, JobState::Cancelled);
        assert_eq!(process.control.discarded.recv().await, Some(job.id));
    }
}

#[tokio::test]
async fn the_job_of_a_deleted_account_stops() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        process.submit(&anna, plain()).await;
        let mut run = process.control.next().await;
        sqlx::query("delete from users where id = 'anna'").execute(database.writer()).await.unwrap();
        process.jobs.wake();
        run.over().await;
    }
}
