//! Redirects of server functions.

use http::HeaderValue;

/// Redirects the caller of a server function to a page of this server. A path with characters that no header may
/// contain, which a caller can have sent, leads to the front page.
#[expect(clippy::disallowed_methods, reason = "the only place that checks the path")]
pub fn redirect(page: &str) {
    leptos_axum::redirect(if HeaderValue::from_str(page).is_ok() { page } else { "/" });
}
