//! The plans of the queries behind the history, the estimate and a tab that connects: on a filled database each
//! uses an index of the user's and none reads or sorts a whole table.

use sqlx::{AssertSqlSafe, Executor, Row};

use super::super::RUNNING;
use super::{PAGE, RECENT_TIMES, ROWS_OF_A_PAGE};
use crate::database::{Backend, Database, testing};

const BENCHMARKS: u32 = 2000;

/// Two thousand benchmarks of five rows each for one user, written by the database itself.
async fn filled() -> Vec<Database> {
    let databases = testing::databases().await;
    for database in &databases {
        testing::add_user(database, "anna").await;
        let numbers = format!(
            "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {BENCHMARKS})"
        );
        let benchmarks = format!(
            "insert into benchmarks (id, user_id, status, created_at, prompt_preview, parameters, targets)
             {numbers} select '0198' || cast(1000000 + n as text), 'anna', 'complete', n, '', '', '' from numbers"
        );
        let rows = format!(
            "insert into benchmark_rows (benchmark_id, user_id, provider_key, model_id, context_tokens, position,
                                         head, avg_total_time_s)
             {numbers} select '0198' || cast(1000000 + n as text), 'anna', 'mock', 'm' || cast(r as text), 0, r,
                              '', 1.5
             from numbers cross join (select 1 as r union all select 2 union all select 3 union all select 4
                                      union all select 5) as places"
        );
        for sql in [benchmarks, rows] {
            sqlx::query(AssertSqlSafe(sql)).execute(database.pool()).await.unwrap();
        }
        database.pool().execute("analyze").await.unwrap();
    }
    databases
}

/// The plan of `sql` with its parameters in the order $1, $2, …, as one text.
async fn plan(database: &Database, sql: &str, parameters: &[&str]) -> String {
    let written = parameters
        .iter()
        .enumerate()
        .fold(sql.to_owned(), |sql, (at, value)| sql.replace(&format!("${}", at + 1), value));
    let (explain, column) = match database.backend() {
        Backend::Sqlite => ("explain query plan", "detail"),
        Backend::Postgres => ("explain", "QUERY PLAN"),
    };
    let rows = sqlx::query(AssertSqlSafe(format!("{explain} {written}"))).fetch_all(database.pool()).await;
    let lines: Vec<String> = rows.unwrap().iter().map(|row| row.get::<String, _>(column)).collect();
    lines.join("\n")
}

#[tokio::test]
async fn lists_use_an_index_and_sort_no_table() {
    let newest = "'g'";
    let middle = "'01981001000'";
    let queries: [(&str, Vec<&str>); 5] = [
        (PAGE, vec!["'anna'", newest, "50"]),
        (PAGE, vec!["'anna'", middle, "50"]),
        (ROWS_OF_A_PAGE, vec!["'anna'", middle, "50"]),
        (RECENT_TIMES, vec!["'anna'", "20"]),
        (RUNNING, vec!["'anna'"]),
    ];
    for database in filled().await {
        for (sql, parameters) in &queries {
            let plan = plan(&database, sql, parameters).await;
            assert!(plan.to_lowercase().contains("index"), "no index in the plan of {sql}:\n{plan}");
            for scan in ["Seq Scan on benchmark", "SCAN benchmark"] {
                assert!(!plan.contains(scan), "a scan in the plan of {sql}:\n{plan}");
            }
            if *sql != ROWS_OF_A_PAGE && *sql != RECENT_TIMES {
                let sorts = plan.contains("Sort") || plan.contains("TEMP B-TREE FOR ORDER BY");
                assert!(!sorts, "a sort in the plan of {sql}:\n{plan}");
            }
            if database.backend() == Backend::Sqlite && sql.contains("benchmark_rows") {
                assert!(plan.contains("benchmark_rows_by_position"), "another index for {sql}:\n{plan}");
            }
        }
    }
}
