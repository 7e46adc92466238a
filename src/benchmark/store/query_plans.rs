//! Tests that the queries of lists use an index on every database, so that they are fast with any amount of
//! data.

use sqlx::AssertSqlSafe;

use super::history::{PAGE, RESULTS_OF_A_PAGE};
use super::listing::{LISTED_ROWS, TO_FILL_IN, TO_SUM_UP};
use super::rows::{ROWS, ROWS_AFTER};
use super::runs::{COUNT, RUNS, RUNS_OF_ROW, RUNS_OF_ROWS, RUNS_WITHOUT_SUMMARY};
use super::times::{RECENT_IDS, TIMES_OF_A_BENCHMARK, TIMES_OF_A_MODEL};
use super::{LATEST, ONE, RUNNING};
use crate::database::query_plans::{
    Sorts, assert_nothing_large, assert_read_by_index, assert_reads_partial_index, bound,
};
use crate::database::{Backend, Database, testing};

/// The queries of lists.
fn list_queries() -> Vec<String> {
    vec![
        bound(PAGE, &["'anna'", "'00002000'", "50"]),
        bound(RESULTS_OF_A_PAGE, &["'anna'", "'00001950'", "'00002000'"]),
        bound(RECENT_IDS, &["'anna'", "20"]),
    ]
}

/// The queries about one benchmark, or about the running ones.
fn benchmark_queries() -> Vec<String> {
    vec![
        bound(ONE, &["'anna'", "'00002000'"]),
        bound(LATEST, &["'anna'"]),
        bound(RUNNING, &["'anna'"]),
        bound(TIMES_OF_A_BENCHMARK, &["'anna'", "'00002000'"]),
        bound(ROWS, &["'anna'", "'00002000'"]),
        bound(ROWS_AFTER, &["'anna'", "'00002000'", "0", "16"]),
        bound(LISTED_ROWS, &["'anna'", "'00002000'"]),
        bound(RUNS, &["'anna'", "'00002000'"]),
        bound(RUNS_OF_ROWS, &["'anna'", "'00002000'", "0", "16"]),
        bound(RUNS_WITHOUT_SUMMARY, &["'anna'", "'00002000'"]),
        bound(RUNS_OF_ROW, &["'anna'", "'00002000'", "'demo'", "'fast'", "0"]),
        bound(COUNT, &["'anna'", "'00002000'"]),
    ]
}

/// Stores 6,000 benchmarks of one user, with two rows and two runs each. Heads are as long as real ones,
/// because PostgreSQL uses a sequential scan for a table of few pages.
async fn fill(database: &Database) {
    testing::add_user(database, "anna").await;
    let number = match database.backend() {
        Backend::Sqlite => "printf('%08d', n)",
        Backend::Postgres => "lpad(n::text, 8, '0')",
    };
    let numbers =
        "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 6000)";
    let head = "h".repeat(1_000);
    let statements = [
        format!(
            "insert into benchmarks (id, user_id, status, created_at, prompt_preview, runs, headline)
             {numbers} select {number}, 'anna', 'complete', n, '{head}', 3, '{{}}' from numbers"
        ),
        format!(
            "insert into benchmark_inputs (benchmark_id, user_id, parameters, targets)
             select id, user_id, '{head}', '[]' from benchmarks"
        ),
        format!(
            "insert into benchmark_results (benchmark_id, user_id, results)
             select id, user_id, '{head}' from benchmarks"
        ),
        format!(
            "insert into benchmark_rows (benchmark_id, user_id, provider_key, model_id, context_tokens, position,
                                     head, avg_total_time_s)
         select id, user_id, 'demo', 'fast', tier, tier, '{head}', 1
         from benchmarks cross join (select 0 as tier union all select 1) as tiers"
        ),
        "insert into benchmark_runs (benchmark_id, user_id, provider_key, model_id, context_tokens, run_number,
                                     run, chunk_deltas)
         select benchmark_id, user_id, provider_key, model_id, context_tokens, 1, '{}', '[]'
         from benchmark_rows"
            .to_owned(),
        "analyze".to_owned(),
    ];
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql)).execute(database.writer()).await.unwrap();
    }
}

#[tokio::test]
async fn every_list_query_uses_an_index() {
    for database in testing::databases().await {
        fill(&database).await;
        assert_read_by_index(&database, Sorts::Nothing, &list_queries()).await;
        assert_read_by_index(&database, Sorts::Nothing, &benchmark_queries()).await;
        assert_reads_partial_index(&database, "benchmarks_to_fill_in", TO_FILL_IN).await;
        assert_reads_partial_index(&database, "benchmarks_to_sum_up", TO_SUM_UP).await;
        let of_a_model = bound(TIMES_OF_A_MODEL, &["'anna'", "'demo'", "'fast'", "20"]);
        assert_read_by_index(&database, Sorts::Few, &[of_a_model]).await;
    }
}

#[test]
fn no_list_query_reads_prompts_or_runs() {
    assert_nothing_large(&list_queries());
}
