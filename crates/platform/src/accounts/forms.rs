//! Helpers of server functions for the response: cookies and redirects.

use http::header::SET_COOKIE;
use http::{HeaderValue, request::Parts};
use leptos::prelude::{ServerFnError, expect_context, use_context};
use leptos_axum::ResponseOptions;
use secrecy::{ExposeSecret, SecretString};

use super::cookies::{self, SealedCookie};
use super::error::AccountError;
use super::next_page::next_page;
use super::service::{Accounts, Devices, MAX_EMAIL_CHARS, SignedIn};
use crate::http::client_ip::ClientInfo;
use crate::http::{into_server_fn_error, wants_page};

/// Returns the client that sent the form.
pub fn peer() -> ClientInfo {
    use_context::<Parts>().map(|parts| ClientInfo::of(&parts.extensions)).unwrap_or_default()
}

/// Sets the cookies after a sign-in.
pub fn set_session_cookies(signed_in: &SignedIn, peer: ClientInfo) {
    let accounts = expect_context::<Accounts>();
    let headers = use_context::<Parts>().map(|parts| parts.headers).unwrap_or_default();
    set_cookies(accounts.cookies().after_sign_in(signed_in, &headers, peer.secure));
}

/// Returns the users who have signed in with the browser that sent the form.
pub fn devices() -> Devices {
    let headers = use_context::<Parts>().map(|parts| parts.headers).unwrap_or_default();
    expect_context::<Accounts>().cookies().devices(&headers, peer().secure)
}

/// Clears the session cookies.
pub fn clear_session_cookies(peer: ClientInfo) {
    set_cookies(cookies::forget(peer.secure));
}

fn set_cookies(cookies: Vec<HeaderValue>) {
    let response = expect_context::<ResponseOptions>();
    for cookie in cookies {
        response.append_header(SET_COOKIE, cookie);
    }
}

/// Responds to a sign-in or registration form: sets the session cookies and redirects to the requested page, or
/// shows the form again with the typed email address.
///
/// # Errors
/// The error's message.
pub fn finish_sign_in(
    outcome: Result<SignedIn, AccountError>,
    email: String,
    next: Option<&str>,
) -> Result<(), ServerFnError> {
    let signed_in = remember_email(outcome, email)?;
    set_session_cookies(&signed_in, peer());
    show(next_page(next));
    Ok(())
}

/// Returns the outcome of a form; after an error the form shows the typed email address again.
///
/// # Errors
/// The error's message.
pub fn remember_email<T>(outcome: Result<T, AccountError>, email: String) -> Result<T, ServerFnError> {
    outcome.map_err(|error| {
        if is_form_post() && email.len() <= MAX_EMAIL_CHARS {
            set_flash(SealedCookie::Email, &email.into());
        }
        into_server_fn_error(error)
    })
}

/// Redirects a form without a script to a page.
pub fn show(page: &str) {
    if is_form_post() {
        crate::http::redirect(page);
    }
}

/// Returns whether the request is a form without a script, so that the response has to be a page.
pub fn is_form_post() -> bool {
    use_context::<Parts>().is_some_and(|parts| wants_page(&parts.headers))
}

/// Sets a sealed cookie: the next page shows the text once.
pub fn set_flash(what: SealedCookie, text: &SecretString) {
    set_cookies(expect_context::<Accounts>().cookies().set(what, text, peer().secure));
}

/// Returns the text of a sealed cookie.
pub fn read_flash(what: SealedCookie) -> Option<String> {
    let accounts = use_context::<Accounts>()?;
    let text = accounts.cookies().read(what, &use_context::<Parts>()?.headers, peer().secure)?;
    Some(text.expose_secret().to_owned())
}

/// Returns the text of a sealed cookie and clears it.
pub fn take_flash(what: SealedCookie) -> Option<String> {
    let text = read_flash(what)?;
    set_cookies(cookies::clear(what, peer().secure));
    Some(text)
}
