//! What the pages of accounts call. Their addresses lie where the browser sends the refresh token.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::types::{Registration, User};

#[cfg(feature = "ssr")]
use super::forms::{forget_signed_in, go_on, keep_signed_in, peer, told};

/// Whether somebody who comes now gets an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    pub registration: Registration,
    /// Nobody has an account yet: the first one will be admin, whatever `registration` says.
    pub first: bool,
}

/// Who looks at the page that is being rendered.
#[cfg(feature = "ssr")]
pub fn user_of_page() -> Option<User> {
    super::Session::of_request().map(|session| session.user)
}

/// The browser is told by the server; see the other one.
#[cfg(not(feature = "ssr"))]
pub fn user_of_page() -> Option<User> {
    None
}

/// Signs in. Returns the page to go to, which forms without a script are sent to.
#[server(prefix = "/api/auth/forms", endpoint = "sign-in")]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<String, ServerFnError> {
    let accounts = expect_context::<super::Accounts>();
    let peer = peer();
    let signed_in = accounts.sign_in(&email, &password.into(), peer.address).await.map_err(told)?;
    keep_signed_in(&signed_in, peer);
    Ok(go_on(next.as_deref()))
}

/// Opens an account and signs it in. Returns the page to go to.
#[server(prefix = "/api/auth/forms", endpoint = "register")]
pub async fn register(
    email: String,
    password: String,
    invitation: Option<String>,
    next: Option<String>,
) -> Result<String, ServerFnError> {
    let accounts = expect_context::<super::Accounts>();
    let peer = peer();
    let invitation = invitation.filter(|token| !token.is_empty()).map(Into::into);
    let new = super::NewAccount { email, password: password.into(), invitation };
    let signed_in = accounts.register(new, peer.address).await.map_err(told)?;
    keep_signed_in(&signed_in, peer);
    Ok(go_on(next.as_deref()))
}

/// Signs out and leads to the door.
#[server(prefix = "/api/auth/forms", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), ServerFnError> {
    let accounts = expect_context::<super::Accounts>();
    let parts = expect_context::<http::request::Parts>();
    let refresh_token = super::cookies::refresh_token(&parts.headers);
    accounts.sign_out(super::Session::of_request().as_ref(), refresh_token.as_ref()).await.map_err(told)?;
    forget_signed_in(peer());
    leptos_axum::redirect("/login");
    Ok(())
}

/// Who gets in.
#[server(prefix = "/api/auth/forms", endpoint = "door")]
pub async fn look_at_door() -> Result<Door, ServerFnError> {
    expect_context::<super::Accounts>().door().await.map_err(told)
}
