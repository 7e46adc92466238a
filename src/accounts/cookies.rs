//! The cookies that keep a browser signed in. No script can read them.

use axum_extra::extract::CookieJar;
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::service::SignedIn;
use super::token::{ACCESS_SECONDS, REFRESH_SECONDS};

const ACCESS: &str = "studio_session";
const REFRESH: &str = "studio_refresh";
/// The refresh token goes nowhere else.
const REFRESH_PATH: &str = "/api/auth";

/// The access token of the browser that sent these headers.
pub fn access_token(headers: &HeaderMap) -> Option<SecretString> {
    value(headers, ACCESS)
}

/// Its refresh token.
pub fn refresh_token(headers: &HeaderMap) -> Option<SecretString> {
    value(headers, REFRESH)
}

/// Whether the browser sent a cookie that proves something.
pub fn prove_something(headers: &HeaderMap) -> bool {
    access_token(headers).is_some() || refresh_token(headers).is_some()
}

fn value(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    CookieJar::from_headers(headers).get(name).map(|cookie| cookie.value().to_owned().into())
}

/// `Set-Cookie` headers for somebody who has signed in; `secure` where they came over TLS.
pub fn keep(signed_in: &SignedIn, secure: bool) -> Vec<HeaderValue> {
    let access = cookie(ACCESS, signed_in.access_token.expose_secret(), "/", ACCESS_SECONDS, secure);
    let refresh = signed_in
        .refresh_token
        .as_ref()
        .map(|token| cookie(REFRESH, token.expose_secret(), REFRESH_PATH, REFRESH_SECONDS, secure));
    [Some(access), refresh].into_iter().flatten().flatten().collect()
}

/// `Set-Cookie` headers that take them away again.
pub fn forget(secure: bool) -> Vec<HeaderValue> {
    let cookies = [cookie(ACCESS, "", "/", 0, secure), cookie(REFRESH, "", REFRESH_PATH, 0, secure)];
    cookies.into_iter().flatten().collect()
}

/// Tokens are letters, digits, `-`, `_` and `.`: nothing in them would have to be quoted.
fn cookie(name: &str, value: &str, path: &str, seconds: i64, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
