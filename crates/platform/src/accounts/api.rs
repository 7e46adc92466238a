//! Server functions of the account pages. Their paths are below `/api/auth`, where the browser sends the
//! refresh token.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::types::{AccessToken, Confirmation, IdentityConnection, RegistrationInfo, User};

#[cfg(feature = "ssr")]
use super::cookies::SealedCookie;
#[cfg(feature = "ssr")]
use super::forms::{
    clear_session_cookies, devices, finish_sign_in, is_form_post, peer, remember_email, set_flash,
    set_session_cookies, show, take_flash,
};
#[cfg(feature = "ssr")]
use super::{Accounts, Session};
#[cfg(feature = "ssr")]
use crate::http::into_server_fn_error;

/// A user's API tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Newest first.
    pub listed: Vec<AccessToken>,
    /// What creating a token needs first.
    pub confirmation: Confirmation,
    /// The token that the form before this page created; shown only once.
    pub one_time_secret: Option<String>,
}

/// Returns the user of the page that is being rendered.
#[cfg(feature = "ssr")]
pub fn user_of_page() -> Option<User> {
    Session::of_request().map(|session| session.user)
}

/// Returns `None`: the browser gets the user from the server's HTML.
#[cfg(not(feature = "ssr"))]
pub fn user_of_page() -> Option<User> {
    None
}

/// Signs in and redirects to the requested page.
#[server(prefix = "/api/auth/forms", endpoint = "sign-in")]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let signed_in = accounts.sign_in_on(&devices(), &email, &password.into(), peer().address).await;
    finish_sign_in(signed_in, email, next.as_deref())
}

/// Creates an account, signs in and redirects to the requested page.
#[server(prefix = "/api/auth/forms", endpoint = "register")]
pub async fn register(
    email: String,
    password: String,
    invitation: Option<String>,
    setup_token: Option<String>,
    next: Option<String>,
) -> Result<(), ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let invitation = invitation.filter(|token| !token.is_empty()).map(Into::into);
    let new = super::NewAccount {
        email: email.clone(),
        password: password.into(),
        invitation,
        setup_token: setup_token.map(Into::into),
        local: peer().local,
    };
    let signed_in = accounts.register(new, peer().address).await;
    finish_sign_in(signed_in, email, next.as_deref())
}

/// Signs out and redirects to the sign-in page.
#[server(prefix = "/api/auth/forms", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let parts = expect_context::<http::request::Parts>();
    let refresh_token = super::cookies::refresh_token(&parts.headers, peer().secure);
    accounts
        .sign_out(Session::of_request().as_ref(), refresh_token.as_ref())
        .await
        .map_err(into_server_fn_error)?;
    clear_session_cookies(peer());
    crate::http::redirect("/login");
    Ok(())
}

/// Loads the registration status.
#[server(prefix = "/api/auth/forms", endpoint = "registration")]
pub async fn load_registration_info() -> Result<RegistrationInfo, ServerFnError> {
    expect_context::<Accounts>().registration_info(peer().local).await.map_err(into_server_fn_error)
}

/// Changes the password and ends all other sessions.
#[server(prefix = "/api/auth/forms", endpoint = "change-password")]
pub async fn change_password(current_password: String, new_password: String) -> Result<(), ServerFnError> {
    let (session, accounts) = Session::with::<Accounts>()?;
    let changed = accounts.change_password(&session, &current_password.into(), &new_password.into()).await;
    set_session_cookies(&changed.map_err(into_server_fn_error)?, peer());
    show("/account?done=password");
    Ok(())
}

/// Mails a password reset link, if there is an account with this address.
#[server(prefix = "/api/auth/forms", endpoint = "forgot-password")]
pub async fn forgot_password(email: String) -> Result<(), ServerFnError> {
    let accounts = expect_context::<Accounts>();
    let asked = accounts.forgot_password(&email, peer().address).await;
    remember_email(asked, email)?;
    show("/forgot-password?done=asked");
    Ok(())
}

/// Sets a new password with the token of a reset link.
#[server(prefix = "/api/auth/forms", endpoint = "reset-password")]
pub async fn reset_password(token: String, password: String) -> Result<(), ServerFnError> {
    let accounts = expect_context::<Accounts>();
    accounts.reset_password(&token, &password.into()).await.map_err(into_server_fn_error)?;
    clear_session_cookies(peer());
    show("/login?done=password");
    Ok(())
}

/// Returns the user's API tokens.
#[server(prefix = "/api/auth/forms", endpoint = "tokens")]
pub async fn list_tokens() -> Result<Tokens, ServerFnError> {
    let (session, accounts) = Session::with::<Accounts>()?;
    let listed = accounts.list_tokens(session.user_id()).await.map_err(into_server_fn_error)?;
    let confirmation = accounts.confirmation(&session).await.map_err(into_server_fn_error)?;
    Ok(Tokens { listed, confirmation, one_time_secret: take_flash(SealedCookie::PersonalToken) })
}

/// Records that the user has entered the password, so that the session may add what outlives it.
#[server(prefix = "/api/auth/forms", endpoint = "confirm")]
pub async fn confirm_password(password: String) -> Result<(), ServerFnError> {
    let (session, accounts) = Session::with::<Accounts>()?;
    accounts.confirm(&session, &password.into()).await.map_err(into_server_fn_error)?;
    show("/account#tokens");
    Ok(())
}

/// Creates an API token. Returns it to a script; after a form the page shows it.
#[server(prefix = "/api/auth/forms", endpoint = "create-token")]
pub async fn create_token(name: String, days: i64) -> Result<Option<String>, ServerFnError> {
    use secrecy::ExposeSecret;

    let (session, accounts) = Session::with::<Accounts>()?;
    let (token, _) = accounts.create_token(&session, &name, days).await.map_err(into_server_fn_error)?;
    if is_form_post() {
        set_flash(SealedCookie::PersonalToken, &token);
        show("/account#tokens");
        return Ok(None);
    }
    Ok(Some(token.expose_secret().to_owned()))
}

/// Revokes an API token.
#[server(prefix = "/api/auth/forms", endpoint = "revoke-token")]
pub async fn revoke_token(id: String) -> Result<(), ServerFnError> {
    let (session, accounts) = Session::with::<Accounts>()?;
    accounts.revoke_token(session.user_id(), &id).await.map_err(into_server_fn_error)?;
    show("/account#tokens");
    Ok(())
}

/// Returns how the user can sign in with the identity provider; `None` if none is configured.
#[server(prefix = "/api/auth/forms", endpoint = "connection")]
pub async fn load_connection() -> Result<Option<IdentityConnection>, ServerFnError> {
    let (session, accounts) = Session::with::<Accounts>()?;
    accounts.connection(&session).await.map_err(into_server_fn_error)
}

/// Disconnects the account from the identity provider.
#[server(prefix = "/api/auth/forms", endpoint = "disconnect")]
pub async fn disconnect() -> Result<(), ServerFnError> {
    let (session, accounts) = Session::with::<Accounts>()?;
    accounts.disconnect(&session).await.map_err(into_server_fn_error)?;
    show("/account#connection");
    Ok(())
}

/// Deletes the user's account. Returns the page to redirect to.
#[server(prefix = "/api/auth/forms", endpoint = "delete-account")]
pub async fn delete_account(password: String) -> Result<String, ServerFnError> {
    let (session, accounts) = Session::with::<Accounts>()?;
    accounts.delete_own(&session, &password.into()).await.map_err(into_server_fn_error)?;
    clear_session_cookies(peer());
    show("/register");
    Ok("/register".to_owned())
}
