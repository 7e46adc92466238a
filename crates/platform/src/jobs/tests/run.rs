//! What a job goes through from its submission to its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::TryStreamExt;

use super::*;
use crate::database::testing::{add_user, databases};
use crate::jobs::JobEnd;
use crate::jobs::store::Selection;
use crate::live::InitialState;
use bench::types::Progress;

#[tokio::test]
async fn a_job_is_created_started_and_completed() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let job = process.submit(&anna, json!({ "size": 3 })).await;
        assert_eq!((job.status, &*job.progress_detail), (JobState::Queued, "A test"));
        assert!(
            matches!(event(&mut tab).await, ServerMessage::JobCreated { job_id, .. } if job_id == job.id)
        );
        let run = process.control.next().await;
        assert_eq!((run.id(), &run.context.user), (&*job.id, &anna));
        assert_eq!(run.context.params, json!({ "size": 3 }));
        assert!(matches!(event(&mut tab).await, ServerMessage::JobStarted { .. }));
        run.finish();
        let result_ref = Some(format!("result of {}", job.id));
        let completed =
            ServerMessage::JobCompleted { job_id: job.id.clone(), result_ref: result_ref.clone() };
        assert_eq!(event(&mut tab).await, completed);
        let (job, params) = process.jobs.get(&anna, &job.id).await.unwrap();
        assert_eq!((job.status, job.progress_pct, job.result_ref), (JobState::Done, 100.0, result_ref));
        assert!(job.created_at <= job.started_at.unwrap() && job.started_at <= job.finished_at);
        assert_eq!(params, Value::Null, "a job that is done keeps no payload");
    }
}

#[tokio::test]
async fn jobs_of_a_user_run_one_after_the_other_in_their_order() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut submitted = Vec::new();
        for _ in 0..4 {
            submitted.push(process.submit(&anna, plain()).await.id);
        }
        for id in submitted {
            let run = process.control.next().await;
            assert_eq!(run.id(), id);
            assert!(process.control.started.try_recv().is_err());
            let running = Selection { states: vec![JobState::Running], before: None, limit: 9 };
            assert_eq!(process.jobs.list(&anna, &running).await.unwrap().len(), 1);
            run.finish();
        }
    }
}

#[tokio::test]
async fn a_user_does_not_wait_for_another() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let mut process = Process::start(&database, settings()).await;
        for _ in 0..3 {
            process.submit(&anna, plain()).await;
        }
        let bens = process.submit(&ben, plain()).await;
        let (first, second) = (process.control.next().await, process.control.next().await);
        assert_eq!((&first.context.user, second.id()), (&anna, &*bens.id));
    }
}

#[tokio::test]
async fn when_slots_are_few_users_take_turns() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let mut process = Process::start(&database, Settings { slots: 1, ..settings() }).await;
        for user in [&anna, &anna, &anna, &ben, &ben] {
            process.submit(user, plain()).await;
        }
        let mut served = Vec::new();
        for _ in 0..5 {
            let run = process.control.next().await;
            served.push(run.context.user.clone());
            run.finish();
        }
        assert_eq!(served, [&anna, &ben, &anna, &ben, &anna].map(Clone::clone));
    }
}

#[tokio::test]
async fn what_a_handler_says_of_its_failure_is_told() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let job = process.submit(&anna, plain()).await;
        process.control.next().await.end(JobEnd::Failed("The model is gone.".into()));
        let error = "The model is gone.".to_owned();
        assert_eq!(end_of(&mut tab, &job.id).await, ServerMessage::JobFailed { job_id: job.id, error });
        assert!(process.control.discarded.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_job_fails_together_with_what_its_handler_records_of_that() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let job = process.submit(&anna, plain()).await;
        process.control.recording_fails.store(true, Ordering::SeqCst);
        process.control.next().await.end(JobEnd::Failed("The model is gone.".into()));
        let failure = process.control.failed.recv().await.unwrap();
        assert_eq!(
            (&*failure.job_id, &failure.user, &*failure.error),
            (&*job.id, &anna, "The model is gone.")
        );
        let stored = async || -> (String, String) {
            let row = sqlx::query_as("select status, coalesce(result_ref, '') from jobs");
            row.fetch_one(database.reader()).await.unwrap()
        };
        assert_eq!(stored().await, ("running".to_owned(), String::new()));
        process.control.recording_fails.store(false, Ordering::SeqCst);
        assert!(matches!(end_of(&mut tab, &job.id).await, ServerMessage::JobFailed { .. }));
        assert_eq!(stored().await, ("failed".to_owned(), test_handler::RECORDED.to_owned()));
    }
}

#[tokio::test]
async fn a_kind_of_job_runs_so_often_at_once_and_the_others_wait_and_take_turns() {
    for database in databases().await {
        let users = [add_user(&database, "anna").await, add_user(&database, "ben").await];
        let carl = add_user(&database, "carl").await;
        let mut process = Process::idle(&database, settings()).await;
        process.control.max_concurrent.store(2, Ordering::SeqCst);
        let mut tab = process.hub.join(&carl).unwrap();
        let mut jobs = Vec::new();
        for user in [&users[0], &users[0], &users[1], &users[1], &carl] {
            jobs.push((user.clone(), process.submit(user, plain()).await.id));
        }
        process.jobs.start();
        let mut running = vec![process.control.next().await, process.control.next().await];
        assert_eq!([&running[0].context.user, &running[1].context.user], [&users[0], &users[1]]);
        let mut states = Vec::new();
        for (user, id) in &jobs {
            states.push(process.state(user, id).await);
        }
        let waits = JobState::Queued;
        assert_eq!(states, [JobState::Running, waits, JobState::Running, waits, waits]);
        running.remove(0).finish();
        let third = process.control.next().await;
        assert_eq!(third.context.user, carl, "who was served least recently is next");
        third.finish();
        assert!(matches!(end_of(&mut tab, &jobs[4].1).await, ServerMessage::JobCompleted { .. }));
        assert_eq!(process.control.next().await.id(), jobs[1].1);
    }
}

#[tokio::test]
async fn a_panic_ends_the_job_and_nothing_else() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let job = process.submit(&anna, json!({ "panic": true })).await;
        let ServerMessage::JobFailed { error, .. } = end_of(&mut tab, &job.id).await else { panic!() };
        assert!(error.contains("fault of the program"), "{error}");
        process.control.next().await;
        let next = process.submit(&anna, plain()).await;
        process.control.next().await.finish();
        assert!(matches!(end_of(&mut tab, &next.id).await, ServerMessage::JobCompleted { .. }));
    }
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_stopped() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let limits = Settings { time_limit: Duration::from_millis(20), ..settings() };
        let mut process = Process::start(&database, limits).await;
        let mut tab = process.hub.join(&anna).unwrap();
        for params in [plain(), json!({ "ignores_stop": true })] {
            let job = process.submit(&anna, params).await;
            let mut run = process.control.next().await;
            let ServerMessage::JobFailed { error, .. } = end_of(&mut tab, &job.id).await else { panic!() };
            assert!(error.contains("took longer than"), "{error}");
            run.over().await;
            assert!(run.context.cancel.is_cancelled());
        }
    }
}

fn progress_of(provider: &str, run: u64) -> Progress {
    Progress {
        provider: provider.into(),
        provider_key: provider.into(),
        model: "M".into(),
        model_id: "m".into(),
        run,
        runs: 50,
        context_tokens: 0,
        provider_done: run,
        provider_total: 50,
        live_tps: None,
    }
}

#[tokio::test]
async fn events_carry_the_job_and_the_last_progress_comes_before_the_end() {
    for database in databases().await {
        let anna = add_user(&database, "anna").await;
        let mut process = Process::start(&database, settings()).await;
        let job = process.submit(&anna, plain()).await;
        let run = process.control.next().await;
        let mut tab = process.hub.join(&anna).unwrap();
        let events = run.context.events.clone();
        let step = |provider: &str, number| ServerMessage::BenchmarkProgress {
            job_id: job.id.clone(),
            data: Box::new(progress_of(provider, number)),
        };
        for percent in 0..=50 {
            events.progress(percent as f64, &format!("Step {percent}"));
            events.publish_latest("a", step("a", percent));
            events.publish_latest("b", step("b", percent));
        }
        events.publish(ServerMessage::ParamAdjustments { job_id: job.id.clone(), models: Vec::new() });
        run.end(JobEnd::Failed("Enough.".into()));
        let mut received = Vec::new();
        while !matches!(received.last(), Some(ServerMessage::JobFailed { .. })) {
            received.push(event(&mut tab).await);
        }
        events.publish(ServerMessage::ParamAdjustments { job_id: job.id.clone(), models: Vec::new() });
        assert!(received.iter().all(|message| message.job_id() == Some(&job.id)));
        let last_percent = received.iter().rev().find_map(|message| match message {
            ServerMessage::JobProgress { progress_pct, .. } => Some(*progress_pct),
            _ => None,
        });
        assert_eq!(last_percent, Some(50.0));
        for provider in ["a", "b"] {
            let last = received.iter().rev().find_map(|message| match message {
                ServerMessage::BenchmarkProgress { data, .. } if data.provider_key == provider => {
                    Some(data.run)
                }
                _ => None,
            });
            assert_eq!(last, Some(50));
        }
        assert!(received.len() < 20, "{}", received.len());
        let published = |message: &&ServerMessage| matches!(message, ServerMessage::ParamAdjustments { .. });
        assert_eq!(received.iter().filter(published).count(), 1);
        let stored = process.jobs.recent(&anna).await.unwrap().remove(0);
        assert_eq!((stored.progress_pct, &*stored.progress_detail), (50.0, "Step 50"));
        assert!(tab.frames.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_new_tab_is_told_what_runs_and_what_has_ended() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let mut process = Process::start(&database, settings()).await;
        let mut tab = process.hub.join(&anna).unwrap();
        let ended = process.submit(&anna, plain()).await;
        process.control.next().await.finish();
        end_of(&mut tab, &ended.id).await;
        let runs = process.submit(&anna, json!({ "prompt": "a secret of Anna's" })).await;
        let run = process.control.next().await;
        run.context.events.progress(12.5, "Just now");
        let messages = process.jobs.messages(&anna).try_collect::<Vec<_>>().await.unwrap();
        let [ServerMessage::Sync { active_jobs, recent_jobs }] = &messages[..] else { panic!() };
        assert_eq!(active_jobs.len(), 1);
        assert_eq!((&*active_jobs[0].id, active_jobs[0].progress_pct), (&*runs.id, 12.5));
        assert_eq!(active_jobs[0].progress_detail, "Just now");
        assert_eq!(recent_jobs.iter().map(|job| &job.id).collect::<Vec<_>>(), [&ended.id]);
        assert!(!serde_json::to_string(&messages).unwrap().contains("secret"));
        let empty = ServerMessage::Sync { active_jobs: Vec::new(), recent_jobs: Vec::new() };
        assert_eq!(process.jobs.messages(&ben).try_collect::<Vec<_>>().await.unwrap(), [empty]);
    }
}

#[tokio::test]
async fn lists_are_pages() {
    for database in databases().await {
        let (anna, ben) = (add_user(&database, "anna").await, add_user(&database, "ben").await);
        let process = Process::idle(&database, settings()).await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(process.submit(&anna, plain()).await.id);
            process.submit(&ben, plain()).await;
        }
        ids.reverse();
        process.jobs.cancel(&anna, &ids[4]).await.unwrap();
        let mut seen = Vec::new();
        let mut selection = Selection { states: Vec::new(), before: None, limit: 2 };
        loop {
            let page = process.jobs.list(&anna, &selection).await.unwrap();
            let Some(last) = page.last() else { break };
            selection.before = Some(last.id.clone());
            seen.extend(page.into_iter().map(|job| job.id));
        }
        assert_eq!(seen, ids);
        let queued = Selection { states: vec![JobState::Queued], before: None, limit: 9 };
        assert_eq!(process.jobs.list(&anna, &queued).await.unwrap().len(), 4);
        let everybodys =
            process.jobs.list_all(&Selection { limit: 20, ..Selection::default() }).await.unwrap();
        assert_eq!(everybodys.len(), 10);
        assert_eq!(everybodys[0].1, "ben@example.org");
    }
}
