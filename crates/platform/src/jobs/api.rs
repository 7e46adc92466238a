//! What the menu calls.

use leptos::prelude::*;

use super::job_list::JobList;
#[cfg(feature = "ssr")]
use crate::accounts::Session;
#[cfg(feature = "ssr")]
use crate::http::into_server_fn_error;

/// The user's jobs as they are now.
#[server]
pub async fn load_job_board() -> Result<JobList, ServerFnError> {
    let (session, jobs) = Session::with::<super::JobService>()?;
    let user = session.user_id();
    let active = jobs.active(user).await.map_err(into_server_fn_error)?;
    Ok(JobList { active, recent: jobs.recent(user).await.map_err(into_server_fn_error)? })
}

/// Ends a job of the user: at once when it waits, soon when it runs.
#[server]
pub async fn cancel_job(job_id: String) -> Result<(), ServerFnError> {
    let (session, jobs) = Session::with::<super::JobService>()?;
    jobs.cancel(session.user_id(), &job_id).await.map_err(into_server_fn_error)?;
    Ok(())
}
