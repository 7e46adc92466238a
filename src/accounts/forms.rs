//! What the server functions of accounts do to the answer: cookies, and where to go next.

use http::header::SET_COOKIE;
use http::{HeaderValue, request::Parts};
use leptos::prelude::{ServerFnError, expect_context, use_context};
use leptos_axum::{ResponseOptions, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::cookies::{self, FlashCookie};
use super::error::AccountError;
use super::next_page::next_page;
use super::service::{LONGEST_EMAIL, SignedIn};
use crate::http::client_ip::ClientInfo;
use crate::http::{into_server_fn_error, wants_page};

/// Who sent the form.
pub fn peer() -> ClientInfo {
    use_context::<Parts>().and_then(|parts| parts.extensions.get().copied()).unwrap_or_default()
}

/// Lets the browser keep what proves that it is signed in.
pub fn keep_signed_in(signed_in: &SignedIn, peer: ClientInfo) {
    set_cookies(cookies::keep(signed_in, peer.secure));
}

/// Takes it away again.
pub fn forget_signed_in(peer: ClientInfo) {
    set_cookies(cookies::forget(peer.secure));
}

fn set_cookies(cookies: Vec<HeaderValue>) {
    let response = expect_context::<ResponseOptions>();
    for cookie in cookies {
        response.append_header(SET_COOKIE, cookie);
    }
}

/// Answers a sign-in or registration form: sets the session cookies and redirects to the page asked
/// for, or shows the form again with what was typed.
///
/// # Errors
/// What was wrong, as a sentence.
pub fn finish_sign_in(
    outcome: Result<SignedIn, AccountError>,
    email: String,
    next: Option<&str>,
) -> Result<(), ServerFnError> {
    let signed_in = remember_email(outcome, email)?;
    keep_signed_in(&signed_in, peer());
    show(next_page(next));
    Ok(())
}

/// Passes the outcome of a form on; after an error the form shows the typed e-mail address again.
///
/// # Errors
/// What was wrong, as a sentence.
pub fn remember_email<T>(outcome: Result<T, AccountError>, email: String) -> Result<T, ServerFnError> {
    outcome.map_err(|error| {
        if is_form_post() && email.len() <= LONGEST_EMAIL {
            set_flash(FlashCookie::Email, &email.into());
        }
        into_server_fn_error(error)
    })
}

/// Sends a form without a script to a page.
pub fn show(page: &str) {
    if is_form_post() {
        redirect(page);
    }
}

/// Whether a form without a script asks, so that the answer has to be a page.
pub fn is_form_post() -> bool {
    use_context::<Parts>().is_some_and(|parts| wants_page(&parts.headers))
}

/// Sets a flash cookie: the page that a form without a script goes to next shows the text once.
pub fn set_flash(what: FlashCookie, text: &SecretString) {
    set_cookies(cookies::set(what, text, peer().secure));
}

/// Returns the text of a flash cookie and clears it.
pub fn take_flash(what: FlashCookie) -> Option<String> {
    let text = cookies::read(what, &use_context::<Parts>()?.headers)?;
    set_cookies(cookies::clear(what, peer().secure));
    Some(text.expose_secret().to_owned())
}
