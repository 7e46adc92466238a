//! The lists stay fast however much a user has measured: each query reads by an index, on every database.

use sqlx::{AssertSqlSafe, Row};

use super::history::{PAGE, RECENT_TIMES, ROWS_OF_A_PAGE};
use super::rows::{ROWS, ROWS_AFTER};
use super::runs::{COUNT, RUNS, RUNS_OF_ROWS};
use super::{LATEST, RUNNING};
use crate::database::{Backend, Database, testing};

/// Each query with literals in the place of what it binds.
fn queries() -> Vec<String> {
    let bound = |sql: &str, values: &[&str]| {
        let numbered = values.iter().zip(1..);
        numbered.fold(sql.to_owned(), |sql, (value, n)| sql.replace(&format!("${n}"), value))
    };
    vec![
        bound(PAGE, &["'anna'", "'00002000'", "50"]),
        bound(ROWS_OF_A_PAGE, &["'anna'", "'00002000'", "50"]),
        bound(RECENT_TIMES, &["'anna'", "20"]),
        bound(LATEST, &["'anna'"]),
        bound(RUNNING, &["'anna'"]),
        bound(ROWS, &["'anna'", "'00002000'"]),
        bound(ROWS_AFTER, &["'anna'", "'00002000'", "0", "16"]),
        bound(RUNS, &["'anna'", "'00002000'"]),
        bound(RUNS_OF_ROWS, &["'anna'", "'00002000'", "0", "16"]),
        bound(COUNT, &["'anna'", "'00002000'"]),
    ]
}

/// 6,000 benchmarks of one user, two rows and two runs each. Heads are as long as real ones: PostgreSQL
/// rightly reads a table of few pages from end to end.
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
            "insert into benchmarks (id, user_id, status, created_at, prompt_preview, parameters, targets)
             {numbers} select {number}, 'anna', 'complete', n, 'prompt', '{{}}', '[]' from numbers"
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

/// The plan as text, one step a line.
async fn plan(database: &Database, sql: &str) -> String {
    let (explain, column) = match database.backend() {
        Backend::Sqlite => ("explain query plan", 3),
        Backend::Postgres => ("explain", 0),
    };
    let rows =
        sqlx::query(AssertSqlSafe(format!("{explain} {sql}"))).fetch_all(database.reader()).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>(column));
    steps.collect::<Vec<_>>().join("\n")
}

/// A list of all of a user's benchmarks would be read to its end, or sorted, by a plan with one of these.
fn reads_too_much(plan: &str) -> bool {
    let of_a_table = |step: &str| {
        let step = step.trim_start_matches([' ', '-', '>']);
        step.starts_with("SCAN benchmark") || step.starts_with("Seq Scan")
    };
    plan.lines().any(of_a_table) || plan.contains("TEMP B-TREE")
}

#[tokio::test]
async fn every_list_reads_by_an_index() {
    for database in testing::databases().await {
        fill(&database).await;
        for sql in queries() {
            let plan = plan(&database, &sql).await;
            let by_index = plan.contains("USING INDEX") || plan.contains("Index") || plan.contains("Bitmap");
            assert!(by_index && !reads_too_much(&plan), "{:?}: {sql}\n{plan}", database.backend());
        }
    }
}
