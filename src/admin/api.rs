//! Server functions of the admin pages.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::types::{InstallationSettings, UserPage, UserRow};
use crate::accounts::{Invitation, Role, UserId};

#[cfg(feature = "ssr")]
use super::service::{AdminService, invitation_path};
#[cfg(feature = "ssr")]
use crate::accounts::cookies::SealedCookie;
#[cfg(feature = "ssr")]
use crate::accounts::forms::{is_form_post, set_flash, show, take_flash};
#[cfg(feature = "ssr")]
use crate::accounts::service::password_link_path;
#[cfg(feature = "ssr")]
use crate::accounts::{AdminSession, NewInvitationRequest};
#[cfg(feature = "ssr")]
use crate::http::into_server_fn_error;
use crate::limits::RateLimit;

/// Number of users per page.
#[cfg(feature = "ssr")]
const USERS_A_PAGE: i64 = 50;

/// The installation's settings and invitations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallationOverview {
    pub settings: InstallationSettings,
    pub invitations: Vec<Invitation>,
    /// The link that the form before this page created; shown only once.
    pub one_time_secret: Option<String>,
}

/// A user with their limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetail {
    pub user: UserRow,
    pub limit: RateLimit,
    /// The reset link that the form before this page created; shown only once.
    pub password_link: Option<String>,
}

/// Returns one page of users.
#[server]
pub async fn list_users(after: Option<UserId>) -> Result<UserPage, ServerFnError> {
    let (_, admin) = AdminSession::with::<AdminService>()?;
    admin.users(after.as_ref(), USERS_A_PAGE).await.map_err(into_server_fn_error)
}

/// Returns one user.
#[server]
pub async fn load_user(user: UserId) -> Result<UserDetail, ServerFnError> {
    let (_, admin) = AdminSession::with::<AdminService>()?;
    let limit = admin.rate_limit(&user).await.map_err(into_server_fn_error)?;
    let user = admin.user(&user).await.map_err(into_server_fn_error)?;
    let password_link = take_flash(SealedCookie::PasswordLink).map(|token| password_link_path(&token));
    Ok(UserDetail { user, limit, password_link })
}

/// Sets a user's limits.
#[server]
pub async fn set_user_limits(
    user: UserId,
    benchmarks_per_hour: i64,
    max_concurrent: i64,
    max_runs_per_benchmark: i64,
) -> Result<(), ServerFnError> {
    let (_, admin) = AdminSession::with::<AdminService>()?;
    let limit = RateLimit { benchmarks_per_hour, max_concurrent, max_runs_per_benchmark };
    admin.set_rate_limit(&user, &limit).await.map_err(into_server_fn_error)
}

/// Changes a user's role and ends their sessions.
#[server]
pub async fn set_user_role(user: UserId, role: Role) -> Result<(), ServerFnError> {
    let (session, admin) = AdminSession::with::<AdminService>()?;
    admin.accounts().set_role(session.user_id(), &user, role).await.map_err(into_server_fn_error)
}

/// Creates a password reset link for a user. Returns it to a script, without scheme and host; after a form the
/// user's page shows it.
#[server]
pub async fn make_password_link(user: UserId) -> Result<Option<String>, ServerFnError> {
    let (session, admin) = AdminSession::with::<AdminService>()?;
    let link =
        admin.accounts().password_link(session.user_id(), &user).await.map_err(into_server_fn_error)?;
    if is_form_post() {
        set_flash(SealedCookie::PasswordLink, &link.token);
        show(&format!("/admin/users/{user}#password"));
        return Ok(None);
    }
    Ok(Some(link.path()))
}

/// Deletes a user and all their data.
#[server]
pub async fn delete_user(user: UserId) -> Result<(), ServerFnError> {
    let (session, admin) = AdminSession::with::<AdminService>()?;
    admin.accounts().delete_other(session.user_id(), &user).await.map_err(into_server_fn_error)?;
    crate::http::redirect("/admin");
    Ok(())
}

/// Returns settings and invitations.
#[server]
pub async fn load_installation() -> Result<InstallationOverview, ServerFnError> {
    let (_, admin) = AdminSession::with::<AdminService>()?;
    let settings = admin.settings().await.map_err(into_server_fn_error)?;
    let invitations = admin.accounts().open_invitations().await.map_err(into_server_fn_error)?;
    Ok(InstallationOverview {
        settings,
        invitations,
        one_time_secret: take_flash(SealedCookie::Invitation).map(|token| invitation_path(&token)),
    })
}

/// Changes the settings. `local_networks` is `on`, `off`, or anything else for automatic.
#[server]
pub async fn change_settings(
    registration: crate::accounts::Registration,
    local_networks: String,
) -> Result<(), ServerFnError> {
    let (_, admin) = AdminSession::with::<AdminService>()?;
    let local_networks = match local_networks.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    let settings = InstallationSettings { registration, local_networks };
    admin.set_settings(settings).await.map_err(into_server_fn_error)
}

/// Creates an invitation. Returns the link to a script, without scheme and host; after a form the page shows
/// it.
#[server]
pub async fn invite(email: String, days: i64) -> Result<Option<String>, ServerFnError> {
    use secrecy::ExposeSecret;

    let (session, admin) = AdminSession::with::<AdminService>()?;
    let email = Some(email).filter(|email| !email.trim().is_empty());
    let request = NewInvitationRequest { email, days };
    let (token, _) =
        admin.accounts().invite(session.user_id(), &request).await.map_err(into_server_fn_error)?;
    if is_form_post() {
        set_flash(SealedCookie::Invitation, &token);
        show("/admin#invitations");
        return Ok(None);
    }
    Ok(Some(invitation_path(token.expose_secret())))
}

/// Revokes an invitation.
#[server]
pub async fn withdraw_invitation(id: String) -> Result<(), ServerFnError> {
    let (_, admin) = AdminSession::with::<AdminService>()?;
    admin.accounts().withdraw_invitation(&id).await.map_err(into_server_fn_error)
}
