//! What a user may have: in an hour, in the queue, at once.

use super::*;
use crate::database::testing::{add_user, databases};
use crate::jobs::{HourlyLimit, JobError};

fn counted() -> NewJob {
    NewJob { limit: Some(HourlyLimit::Benchmarks), ..new_job(plain()) }
}

async fn set_limits(database: &Database, user: &UserId, per_hour: i64, at_once: i64) {
    sqlx::query(
        "insert into rate_limits (user_id, benchmarks_per_hour, max_concurrent, max_runs_per_benchmark, updated_at)
         values ($1, $2, $3, 10, 0)",
    )
    .bind(user.as_str())
    .bind(per_hour)
    .bind(at_once)
    .execute(database.writer())
    .await
    .unwrap();
}

async fn make_older(database: &Database, id: &str, by: Duration) {
    sqlx::query("update jobs set created_at = created_at - $2 where id = $1")
        .bind(id)
        .bind(i64::try_from(by.as_millis()).unwrap())
        .execute(database.writer())
        .await
        .unwrap();
}

fn retry_after(refused: Result<Job, JobError>) -> u64 {
    let Err(JobError::TooMany { retry_after_s, .. }) = refused else { panic!("{refused:?}") };
    retry_after_s
}

#[tokio::test]
async fn an_hour_has_so_many_benchmarks_and_cancelling_gives_none_back() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let limits = Settings { benchmarks_per_hour: 3, ..settings() };
        let Process { jobs, .. } = Process::idle(&database, limits).await;
        let mut ids = Vec::new();
        for remaining in [3, 2, 1] {
            let allowance = jobs.allowance(&anna, HourlyLimit::Benchmarks).await.unwrap();
            assert_eq!((allowance.limit, allowance.remaining), (3, remaining));
            ids.push(jobs.submit(&anna, counted()).await.unwrap().id);
        }
        jobs.cancel(&anna, &ids[0]).await.unwrap();
        make_older(&database, &ids[0], Duration::from_mins(50)).await;
        assert!((599..=600).contains(&retry_after(jobs.submit(&anna, counted()).await)));
        assert_eq!(jobs.allowance(&anna, HourlyLimit::Benchmarks).await.unwrap().remaining, 0);
        jobs.submit(&anna, new_job(plain())).await.unwrap();
        jobs.submit(&ben, counted()).await.unwrap();
        make_older(&database, &ids[0], Duration::from_mins(10)).await;
        jobs.submit(&anna, counted()).await.unwrap();
    }
}

#[tokio::test]
async fn the_wait_after_a_limit_was_lowered_is_as_long_as_it_takes() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let Process { jobs, .. } = Process::idle(&database, settings()).await;
        for minutes in [50, 40, 30, 20] {
            let job = jobs.submit(&anna, counted()).await.unwrap();
            make_older(&database, &job.id, Duration::from_mins(minutes)).await;
        }
        set_limits(&database, &anna, 2, 1).await;
        // Three of the four have to leave the window.
        assert!((1799..=1800).contains(&retry_after(jobs.submit(&anna, counted()).await)));
    }
}

#[tokio::test]
async fn the_last_place_is_taken_once() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let limits = Settings { benchmarks_per_hour: 3, ..settings() };
        let Process { jobs, .. } = Process::idle(&database, limits).await;
        let submits = (0..8).map(|_| jobs.submit(&anna, counted()));
        let accepted = futures::future::join_all(submits).await.into_iter().filter(Result::is_ok);
        assert_eq!(accepted.count(), 3);
    }
}

#[tokio::test]
async fn a_queue_has_an_end() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let Process { jobs, .. } = Process::idle(&database, settings()).await;
        for _ in 0..100 {
            jobs.submit(&anna, new_job(plain())).await.unwrap();
        }
        let refused = jobs.submit(&anna, new_job(plain())).await;
        assert!(matches!(refused, Err(JobError::QueueFull { waiting: 100 })), "{refused:?}");
    }
}

#[tokio::test]
async fn as_many_run_at_once_as_an_admin_allows() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        set_limits(&database, &anna, 100, 2).await;
        let mut process = Process::start(&database, settings()).await;
        for _ in 0..4 {
            process.submit(&anna, plain()).await;
        }
        let (first, second) = (process.control.next().await, process.control.next().await);
        let mut tab = process.hub.join(&anna).unwrap();
        assert!(process.control.started.try_recv().is_err());
        let ended = first.id().to_owned();
        first.finish();
        end_of(&mut tab, &ended).await;
        let third = process.control.next().await;
        assert!(process.control.started.try_recv().is_err());
        drop((second, third));
    }
}
