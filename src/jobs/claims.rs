//! The SQL by which runners share the work: who lives, who gets which job, what the dead leave behind.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::error::JobError;
use super::limits::RUNNING_JOBS;
use super::store::{JobStore, StoredJob, stored_columns};
use super::transition::{self, Interruption, Transition};
use crate::accounts::UserId;

/// A job that goes down with its runner this often is not tried again.
const CRASHES: i64 = 5;

/// Jobs that runner $2 may start: it is on the list, nobody wants to cancel them, and fewer of the
/// user's jobs are running than allowed ($1 where no admin has set a number).
const STARTABLE: &str = "jobs.status = 'queued' and jobs.cancel_requested_at is null
    and exists (select 1 from job_runners where job_runners.id = $2)
    and (select count(*) from jobs as others where others.user_id = jobs.user_id and others.status = 'running')
        < coalesce((select max_concurrent from rate_limits where rate_limits.user_id = jobs.user_id), $1)";

/// A runner and how often it has beaten.
pub(super) type Beat = (String, i64);

impl JobStore {
    /// Enters a runner that begins to work.
    pub(super) async fn register(&self, runner: &str, now_ms: i64) -> Result<(), JobError> {
        sqlx::query("insert into job_runners (id, beat, started_at) values ($1, 0, $2)")
            .bind(runner)
            .bind(now_ms)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// Shows that a runner lives. False when it was taken for dead: its jobs are others' now.
    pub(super) async fn beat(&self, runner: &str) -> Result<bool, JobError> {
        let done = sqlx::query("update job_runners set beat = beat + 1 where id = $1")
            .bind(runner)
            .execute(self.database.pool())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// All runners but this one.
    pub(super) async fn others(&self, runner: &str) -> Result<Vec<Beat>, JobError> {
        Ok(sqlx::query_as("select id, beat from job_runners where id <> $1")
            .bind(runner)
            .fetch_all(self.database.pool())
            .await?)
    }

    /// Takes a runner off the list, unless it has beaten since.
    pub(super) async fn bury(&self, (runner, beat): &Beat) -> Result<bool, JobError> {
        let done = sqlx::query("delete from job_runners where id = $1 and beat = $2")
            .bind(runner)
            .bind(beat)
            .execute(self.database.pool())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes a runner off the list that has no jobs any more.
    pub(super) async fn sign_off(&self, runner: &str) -> Result<(), JobError> {
        sqlx::query("delete from job_runners where id = $1")
            .bind(runner)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// Interrupts the jobs whose runner is on no list.
    pub(super) async fn interrupt_orphans(&self, now_ms: i64) -> Result<(), JobError> {
        let orphans: Vec<(String, String)> = sqlx::query_as(
            "select id, runner from jobs where status = 'running'
             and not exists (select 1 from job_runners where job_runners.id = jobs.runner)",
        )
        .fetch_all(self.database.pool())
        .await?;
        for (id, runner) in orphans {
            tracing::warn!(job = id, "its process ended before it did; it goes on from where it was");
            let why = Interruption::Crash;
            self.change_if_still(&id, Transition::Interrupt { runner: &runner, why }, now_ms).await?;
        }
        Ok(())
    }

    /// Jobs that nobody has and that are not in the queue: those just written, and those interrupted.
    /// Puts them there; those that went down with too many runners have failed, and are returned.
    pub(super) async fn enqueue_waiting(&self, now_ms: i64) -> Result<Vec<StoredJob>, JobError> {
        let waiting: Vec<(String, i64)> = sqlx::query_as(
            "select id, crashes from jobs
             where status in ('pending', 'interrupted') and cancel_requested_at is null order by id",
        )
        .fetch_all(self.database.pool())
        .await?;
        let error = format!("The server ended {CRASHES} times while this job ran; it was not tried again.");
        let mut failed = Vec::new();
        for (id, crashes) in waiting {
            if crashes < CRASHES {
                self.change_if_still(&id, Transition::Queue, now_ms).await?;
            } else {
                let fail = Transition::Fail { held_by: None, error: &error };
                failed.extend(self.change_if_still(&id, fail, now_ms).await?);
            }
        }
        Ok(failed)
    }

    /// Jobs that nobody has and that are to be cancelled: whoever was about to do so did not finish.
    pub(super) async fn half_cancelled(&self) -> Result<Vec<StoredJob>, JobError> {
        let sql = format!(
            "select {} from jobs
             where status in ('pending', 'queued', 'interrupted') and cancel_requested_at is not null",
            stored_columns(),
        );
        Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(self.database.pool()).await?)
    }

    /// The jobs that this runner has and that it shall go on with.
    pub(super) async fn wanted(&self, runner: &str) -> Result<Vec<String>, JobError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "select id from jobs where status = 'running' and runner = $1 and cancel_requested_at is null",
        )
        .bind(runner)
        .fetch_all(self.database.pool())
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Takes the next job: of the user who was served least recently, the oldest. `None` when nothing
    /// waits that may run.
    pub(super) async fn claim(&self, runner: &str, now_ms: i64) -> Result<Option<StoredJob>, JobError> {
        while let Some(user) = self.next_user(runner).await? {
            let mut transaction = self.database.begin().await?;
            let claimed = claim_of(&mut transaction, &user, runner, now_ms).await?;
            transaction.commit().await?;
            if claimed.is_some() {
                return Ok(claimed);
            }
        }
        Ok(None)
    }

    async fn next_user(&self, runner: &str) -> Result<Option<UserId>, JobError> {
        let sql = format!(
            "select jobs.user_id from jobs join job_queues on job_queues.user_id = jobs.user_id
             where {STARTABLE} order by job_queues.turn, jobs.id limit 1"
        );
        let row: Option<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(RUNNING_JOBS)
            .bind(runner)
            .fetch_optional(self.database.pool())
            .await?;
        Ok(row.map(|(user,)| UserId::new(user)))
    }

    /// [`transition::change`]; an illegal change is logged.
    pub(super) async fn change(
        &self,
        id: &str,
        transition: Transition<'_>,
        now_ms: i64,
    ) -> Result<Option<StoredJob>, JobError> {
        let mut connection = self.database.pool().acquire().await?;
        let changed = transition::change(&mut connection, id, transition, now_ms).await;
        if let Err(error @ JobError::Illegal { .. }) = &changed {
            tracing::error!(job = id, "refused: {error}");
        }
        changed
    }

    /// The same where another process may have done it already.
    pub(super) async fn change_if_still(
        &self,
        id: &str,
        transition: Transition<'_>,
        now_ms: i64,
    ) -> Result<Option<StoredJob>, JobError> {
        let mut connection = self.database.pool().acquire().await?;
        match transition::change(&mut connection, id, transition, now_ms).await {
            Err(JobError::Illegal { .. }) => Ok(None),
            changed => changed,
        }
    }
}

/// The user's oldest job, if one more may run. Whoever else claims for this user waits meanwhile, and
/// then counts again.
async fn claim_of(
    connection: &mut AnyConnection,
    user: &UserId,
    runner: &str,
    now_ms: i64,
) -> Result<Option<StoredJob>, JobError> {
    let to_the_back =
        "update job_queues set turn = (select max(turn) + 1 from job_queues) where user_id = $1";
    sqlx::query(to_the_back).bind(user.as_str()).execute(&mut *connection).await?;
    let sql =
        format!("select jobs.id from jobs where jobs.user_id = $3 and {STARTABLE} order by jobs.id limit 1");
    let oldest: Option<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(RUNNING_JOBS)
        .bind(runner)
        .bind(user.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some((id,)) = oldest else { return Ok(None) };
    transition::change(connection, &id, Transition::Start { runner }, now_ms).await
}
