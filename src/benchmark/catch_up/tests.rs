//! Tests with a benchmark of many runs, on each database.

use std::collections::HashSet;

use super::*;
use crate::benchmark::report::testing::{head, row, run};
use crate::benchmark::store::RowKey;
use crate::database::testing;
use bench::types::{Parameters, ResultRow};

const ID: &str = "0198a000-0000-7000-8000-000000000001";
const ROWS: u64 = 200;
const RUNS: u64 = 20;

/// Stores a running benchmark whose rows are finished, except for a run of the last.
async fn large_benchmark(database: &crate::database::Database, user: &UserId) -> BenchmarkStore {
    let store = BenchmarkStore::new(database.clone());
    let runs_of = |tier: u64| if tier == ROWS - 1 { RUNS - 1 } else { RUNS };
    let rows: Vec<ResultRow> =
        (0..ROWS).map(|tier| row("openai", "m", tier, (1..=runs_of(tier)).map(run).collect())).collect();
    let parameters = Parameters { runs: RUNS as u32, warmup: false, ..Parameters::default() };
    store.insert_complete(user, ID, &parameters, &[], &rows).await.unwrap();
    sqlx::query("update benchmarks set status = 'running'").execute(database.writer()).await.unwrap();
    sqlx::query("update benchmark_rows set summary = null where position = $1")
        .bind(ROWS as i64 - 1)
        .execute(database.writer())
        .await
        .unwrap();
    store
}

fn key(tier: u64) -> RowKey {
    RowKey::of(&head("openai", "m", tier))
}

#[tokio::test]
async fn sends_a_large_benchmark_including_concurrent_results() {
    for database in testing::databases().await {
        let anna = testing::add_user(&database, "anna").await;
        let store = large_benchmark(&database, &anna).await;
        let mut messages = RunningBenchmarks(store.clone()).messages(&anna);
        let first = messages.try_next().await.unwrap().unwrap();
        let ServerMessage::BenchmarkInit { data, .. } = first else { panic!("{first:?}") };
        assert_eq!(data.init.done_requests, ROWS * RUNS - 1);
        // The tab may receive the event of this run before the `benchmark_init` that resets its state.
        store.save_run(&anna, ID, &key(ROWS - 1), &run(RUNS)).await.unwrap();
        let (mut runs, mut rows) = (HashSet::new(), 0);
        while let Some(message) = messages.try_next().await.unwrap() {
            match message {
                ServerMessage::BenchmarkResult { data, .. } => {
                    let run = data.run.unwrap();
                    assert!(run.chunk_deltas_us.is_empty());
                    assert!(runs.insert((data.context_tokens, run.run_number)), "a run was sent twice");
                }
                ServerMessage::BenchmarkRow { data, .. } => {
                    let of_row = runs.iter().filter(|(tier, _)| *tier == data.context_tokens).count();
                    assert_eq!((data.runs.len(), of_row), (RUNS as usize, RUNS as usize));
                    rows += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((runs.len() as u64, rows), (ROWS * RUNS, ROWS - 1));
    }
}

#[tokio::test]
async fn reads_rows_in_batches() {
    for database in testing::databases().await {
        let anna = testing::add_user(&database, "anna").await;
        let store = large_benchmark(&database, &anna).await;
        let mut after = BEFORE_FIRST_ROW;
        let mut batches = 0;
        while let Some((messages, last)) = results_after(&store, &anna, ID, after).await.unwrap() {
            assert!(messages.len() as u64 <= ROWS_AT_A_TIME as u64 * (RUNS + 1), "{}", messages.len());
            after = last;
            batches += 1;
        }
        assert_eq!(batches, (ROWS as i64 + ROWS_AT_A_TIME - 1) / ROWS_AT_A_TIME);
    }
}

#[tokio::test]
async fn a_resume_reads_chunk_times_of_unfinished_rows_only() {
    for database in testing::databases().await {
        let anna = testing::add_user(&database, "anna").await;
        let store = large_benchmark(&database, &anna).await;
        sqlx::query("update benchmark_runs set chunk_deltas = 'not to be read' where context_tokens < $1")
            .bind(ROWS as i64 - 1)
            .execute(database.writer())
            .await
            .unwrap();
        let finished = store.finished(&anna, ID).await.unwrap();
        assert_eq!(finished.iter().map(|row| row.runs.len() as u64).sum::<u64>(), ROWS * RUNS - 1);
        assert!(finished.iter().flat_map(|row| &row.runs).all(|run| run.chunk_deltas_us.is_empty()));
        let (open, done) = finished.split_last().unwrap();
        assert!(done.iter().all(|row| row.summary.is_some() && row.gaps_ms.is_empty()));
        // Two gaps for each successful run.
        assert_eq!((open.summary.is_none(), open.gaps_ms.len()), (true, 2 * (RUNS - 1)));
    }
}
