//! The SQL by which workers share the work: which of them live, which gets which job, and what happens
//! to the jobs of those that ended.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, FromRow};

use super::error::JobError;
use super::store::{JobStore, StoredJob, quoted, stored_columns};
use super::transition::{self, Interruption, Transition};
use crate::accounts::UserId;
use crate::limits::MAX_CONCURRENT_OF_JOB;
use crate::limits::types::DEFAULT_MAX_CONCURRENT;

/// A job during which this many workers in a row crashed, without progress in between, is not tried
/// again.
pub(super) const MAX_CRASHES: i64 = 5;

pub(super) const INTERRUPT_ORPHANS: &str = "
    select id, worker_id from jobs where status = 'running'
    and not exists (select 1 from job_workers where job_workers.id = jobs.worker_id)";

pub(super) const ENQUEUE_WAITING: &str = "
    select id from jobs
    where status in ('pending', 'interrupted') and cancel_requested_at is null
          and (resume_at is null or resume_at <= $1) and crashes < $2
    order by id";

pub(super) const JOBS_TO_KEEP: &str = "
    select id from jobs where status = 'running' and worker_id = $1 and cancel_requested_at is null";

/// A worker's id and the number of its last heartbeat.
pub(super) type Heartbeat = (String, i64);

/// The condition on jobs that worker $2 may start: it is registered and knows their type, nobody wants
/// to cancel them or has deleted their user, and fewer of the user's jobs are running than allowed ($1 where
/// no admin has set a number).
fn startable(job_types: &[&str]) -> String {
    format!(
        "jobs.status = 'queued' and jobs.cancel_requested_at is null and jobs.job_type in ({})
         and exists (select 1 from job_workers where job_workers.id = $2)
         and exists (select 1 from users where users.id = jobs.user_id and users.deleted_at is null)
         and (select count(*) from jobs as others
              where others.user_id = jobs.user_id and others.status = 'running')
             < coalesce({MAX_CONCURRENT_OF_JOB}, $1)",
        quoted(job_types),
    )
}

impl JobStore {
    /// Registers a worker, which may claim jobs from then on.
    pub(super) async fn register(&self, worker: &str, now_ms: i64) -> Result<(), JobError> {
        sqlx::query(
            "insert into job_workers (id, heartbeat, started_at) values ($1, 0, $2)
             on conflict (id) do nothing",
        )
        .bind(worker)
        .bind(now_ms)
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// Renews a worker's lease. False when another has removed it: its jobs are others' now.
    pub(super) async fn heartbeat(&self, worker: &str) -> Result<bool, JobError> {
        let done = sqlx::query("update job_workers set heartbeat = heartbeat + 1 where id = $1")
            .bind(worker)
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Returns all workers but this one.
    pub(super) async fn other_workers(&self, worker: &str) -> Result<Vec<Heartbeat>, JobError> {
        Ok(sqlx::query_as("select id, heartbeat from job_workers where id <> $1")
            .bind(worker)
            .fetch_all(self.database.reader())
            .await?)
    }

    /// Removes a worker that is taken for dead, unless it has sent a heartbeat since.
    pub(super) async fn remove_dead_worker(&self, (worker, heartbeat): &Heartbeat) -> Result<bool, JobError> {
        let done = sqlx::query("delete from job_workers where id = $1 and heartbeat = $2")
            .bind(worker)
            .bind(heartbeat)
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a worker that stopped and whose process lives, and gives back the jobs it still has.
    /// Where another took it for dead meanwhile, the crash that was counted is taken back: nothing
    /// crashed.
    pub(super) async fn deregister(&self, worker: &str, now_ms: i64) -> Result<(), JobError> {
        let mut transaction = self.database.begin().await?;
        let held: Vec<(String,)> =
            sqlx::query_as("select id from jobs where status = 'running' and worker_id = $1")
                .bind(worker)
                .fetch_all(&mut *transaction)
                .await?;
        for (id,) in held {
            let interrupt = Transition::Interrupt { worker, why: Interruption::Stop };
            transition::change(&mut transaction, &id, interrupt, now_ms).await?;
        }
        sqlx::query(
            "update jobs set crashes = crashes - 1, crashed_worker_id = null
             where status in ('queued', 'running', 'interrupted') and crashed_worker_id = $1 and crashes > 0",
        )
        .bind(worker)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("delete from job_workers where id = $1").bind(worker).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Interrupts the jobs whose worker is not registered.
    pub(super) async fn interrupt_orphans(&self, now_ms: i64) -> Result<(), JobError> {
        let orphans: Vec<(String, String)> =
            sqlx::query_as(INTERRUPT_ORPHANS).fetch_all(self.database.reader()).await?;
        for (id, worker) in orphans {
            tracing::warn!(job = id, "the process that ran it ended; it resumes from what is stored");
            let interrupt = Transition::Interrupt { worker: &worker, why: Interruption::Crash };
            if let Err(error) = self.change_if_still(&id, interrupt, now_ms).await {
                tracing::error!(job = id, "cannot interrupt it: {error}");
            }
        }
        Ok(())
    }

    /// Queues jobs that were just written, and interrupted ones whose pause is over.
    pub(super) async fn enqueue_waiting(&self, now_ms: i64) -> Result<(), JobError> {
        let waiting: Vec<(String,)> = sqlx::query_as(ENQUEUE_WAITING)
            .bind(now_ms)
            .bind(MAX_CRASHES)
            .fetch_all(self.database.reader())
            .await?;
        for (id,) in waiting {
            if let Err(error) = self.change_if_still(&id, Transition::Queue, now_ms).await {
                tracing::error!(job = id, "cannot queue it: {error}");
            }
        }
        Ok(())
    }

    /// Returns the jobs of these types during which too many workers crashed.
    pub(super) async fn to_give_up(&self, job_types: &[&str]) -> Result<Vec<String>, JobError> {
        let sql = format!(
            "select id from jobs
             where status = 'interrupted' and cancel_requested_at is null and crashes >= $1
                   and job_type in ({})",
            quoted(job_types),
        );
        let rows: Vec<(String,)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(MAX_CRASHES).fetch_all(self.database.reader()).await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Returns the jobs of these types that no worker has and whose cancelling was begun but not
    /// finished. A row that cannot be read is logged and left out.
    pub(super) async fn unfinished_cancels(&self, job_types: &[&str]) -> Result<Vec<StoredJob>, JobError> {
        let sql = format!(
            "select {} from jobs
             where status in ('pending', 'queued', 'interrupted') and cancel_requested_at is not null
                   and job_type in ({})",
            stored_columns(),
            quoted(job_types),
        );
        let rows: Vec<AnyRow> = sqlx::query(AssertSqlSafe(sql)).fetch_all(self.database.reader()).await?;
        let read = |row| StoredJob::from_row(row).inspect_err(|error| tracing::error!("a job: {error}")).ok();
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Returns the jobs that this worker has and is to go on with.
    pub(super) async fn jobs_to_keep(&self, worker: &str) -> Result<Vec<String>, JobError> {
        let rows: Vec<(String,)> =
            sqlx::query_as(JOBS_TO_KEEP).bind(worker).fetch_all(self.database.reader()).await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Claims the next job of these types: the oldest of the user who was served least recently.
    /// `None` when none may run.
    pub(super) async fn claim(
        &self,
        worker: &str,
        job_types: &[&str],
        now_ms: i64,
    ) -> Result<Option<StoredJob>, JobError> {
        if job_types.is_empty() {
            return Ok(None);
        }
        let startable = startable(job_types);
        while let Some(user) = self.next_user(worker, &startable).await? {
            let mut transaction = self.database.begin().await?;
            let claimed = claim_of(&mut transaction, &user, worker, &startable, now_ms).await?;
            transaction.commit().await?;
            if claimed.is_some() {
                return Ok(claimed);
            }
        }
        Ok(None)
    }

    async fn next_user(&self, worker: &str, startable: &str) -> Result<Option<UserId>, JobError> {
        let sql = format!(
            "select jobs.user_id from jobs join job_queues on job_queues.user_id = jobs.user_id
             where {startable} order by job_queues.last_served, jobs.id limit 1"
        );
        let row: Option<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(DEFAULT_MAX_CONCURRENT)
            .bind(worker)
            .fetch_optional(self.database.reader())
            .await?;
        Ok(row.map(|(user,)| UserId::new(user)))
    }

    /// Calls [`transition::change`] and logs an illegal change.
    pub(super) async fn change(
        &self,
        id: &str,
        transition: Transition<'_>,
        now_ms: i64,
    ) -> Result<Option<StoredJob>, JobError> {
        let changed = self.change_in_transaction(id, transition, now_ms).await;
        if let Err(error @ JobError::Illegal { .. }) = &changed {
            tracing::error!(job = id, "refused: {error}");
        }
        changed
    }

    /// Calls [`transition::change`] where another process may have made the change already.
    pub(super) async fn change_if_still(
        &self,
        id: &str,
        transition: Transition<'_>,
        now_ms: i64,
    ) -> Result<Option<StoredJob>, JobError> {
        match self.change_in_transaction(id, transition, now_ms).await {
            Err(JobError::Illegal { .. }) => Ok(None),
            changed => changed,
        }
    }

    async fn change_in_transaction(
        &self,
        id: &str,
        transition: Transition<'_>,
        now_ms: i64,
    ) -> Result<Option<StoredJob>, JobError> {
        let mut transaction = self.database.begin().await?;
        let changed = transition::change(&mut transaction, id, transition, now_ms).await?;
        transaction.commit().await?;
        Ok(changed)
    }
}

/// Claims the user's oldest job, if one more may run. Other workers that claim for this user wait for the
/// row lock meanwhile, and count again after it.
async fn claim_of(
    connection: &mut AnyConnection,
    user: &UserId,
    worker: &str,
    startable: &str,
    now_ms: i64,
) -> Result<Option<StoredJob>, JobError> {
    let to_the_back = "update job_queues set last_served = (select max(last_served) + 1 from job_queues) where user_id = $1";
    sqlx::query(to_the_back).bind(user.as_str()).execute(&mut *connection).await?;
    let sql =
        format!("select jobs.id from jobs where jobs.user_id = $3 and {startable} order by jobs.id limit 1");
    let oldest: Option<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(DEFAULT_MAX_CONCURRENT)
        .bind(worker)
        .bind(user.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some((id,)) = oldest else { return Ok(None) };
    transition::change(connection, &id, Transition::Start { worker }, now_ms).await
}
