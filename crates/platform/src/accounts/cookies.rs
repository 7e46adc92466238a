//! The session and flash cookies. They are `HttpOnly`, so scripts cannot read them.

use axum_extra::extract::CookieJar;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::service::SignedIn;
use super::token::{ACCESS_SECONDS, REFRESH_SECONDS};

const ACCESS: &str = "studio_session";
const REFRESH: &str = "studio_refresh";
/// The browser sends the refresh token only to this path.
const REFRESH_PATH: &str = "/api/auth";

const ONCE_SECONDS: i64 = 60;
/// Long enough to find a password and sign in at the provider.
const FLOW_SECONDS: i64 = 900;

/// A value that a form without a script passes to the next page, which shows it once. It must not be in URLs or
/// logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashCookie {
    PersonalToken,
    Invitation,
    PasswordLink,
    /// The state of a sign-in at the identity provider.
    LoginFlow,
    /// The email address of a sign-in or registration form with an error.
    Email,
}

impl FlashCookie {
    /// Returns the cookie's name and the only path it is sent to.
    fn cookie(self) -> (&'static str, &'static str) {
        match self {
            Self::PersonalToken => ("studio_new_token", "/account"),
            Self::Invitation => ("studio_new_invitation", "/admin"),
            Self::PasswordLink => ("studio_new_password_link", "/admin/users"),
            Self::LoginFlow => ("studio_flow", "/api/auth/google"),
            Self::Email => ("studio_typed_email", "/"),
        }
    }
}

/// Returns the access token in these headers.
pub fn access_token(headers: &HeaderMap) -> Option<SecretString> {
    value(headers, ACCESS)
}

/// Returns the refresh token in these headers.
pub fn refresh_token(headers: &HeaderMap) -> Option<SecretString> {
    value(headers, REFRESH)
}

/// Returns whether the browser sent a session cookie.
pub fn has_session(headers: &HeaderMap) -> bool {
    access_token(headers).is_some() || refresh_token(headers).is_some()
}

fn value(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    CookieJar::from_headers(headers).get(name).map(|cookie| cookie.value().to_owned().into())
}

/// Returns the `Set-Cookie` headers of a new session; `secure` if the request used TLS.
pub fn keep(signed_in: &SignedIn, secure: bool) -> Vec<HeaderValue> {
    let access = cookie(ACCESS, signed_in.access_token.expose_secret(), "/", ACCESS_SECONDS, secure);
    let refresh = signed_in
        .refresh_token
        .as_ref()
        .map(|token| cookie(REFRESH, token.expose_secret(), REFRESH_PATH, REFRESH_SECONDS, secure));
    [Some(access), refresh].into_iter().flatten().flatten().collect()
}

/// Returns the `Set-Cookie` headers that clear both.
pub fn forget(secure: bool) -> Vec<HeaderValue> {
    let cookies = [cookie(ACCESS, "", "/", 0, secure), cookie(REFRESH, "", REFRESH_PATH, 0, secure)];
    cookies.into_iter().flatten().collect()
}

/// Returns the `Set-Cookie` header that sets a flash cookie.
pub fn set(what: FlashCookie, text: &SecretString, secure: bool) -> Vec<HeaderValue> {
    let (name, path) = what.cookie();
    let value = BASE64_URL_SAFE_NO_PAD.encode(text.expose_secret());
    let seconds = if what == FlashCookie::LoginFlow { FLOW_SECONDS } else { ONCE_SECONDS };
    cookie(name, &value, path, seconds, secure).into_iter().collect()
}

/// Returns the text of a flash cookie.
pub fn read(what: FlashCookie, headers: &HeaderMap) -> Option<SecretString> {
    let value = value(headers, what.cookie().0)?;
    let text = BASE64_URL_SAFE_NO_PAD.decode(value.expose_secret()).ok()?;
    String::from_utf8(text).ok().map(Into::into)
}

/// Returns the `Set-Cookie` header that clears a flash cookie.
pub fn clear(what: FlashCookie, secure: bool) -> Vec<HeaderValue> {
    let (name, path) = what.cookie();
    cookie(name, "", path, 0, secure).into_iter().collect()
}

/// Builds a `Set-Cookie` header. Values are letters, digits, `-`, `_` and `.`, so they need no quotes.
fn cookie(name: &str, value: &str, path: &str, seconds: i64, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Role, User, UserId};

    fn kept(secure: bool) -> Vec<String> {
        let user = User {
            id: UserId::new("anna"),
            email: "anna@example.org".into(),
            role: Role::User,
            onboarding_completed: false,
        };
        let signed_in =
            SignedIn { user, access_token: "a.b.c".into(), refresh_token: Some("session.secret".into()) };
        let headers = keep(&signed_in, secure);
        assert!(headers.iter().all(HeaderValue::is_sensitive), "debug output would show them");
        headers.iter().map(|header| header.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn cookies_are_http_only_and_the_refresh_token_has_one_path() {
        let expected = [
            "studio_session=a.b.c; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax",
            "studio_refresh=session.secret; Path=/api/auth; Max-Age=604800; HttpOnly; SameSite=Lax",
        ];
        assert_eq!(kept(false), expected);
        assert_eq!(kept(true), expected.map(|cookie| format!("{cookie}; Secure")));
    }

    #[test]
    fn flash_texts_are_read_back() {
        for text in ["lbs_token", "ann;a\"@exämple.org", ""] {
            let cookie = set(FlashCookie::Email, &text.into(), true).remove(0);
            let mut headers = HeaderMap::new();
            headers.append("cookie", cookie.to_str().unwrap().split(';').next().unwrap().parse().unwrap());
            assert_eq!(read(FlashCookie::Email, &headers).unwrap().expose_secret(), text);
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "theme=dark; studio_session=a.b.c".parse().unwrap());
        assert_eq!(access_token(&headers).unwrap().expose_secret(), "a.b.c");
        assert!(refresh_token(&headers).is_none() && has_session(&headers));
    }
}
