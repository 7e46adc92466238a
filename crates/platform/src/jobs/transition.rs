//! The one place where a job's state changes in the database: only from a state that may become the
//! new one, and only by the worker that has the job.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::error::JobError;
use super::store::{StoredJob, names, remove_payload, stored_columns};
use crate::messages::JobState;

/// A change of state with what is written beside it. `held_by` is the worker that has the job until
/// then; nobody has a job that waits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Transition<'a> {
    Queue,
    Start { worker: &'a str },
    Finish { worker: &'a str, result_ref: Option<&'a str> },
    Fail { held_by: Option<&'a str>, error: &'a str },
    Cancel { held_by: Option<&'a str> },
    Interrupt { worker: &'a str, why: Interruption },
}

/// Why a job is no longer run, although it has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interruption {
    /// Its worker gave it back, and another may resume it at once.
    Stop,
    /// A fault that passes stood in its way; nothing resumes it before this time.
    Pause { resume_at: i64 },
    /// Its worker crashed, perhaps because of it.
    Crash,
}

impl<'a> Transition<'a> {
    pub(super) fn to(self) -> JobState {
        match self {
            Self::Queue => JobState::Queued,
            Self::Start { .. } => JobState::Running,
            Self::Finish { .. } => JobState::Done,
            Self::Fail { .. } => JobState::Failed,
            Self::Cancel { .. } => JobState::Cancelled,
            Self::Interrupt { .. } => JobState::Interrupted,
        }
    }

    fn held_by(self) -> Option<&'a str> {
        match self {
            Self::Queue | Self::Start { .. } => None,
            Self::Fail { held_by, .. } | Self::Cancel { held_by } => held_by,
            Self::Finish { worker, .. } | Self::Interrupt { worker, .. } => Some(worker),
        }
    }

    fn taken_by(self) -> Option<&'a str> {
        if let Self::Start { worker } = self { Some(worker) } else { None }
    }

    fn result_ref(self) -> Option<&'a str> {
        if let Self::Finish { result_ref, .. } = self { result_ref } else { None }
    }

    fn error(self) -> Option<&'a str> {
        if let Self::Fail { error, .. } = self { Some(error) } else { None }
    }

    fn resume_at(self) -> Option<i64> {
        match self {
            Self::Interrupt { why: Interruption::Pause { resume_at }, .. } => Some(resume_at),
            _ => None,
        }
    }

    /// A job that is to be cancelled neither starts nor ends in any other way.
    fn is_barred_by_cancel(self) -> bool {
        matches!(self, Self::Start { .. } | Self::Finish { .. } | Self::Fail { .. })
    }
}

/// Changes a job's state. A crash counts only when the job is no further than at the last one; a job
/// that is done or cancelled loses its payload. The connection is in a transaction. Returns `None` when
/// another change came first: the job is not held by whom the transition names, or it is to be cancelled.
///
/// # Errors
/// [`JobError::Illegal`] when no job in its present state may make this change.
pub(super) async fn change(
    connection: &mut AnyConnection,
    id: &str,
    transition: Transition<'_>,
    now_ms: i64,
) -> Result<Option<StoredJob>, JobError> {
    let to = transition.to();
    let from: Vec<_> = JobState::ALL.into_iter().filter(|state| state.may_become(to)).collect();
    let sql = format!(
        "update jobs set status = '{to}', worker_id = $2,
                progress_pct = case when '{to}' = 'done' then 100 else progress_pct end,
                result_ref = coalesce($3, result_ref), error = $4,
                started_at = coalesce(started_at, $5), finished_at = $6,
                crashes = case when $7 = 0 then crashes
                               when progress_pct > progress_at_crash then 0
                               else crashes + 1 end,
                crashed_worker_id = case when $7 = 0 then crashed_worker_id
                                         when progress_pct > progress_at_crash then null
                                         else worker_id end,
                progress_at_crash = case when $7 <> 0 and progress_pct > progress_at_crash
                                         then progress_pct else progress_at_crash end,
                interruptions = interruptions + $10, resume_at = $11
         where id = $1 and status in ({from}) and coalesce(worker_id, '') = $8
               and (cancel_requested_at is null or $9 = 0)
         returning {columns}",
        to = to.as_str(),
        from = names(&from),
        columns = stored_columns(),
    );
    let crashed = matches!(transition, Transition::Interrupt { why: Interruption::Crash, .. });
    let resume_at = transition.resume_at();
    let changed = sqlx::query_as(AssertSqlSafe(sql))
        .bind(id)
        .bind(transition.taken_by())
        .bind(transition.result_ref())
        .bind(transition.error())
        .bind((to == JobState::Running).then_some(now_ms))
        .bind((!to.is_active()).then_some(now_ms))
        .bind(i64::from(crashed))
        .bind(transition.held_by().unwrap_or_default())
        .bind(i64::from(transition.is_barred_by_cancel()))
        .bind(i64::from(resume_at.is_some()))
        .bind(resume_at)
        .fetch_optional(&mut *connection)
        .await?;
    if changed.is_none() {
        refuse_illegal(connection, id, to).await?;
    } else if matches!(to, JobState::Done | JobState::Cancelled) {
        remove_payload(connection, id).await?;
    }
    Ok(changed)
}

async fn refuse_illegal(connection: &mut AnyConnection, id: &str, to: JobState) -> Result<(), JobError> {
    let row: Option<(String,)> =
        sqlx::query_as("select status from jobs where id = $1").bind(id).fetch_optional(connection).await?;
    let Some(from) = row.and_then(|(status,)| JobState::from_name(&status)) else { return Ok(()) };
    if from.may_become(to) { Ok(()) } else { Err(JobError::Illegal { from, to }) }
}
