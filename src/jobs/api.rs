//! What the menu calls.

use leptos::prelude::*;

use super::job_list::JobList;

/// The user's jobs as they are now.
#[server]
pub async fn load_job_board() -> Result<JobList, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let jobs = expect_context::<super::JobService>();
    let user = session.user_id();
    let active = jobs.active(user).await.map_err(told)?;
    Ok(JobList { active, recent: jobs.recent(user).await.map_err(told)? })
}

/// Ends a job of the user: at once when it waits, soon when it runs.
#[server]
pub async fn cancel_job(job_id: String) -> Result<(), ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let jobs = expect_context::<super::JobService>();
    jobs.cancel(session.user_id(), &job_id).await.map_err(told)?;
    Ok(())
}

#[cfg(feature = "ssr")]
fn told(error: super::JobError) -> ServerFnError {
    crate::http::AppError::from(error).into_server_fn_error()
}
