//! The SQL of what users see of their jobs: submitting, finding, asking for an end. How a job's state
//! changes is in `transition`, how workers share the work in `claims`.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, FromRow, Row};

use super::error::JobError;
use super::limits::{HOUR_MS, HourlyLimit, WAITING_JOBS};
use crate::accounts::UserId;
use crate::database::{AFTER_EVERY_ID, Database, new_id};
use crate::limits::benchmarks_per_hour;
use crate::messages::{Job, JobState};

/// What every list selects, in the words of [`Job`]. None of these columns is large.
pub(super) const COLUMNS: &str =
    "id, user_id, job_type, status, progress_pct, progress_detail, result_ref, error,
    created_at, started_at, finished_at";

pub(super) const REMOVE_FINISHED: &str = "
    delete from jobs where id in (select id from jobs where finished_at < $1 order by finished_at limit $2)";

pub(super) const USAGE: &str = "
    select cast(count(*) as bigint) from jobs where user_id = $1 and hourly_limit = $2 and created_at > $3";

/// A job to submit.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The kind, as its handler calls it.
    pub job_type: &'static str,
    /// What the handler needs; without secrets.
    pub params: Value,
    /// One line that says what it is about.
    pub detail: String,
    /// The hourly limit that it counts against.
    pub limit: Option<HourlyLimit>,
}

/// Which jobs of a user to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Any of these; all when empty.
    pub states: Vec<JobState>,
    /// Only those older than the job with this id.
    pub before: Option<String>,
    pub limit: i64,
}

/// A job with the columns that running it needs.
#[derive(Debug, Clone)]
pub(super) struct StoredJob {
    pub user: UserId,
    pub job: Job,
    /// What was submitted, as JSON, and `null` where that is no longer kept; decoded only by what needs it,
    /// so that a payload of another version stops no list and no claim.
    pub params: String,
    /// The worker that has it.
    pub worker: Option<String>,
    /// How often a passing fault has interrupted it.
    pub interruptions: i64,
}

/// How much of an hourly limit a user has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    pub limit: i64,
    pub used: i64,
}

/// The tables `jobs`, `job_payloads`, `job_queues` and `job_workers`.
#[derive(Debug, Clone)]
pub(super) struct JobStore {
    pub(super) database: Database,
}

impl FromRow<'_, AnyRow> for Job {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let status: String = row.try_get("status")?;
        let status = JobState::from_name(&status).ok_or_else(|| unknown("status", &status))?;
        Ok(Self {
            id: row.try_get("id")?,
            user_id: Some(UserId::new(row.try_get::<String, _>("user_id")?)),
            job_type: row.try_get("job_type")?,
            status,
            progress_pct: row.try_get("progress_pct")?,
            progress_detail: row.try_get("progress_detail")?,
            result_ref: row.try_get("result_ref")?,
            error: row.try_get("error")?,
            created_at: row.try_get("created_at")?,
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
        })
    }
}

impl FromRow<'_, AnyRow> for StoredJob {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            user: UserId::new(row.try_get::<String, _>("user_id")?),
            job: Job::from_row(row)?,
            params: row.try_get::<Option<String>, _>("params")?.unwrap_or_else(|| "null".to_owned()),
            worker: row.try_get("worker_id")?,
            interruptions: row.try_get("interruptions")?,
        })
    }
}

fn unknown(column: &str, value: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.into(), source: format!("unknown: {value}").into() }
}

/// What a statement about [`StoredJob`]s selects or returns.
pub(super) fn stored_columns() -> String {
    format!(
        "{COLUMNS}, worker_id, interruptions,
         (select params from job_payloads where job_payloads.job_id = jobs.id) as params"
    )
}

impl JobStore {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Writes a job with its payload as pending, when the user's limits leave room for it. The connection
    /// is in a transaction.
    pub(super) async fn insert(
        &self,
        connection: &mut AnyConnection,
        user: &UserId,
        new: &NewJob,
        hourly_default: i64,
        now_ms: i64,
    ) -> Result<Job, JobError> {
        lock_queue(connection, user).await?;
        if let Some(limit) = new.limit {
            check_hourly_limit(connection, user, limit, hourly_default, now_ms).await?;
        }
        check_waiting(connection, user).await?;
        let sql = format!(
            "insert into jobs (id, user_id, job_type, status, progress_pct, progress_detail,
                               hourly_limit, created_at)
             values ($1, $2, $3, 'pending', 0, $4, $5, $6)
             returning {COLUMNS}"
        );
        let job: Job = sqlx::query_as(AssertSqlSafe(sql))
            .bind(new_id())
            .bind(user.as_str())
            .bind(new.job_type)
            .bind(&new.detail)
            .bind(new.limit.map(HourlyLimit::as_str))
            .bind(now_ms)
            .fetch_one(&mut *connection)
            .await?;
        sqlx::query("insert into job_payloads (job_id, user_id, params) values ($1, $2, $3)")
            .bind(&job.id)
            .bind(user.as_str())
            .bind(new.params.to_string())
            .execute(connection)
            .await?;
        Ok(job)
    }

    /// The job of this user; `None` when there is none, or it is somebody else's.
    pub(super) async fn get(&self, user: &UserId, id: &str) -> Result<Option<StoredJob>, JobError> {
        let columns = stored_columns();
        let sql = format!("select {columns} from jobs where user_id = $1 and id = $2");
        Ok(sqlx::query_as(AssertSqlSafe(sql))
            .bind(user.as_str())
            .bind(id)
            .fetch_optional(self.database.reader())
            .await?)
    }

    /// The user's jobs that the selection means, newest first.
    pub(super) async fn list(&self, user: &UserId, selection: &Selection) -> Result<Vec<Job>, JobError> {
        Ok(sqlx::query_as(AssertSqlSafe(list_sql(selection)))
            .bind(user.as_str())
            .bind(selection.before.as_deref().unwrap_or(AFTER_EVERY_ID))
            .bind(selection.limit)
            .fetch_all(self.database.reader())
            .await?)
    }

    /// The user's last finished jobs, the latest first.
    pub(super) async fn recent(&self, user: &UserId, limit: i64) -> Result<Vec<Job>, JobError> {
        Ok(sqlx::query_as(AssertSqlSafe(recent_sql()))
            .bind(user.as_str())
            .bind(limit)
            .fetch_all(self.database.reader())
            .await?)
    }

    /// Everybody's jobs with their owners' e-mail, for admins; newest first.
    pub(super) async fn list_all(&self, selection: &Selection) -> Result<Vec<(Job, String)>, JobError> {
        let rows = sqlx::query(AssertSqlSafe(list_all_sql(selection)))
            .bind(selection.before.as_deref().unwrap_or(AFTER_EVERY_ID))
            .bind(selection.limit)
            .fetch_all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok((Job::from_row(row)?, row.try_get("email")?))).collect()
    }

    /// Whose job this is, for admins.
    pub(super) async fn owner(&self, id: &str) -> Result<Option<UserId>, JobError> {
        let row: Option<(String,)> = sqlx::query_as("select user_id from jobs where id = $1")
            .bind(id)
            .fetch_optional(self.database.reader())
            .await?;
        Ok(row.map(|(user,)| UserId::new(user)))
    }

    /// Notes that the user wants the job to end; from now on no worker starts it. `None` when it has
    /// ended already, or the user has no such job.
    pub(super) async fn request_cancel(
        &self,
        user: &UserId,
        id: &str,
        now_ms: i64,
    ) -> Result<Option<StoredJob>, JobError> {
        let sql = format!(
            "update jobs set cancel_requested_at = coalesce(cancel_requested_at, $3)
             where user_id = $1 and id = $2 and finished_at is null
             returning {}",
            stored_columns(),
        );
        Ok(sqlx::query_as(AssertSqlSafe(sql))
            .bind(user.as_str())
            .bind(id)
            .bind(now_ms)
            .fetch_optional(self.database.writer())
            .await?)
    }

    /// Keeps how far a running job is, unless another worker has it by now.
    pub(super) async fn save_progress(
        &self,
        id: &str,
        worker: &str,
        percent: f64,
        detail: &str,
    ) -> Result<(), JobError> {
        sqlx::query(
            "update jobs set progress_pct = $3, progress_detail = $4
             where id = $1 and worker_id = $2 and status = 'running'",
        )
        .bind(id)
        .bind(worker)
        .bind(percent)
        .bind(detail)
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// Removes what was submitted and what came out from a job that has ended.
    pub(super) async fn forget(&self, user: &UserId, id: &str) -> Result<(), JobError> {
        let mut transaction = self.database.begin().await?;
        let done = sqlx::query(
            "update jobs set result_ref = null where user_id = $1 and id = $2 and finished_at is not null",
        )
        .bind(user.as_str())
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() > 0 {
            remove_payload(&mut transaction, id).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Removes at most `limit` jobs that finished before this time; returns how many.
    pub(super) async fn remove_finished(&self, before_ms: i64, limit: i64) -> Result<u64, JobError> {
        let done =
            sqlx::query(REMOVE_FINISHED).bind(before_ms).bind(limit).execute(self.database.writer()).await?;
        Ok(done.rows_affected())
    }

    /// Removes at most `limit` finished jobs of a user whose account is deleted; returns how many.
    pub(super) async fn remove_finished_of(&self, user: &UserId, limit: i64) -> Result<u64, JobError> {
        let done = sqlx::query(
            "delete from jobs where id in
                 (select id from jobs where user_id = $1 and finished_at is not null limit $2)",
        )
        .bind(user.as_str())
        .bind(limit)
        .execute(self.database.writer())
        .await?;
        Ok(done.rows_affected())
    }

    /// How much of an hourly limit the user has used by now.
    pub(super) async fn usage(
        &self,
        user: &UserId,
        limit: HourlyLimit,
        hourly_default: i64,
        now_ms: i64,
    ) -> Result<Usage, JobError> {
        let mut connection = self.database.reader().acquire().await?;
        let (used,): (i64,) = sqlx::query_as(USAGE)
            .bind(user.as_str())
            .bind(limit.as_str())
            .bind(now_ms - HOUR_MS)
            .fetch_one(&mut *connection)
            .await?;
        let limit = hourly_limit_of(&mut connection, user, limit, hourly_default).await?;
        Ok(Usage { limit, used })
    }
}

/// The jobs of user $1 older than job $2, at most $3.
pub(super) fn list_sql(selection: &Selection) -> String {
    format!(
        "select {COLUMNS} from jobs where user_id = $1 and {} and id < $2 order by id desc limit $3",
        of_states("status", &selection.states),
    )
}

/// The last $2 finished jobs of user $1.
pub(super) fn recent_sql() -> String {
    format!(
        "select {COLUMNS} from jobs where user_id = $1 and finished_at is not null and {}
         order by finished_at desc, id desc limit $2",
        of_states("status", &[]),
    )
}

/// Everybody's jobs older than job $1, at most $2.
pub(super) fn list_all_sql(selection: &Selection) -> String {
    format!(
        "select {}, users.email from jobs join users on users.id = jobs.user_id
         where {} and jobs.id < $1 and users.deleted_at is null order by jobs.id desc limit $2",
        COLUMNS.replace("id, user_id,", "jobs.id, user_id,").replace("created_at", "jobs.created_at"),
        of_states("jobs.status", &selection.states),
    )
}

/// The condition that a column is one of these states, or of all states that this version knows. All of
/// them are nearly every row: the expression keeps the planner from an index on the state, after which it
/// would have to sort.
fn of_states(column: &str, states: &[JobState]) -> String {
    if states.is_empty() {
        format!("{column} || '' in ({})", names(&JobState::ALL))
    } else {
        format!("{column} in ({})", names(states))
    }
}

/// Removes what was submitted.
pub(super) async fn remove_payload(connection: &mut AnyConnection, id: &str) -> sqlx::Result<()> {
    sqlx::query("delete from job_payloads where job_id = $1").bind(id).execute(connection).await?;
    Ok(())
}

/// Holds off everybody else who would submit or start a job for this user, until the transaction ends.
async fn lock_queue(connection: &mut AnyConnection, user: &UserId) -> Result<(), JobError> {
    sqlx::query(
        "insert into job_queues (user_id, last_served) values ($1, 0)
         on conflict (user_id) do update set user_id = excluded.user_id",
    )
    .bind(user.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

async fn hourly_limit_of(
    connection: &mut AnyConnection,
    user: &UserId,
    limit: HourlyLimit,
    default: i64,
) -> Result<i64, JobError> {
    let HourlyLimit::Benchmarks = limit;
    Ok(benchmarks_per_hour(connection, user).await?.unwrap_or(default).max(1))
}

/// There is no room when the limit's last place was taken less than an hour ago; there will be when
/// that hour is over.
async fn check_hourly_limit(
    connection: &mut AnyConnection,
    user: &UserId,
    limit: HourlyLimit,
    default: i64,
    now_ms: i64,
) -> Result<(), JobError> {
    let allowed = hourly_limit_of(connection, user, limit, default).await?;
    let last_place: Option<(i64,)> = sqlx::query_as(
        "select created_at from jobs where user_id = $1 and hourly_limit = $2 and created_at > $3
         order by created_at desc limit 1 offset $4",
    )
    .bind(user.as_str())
    .bind(limit.as_str())
    .bind(now_ms - HOUR_MS)
    .bind(allowed - 1)
    .fetch_optional(connection)
    .await?;
    let Some((taken_at,)) = last_place else { return Ok(()) };
    let wait_ms = u64::try_from(taken_at + HOUR_MS - now_ms).unwrap_or_default();
    Err(JobError::TooMany { limit: allowed, retry_after_s: wait_ms.div_ceil(1000).max(1) })
}

async fn check_waiting(connection: &mut AnyConnection, user: &UserId) -> Result<(), JobError> {
    let (waiting,): (i64,) = sqlx::query_as(
        "select cast(count(*) as bigint) from jobs
         where user_id = $1 and status in ('pending', 'queued', 'interrupted')",
    )
    .bind(user.as_str())
    .fetch_one(connection)
    .await?;
    if waiting < WAITING_JOBS { Ok(()) } else { Err(JobError::QueueFull { waiting }) }
}

/// States as an SQL list. Their names are constants.
pub(super) fn names(states: &[JobState]) -> String {
    quoted(&states.iter().map(|state| state.as_str()).collect::<Vec<_>>())
}

/// Constants of the program as an SQL list of strings.
pub(super) fn quoted(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
    quoted.join(", ")
}
