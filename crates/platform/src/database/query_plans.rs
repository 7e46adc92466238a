//! Checks for the plans of queries: a list stays fast however much there is, so each of its queries reads
//! by an index on every database.

#![allow(clippy::unwrap_used)]

use sqlx::{AssertSqlSafe, Row};

use super::{Backend, Database, testing};

/// Columns and tables that no list may read: each holds a prompt, or the runs of a benchmark.
const LARGE: [&str; 6] =
    ["parameters", "targets", "benchmark_inputs", "job_payloads", "chunk_deltas", "benchmark_runs"];

/// A query with literals in the place of what it binds, the first for `$1`.
pub fn bound(sql: &str, values: &[&str]) -> String {
    let numbered = values.iter().zip(1..);
    numbered.fold(sql.to_owned(), |sql, (value, n)| sql.replace(&format!("${n}"), value))
}

/// The plan as text, one step a line.
pub async fn plan(database: &Database, sql: &str) -> String {
    let (explain, column) = match database.backend() {
        Backend::Sqlite => ("explain query plan", 3),
        Backend::Postgres => ("explain", 0),
    };
    let explain = AssertSqlSafe(format!("{explain} {sql}"));
    let rows = sqlx::query(explain).fetch_all(database.reader()).await.unwrap();
    let steps = rows.iter().map(|row| row.get::<String, _>(column));
    steps.collect::<Vec<_>>().join("\n")
}

/// What a list sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sorts {
    /// Nothing: an index has the order. (Rows that are equal in all but the last column may be sorted.)
    Nothing,
    /// The rows that the index finds, because the program limits how many those are.
    Few,
}

/// Fails unless the query finds its rows by an index, and names no large column.
#[track_caller]
fn check(database: &Database, sql: &str, plan: &str, sorts: Sorts) {
    let reads_a_whole_table = plan.lines().map(|step| step.trim_start_matches([' ', '-', '>'])).any(|step| {
        let scans = step.starts_with("SCAN ") && !step.contains("SUBQUERY") && !step.contains("CONSTANT ROW");
        // A row for each server process.
        let is_of_few = step.contains(" job_workers");
        (scans || step.starts_with("Seq Scan")) && !is_of_few
    });
    let sorts_all = plan.lines().any(|step| {
        let sqlite = step.contains("TEMP B-TREE") && !step.contains("LAST TERM");
        let postgres =
            step.contains("Sort") && !step.contains("Incremental Sort") && !step.contains("Sort Key");
        sqlite || postgres
    });
    let by_index = plan.contains("USING") || plan.contains("Index") || plan.contains("Bitmap");
    assert!(
        by_index && !reads_a_whole_table && (sorts == Sorts::Few || !sorts_all),
        "{:?}: {sql}\n{plan}",
        database.backend()
    );
}

/// Fails unless each query finds its rows by an index.
pub async fn assert_read_by_index(database: &Database, sorts: Sorts, queries: &[String]) {
    for sql in queries {
        let plan = plan(database, sql).await;
        check(database, sql, &plan, sorts);
    }
}

/// Fails unless the query reads nothing but this index, whose condition is its own.
pub async fn assert_reads_partial_index(database: &Database, index: &str, sql: &str) {
    let plan = plan(database, sql).await;
    assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{:?}: {sql}\n{plan}", database.backend());
}

/// Fails when a query of a list names a large column or the table of one.
pub fn assert_nothing_large(queries: &[String]) {
    for sql in queries {
        let words: Vec<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for large in LARGE {
            assert!(!words.contains(&large), "{large} in a list: {sql}");
        }
    }
}

/// 500 users, with everything that a user has several times.
pub async fn fill(database: &Database) {
    testing::add_user(database, "anna").await;
    let id = match database.backend() {
        Backend::Sqlite => "printf('%08d', n)",
        Backend::Postgres => "lpad(n::text, 8, '0')",
    };
    // Rows as wide as real ones: PostgreSQL rightly reads a table of few pages from end to end.
    let wide = "w".repeat(400);
    let tens = "tens (k) as (select 1 union all select k + 1 from tens where k < 10)";
    let users = "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 500)";
    let times = "cross join tens";
    let statements = [
        format!(
            "insert into users (id, email, password_hash, role, created_at)
             {users} select {id}, {id} || '@example.org', '{wide}', 'user', n from numbers"
        ),
        format!(
            "insert into jobs (id, user_id, job_type, status, progress_pct, progress_detail, error, hourly_limit,
                               created_at, finished_at)
             {users}, {tens} select {id} || '-' || k, {id}, 'benchmark', 'done', 100, '{wide}', null, 'benchmarks',
                                    n * 10 + k, n * 10 + k
             from numbers {times}"
        ),
        format!(
            "insert into benchmarks (id, user_id, status, created_at, prompt_preview, runs, headline)
             {users}, {tens} select {id} || '-' || k, {id}, 'complete', n, '{wide}', 3, '{{}}' from numbers {times}"
        ),
        format!("insert into job_queues (user_id, last_served) {users} select {id}, n from numbers"),
        format!(
            "insert into sessions (id, user_id, refresh_hash, rotated_at, created_at, expires_at)
             {users}, {tens} select {id} || '-' || k, {id}, '{wide}', n, n, n from numbers {times}"
        ),
        format!(
            "insert into access_tokens (id, user_id, name, token_hash, hint, created_at, expires_at)
             {users}, {tens} select {id} || '-' || k, {id}, '{wide}', {id} || '-' || k, '', n, n from numbers {times}"
        ),
        format!(
            "insert into invitations (id, token_hash, email, created_by, created_at, expires_at)
             {users}, {tens} select {id} || '-' || k, {id} || '-' || k, '{wide}', {id}, n, n from numbers {times}"
        ),
        format!(
            "insert into identities (issuer, subject, user_id, created_at)
             {users} select 'issuer', {id}, {id}, n from numbers"
        ),
        format!(
            "insert into sign_in_failures (id, subject, at)
             {users}, {tens} select {id} || '-' || k, {id} || '{wide}', n from numbers {times}"
        ),
        format!(
            "insert into providers (id, user_id, key, display_name, kind, protocol, base_url, headers, position,
                                    created_at, updated_at)
             {users}, {tens} select {id} || '-' || k, {id}, 'key-' || k, '{wide}', 'custom', 'openai_chat', '', '[]',
                                    k, n, n
             from numbers {times}"
        ),
        format!(
            "insert into models (id, user_id, provider_id, model_id, position, listed, settings, created_at, updated_at)
             with recursive {tens} select id || '-' || k, user_id, id, 'model-' || k, k, '{wide}', '{{}}', 1, 1
             from providers {times}"
        ),
        format!(
            "insert into unbound_keys (id, user_id, provider_key, sealed, last4, updated_at)
             {users}, {tens} select {id} || '-' || k, {id}, {id} || '-' || k, '{wide}', '', n from numbers {times}"
        ),
        format!(
            "insert into provider_keys (provider_id, user_id, sealed, last4, origin, updated_at)
             select id, user_id, '{wide}', '', '', 1 from providers"
        ),
        format!(
            "insert into prompt_templates (id, user_id, key, category, label, prompt, created_at, updated_at)
             {users}, {tens} select {id} || '-' || k, {id}, 'key-' || k, 'code', '', '{wide}', n, n
             from numbers {times}"
        ),
        "analyze".to_owned(),
    ];
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql)).execute(database.writer()).await.unwrap();
    }
}
