//! Lists of jobs read by an index however many jobs there are, and never a payload.

use super::super::claims::{ENQUEUE_WAITING, INTERRUPT_ORPHANS, JOBS_TO_KEEP};
use super::super::store::{REMOVE_FINISHED, Selection, USAGE, list_all_sql, list_sql, recent_sql};
use crate::database::query_plans::{Sorts, assert_nothing_large, assert_read_by_index, bound, fill};
use crate::database::testing::databases;
use crate::messages::JobState;

fn of(states: &[JobState]) -> Selection {
    Selection { states: states.to_vec(), ..Selection::default() }
}

#[tokio::test]
async fn every_list_of_jobs_reads_by_an_index() {
    let page = |sql: String| bound(&sql, &["'00000250'", "'00000250-7'", "50"]);
    let page_of_all = |sql: String| bound(&sql, &["'00000250-7'", "50"]);
    let lists = [
        page(list_sql(&of(&[]))),
        page(list_sql(&of(&[JobState::Failed]))),
        bound(&recent_sql(), &["'00000250'", "10"]),
        page_of_all(list_all_sql(&of(&[]))),
        page_of_all(list_all_sql(&of(&[JobState::Failed]))),
        bound(USAGE, &["'00000250'", "'benchmarks'", "100"]),
        bound(REMOVE_FINISHED, &["100", "50"]).replace("delete", "select id"),
    ];
    // How many jobs wait or run is limited, so these may sort.
    let active = [JobState::Pending, JobState::Queued, JobState::Running, JobState::Interrupted];
    let of_workers = [
        page(list_sql(&of(&active))),
        page_of_all(list_all_sql(&of(&active))),
        bound(ENQUEUE_WAITING, &["100", "5"]),
        INTERRUPT_ORPHANS.to_owned(),
        bound(JOBS_TO_KEEP, &["'worker'"]),
    ];
    assert_nothing_large(&lists);
    assert_nothing_large(&of_workers);
    for database in databases().await {
        fill(&database).await;
        assert_read_by_index(&database, Sorts::Nothing, &lists).await;
        assert_read_by_index(&database, Sorts::Few, &of_workers).await;
    }
}
