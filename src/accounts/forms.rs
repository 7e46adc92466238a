//! What the server functions of accounts do to the answer: cookies, and where to go next.

use http::header::{ACCEPT, SET_COOKIE};
use http::{HeaderValue, request::Parts};
use leptos::prelude::{ServerFnError, expect_context, use_context};
use leptos_axum::{ResponseOptions, redirect};

use super::cookies;
use super::error::AccountError;
use super::next_page::next_page;
use super::service::SignedIn;
use crate::server::error::Failure;
use crate::server::peer::Peer;

/// Who sent the form.
pub fn peer() -> Peer {
    use_context::<Parts>().and_then(|parts| parts.extensions.get().copied()).unwrap_or_default()
}

/// The error as the page shows it.
pub fn told(error: AccountError) -> ServerFnError {
    Failure::from(error).for_page()
}

/// Lets the browser keep what proves that it is signed in.
pub fn keep_signed_in(signed_in: &SignedIn, peer: Peer) {
    set_cookies(cookies::keep(signed_in, peer.secure));
}

/// Takes it away again.
pub fn forget_signed_in(peer: Peer) {
    set_cookies(cookies::forget(peer.secure));
}

fn set_cookies(cookies: Vec<HeaderValue>) {
    let response = expect_context::<ResponseOptions>();
    for cookie in cookies {
        response.append_header(SET_COOKIE, cookie);
    }
}

/// The page to go to. A form without a script is sent there; a script has to load it by itself, so
/// that the whole page knows who is signed in.
pub fn go_on(next: Option<&str>) -> String {
    let page = next_page(next);
    let wants_page = use_context::<Parts>()
        .and_then(|parts| Some(parts.headers.get(ACCEPT)?.to_str().ok()?.contains("text/html")));
    if wants_page == Some(true) {
        redirect(page);
    }
    page.to_owned()
}
