//! What the server functions of accounts do to the answer: cookies, and where to go next.

use http::header::SET_COOKIE;
use http::{HeaderValue, request::Parts};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::{ResponseOptions, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::cookies::{self, ShownOnce};
use super::next_page::next_page;
use super::service::SignedIn;
use crate::server::error::wants_page;
use crate::server::peer::Peer;

/// Who sent the form.
pub fn peer() -> Peer {
    use_context::<Parts>().and_then(|parts| parts.extensions.get().copied()).unwrap_or_default()
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
    show(page);
    page.to_owned()
}

/// Sends a form without a script to a page.
pub fn show(page: &str) {
    if fits_a_form() {
        redirect(page);
    }
}

/// Whether a form without a script asks, so that the answer has to be a page.
pub fn fits_a_form() -> bool {
    use_context::<Parts>().is_some_and(|parts| wants_page(&parts.headers))
}

/// Keeps a secret for the page that a form without a script goes to next.
pub fn hand_over(what: ShownOnce, secret: &SecretString) {
    set_cookies(cookies::hand_over(what, secret, peer().secure));
}

/// Takes it, which nobody can do again.
pub fn take(what: ShownOnce) -> Option<String> {
    let secret = cookies::handed_over(what, &use_context::<Parts>()?.headers)?;
    set_cookies(cookies::taken(what, peer().secure));
    Some(secret.expose_secret().to_owned())
}
