//! The session's cookies, and cookies that the server seals. They are `HttpOnly`, so scripts cannot read them.
//!
//! Over TLS their names begin with `__Host-`: browsers then take them only from this host over TLS, so neither a
//! neighbouring subdomain nor a page without TLS can plant one. Such a cookie has no path of its own.

use std::borrow::Cow;

use axum_extra::extract::CookieJar;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::sealer::Sealer;
use super::secret::{Purpose, Secret};
use super::service::{Devices, SignedIn};
use super::token::{ACCESS_SECONDS, REFRESH_SECONDS};
use crate::database::now_ms;

const ACCESS: &str = "studio_session";
const REFRESH: &str = "studio_refresh";
/// Without TLS the browser sends the refresh token only to this path.
const REFRESH_PATH: &str = "/api/auth";

const ONCE_SECONDS: i64 = 60;
/// Long enough to find a password and sign in at the provider.
const FLOW_SECONDS: i64 = 900;
const DEVICE_SECONDS: i64 = 365 * 24 * 60 * 60;

/// A cookie that the server seals: the browser can neither read nor change it. Most are a value that a form without a
/// script passes to the next page, which shows it once; it must not be in URLs or logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedCookie {
    PersonalToken,
    Invitation,
    PasswordLink,
    /// The state of a sign-in at the identity provider.
    LoginFlow,
    /// The email address of a sign-in or registration form with an error.
    Email,
    /// The error of a form.
    FormError,
    /// The users who have signed in with this browser.
    Devices,
}

impl SealedCookie {
    /// Returns the cookie's name, the path that it is sent to without TLS, and its lifetime in seconds.
    fn facts(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::PersonalToken => ("studio_new_token", "/account", ONCE_SECONDS),
            Self::Invitation => ("studio_new_invitation", "/admin", ONCE_SECONDS),
            Self::PasswordLink => ("studio_new_password_link", "/admin/users", ONCE_SECONDS),
            Self::LoginFlow => ("studio_flow", "/api/auth/google", FLOW_SECONDS),
            Self::Email => ("studio_typed_email", "/", ONCE_SECONDS),
            Self::FormError => ("studio_form_error", "/", ONCE_SECONDS),
            Self::Devices => ("studio_devices", "/api/auth", DEVICE_SECONDS),
        }
    }
}

/// Returns the access token in these headers; `secure` if the request used TLS.
pub fn access_token(headers: &HeaderMap, secure: bool) -> Option<SecretString> {
    value(headers, ACCESS, secure)
}

/// Returns the refresh token in these headers; `secure` if the request used TLS.
pub fn refresh_token(headers: &HeaderMap, secure: bool) -> Option<SecretString> {
    value(headers, REFRESH, secure)
}

/// Returns whether the browser sent a session cookie, of whichever name.
pub fn has_session(headers: &HeaderMap) -> bool {
    [true, false]
        .into_iter()
        .any(|secure| access_token(headers, secure).is_some() || refresh_token(headers, secure).is_some())
}

fn value(headers: &HeaderMap, name: &str, secure: bool) -> Option<SecretString> {
    let jar = CookieJar::from_headers(headers);
    jar.get(&full_name(name, secure)).map(|cookie| cookie.value().to_owned().into())
}

/// Returns the name of a cookie in HTTP headers.
fn full_name(name: &str, secure: bool) -> Cow<'_, str> {
    if secure { format!("__Host-{name}").into() } else { name.into() }
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

/// Returns the `Set-Cookie` header that clears a sealed cookie.
pub fn clear(what: SealedCookie, secure: bool) -> Vec<HeaderValue> {
    let (name, path, _) = what.facts();
    cookie(name, "", path, 0, secure).into_iter().collect()
}

/// Seals and opens cookies. Each is bound to its name and its time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CookieSealer {
    sealer: Sealer,
}

impl CookieSealer {
    pub fn new(secret: &Secret) -> Self {
        Self { sealer: Sealer::new(secret, Purpose::SealingCookies) }
    }

    /// Returns the `Set-Cookie` header of a sealed cookie; `secure` if the request used TLS.
    pub fn set(&self, what: SealedCookie, text: &SecretString, secure: bool) -> Vec<HeaderValue> {
        let (name, path, seconds) = what.facts();
        let Some(value) = self.seal(name, text, now_ms()) else { return Vec::new() };
        cookie(name, &value, path, seconds, secure).into_iter().collect()
    }

    /// Returns the text of a sealed cookie; `None` if there is none, it has expired or the server did not write it.
    pub fn read(&self, what: SealedCookie, headers: &HeaderMap, secure: bool) -> Option<SecretString> {
        let (name, _, seconds) = what.facts();
        self.open(name, value(headers, name, secure)?.expose_secret(), seconds * 1000, now_ms())
    }

    /// Returns the users who have signed in with this browser.
    pub fn devices(&self, headers: &HeaderMap, secure: bool) -> Devices {
        let text = self.read(SealedCookie::Devices, headers, secure);
        text.and_then(|text| Devices::parse(text.expose_secret())).unwrap_or_default()
    }

    /// Returns the `Set-Cookie` headers after a sign-in: the session, and that its user knows this browser.
    /// `headers` are the request's.
    pub fn after_sign_in(&self, signed_in: &SignedIn, headers: &HeaderMap, secure: bool) -> Vec<HeaderValue> {
        let devices = self.devices(headers, secure).with(&signed_in.user.id);
        let mut cookies = keep(signed_in, secure);
        cookies.extend(self.set(SealedCookie::Devices, &devices.text(), secure));
        cookies
    }

    fn seal(&self, name: &str, text: &SecretString, now_ms: i64) -> Option<String> {
        let text = [&now_ms.to_be_bytes(), text.expose_secret().as_bytes()].concat();
        Some(BASE64_URL_SAFE_NO_PAD.encode(self.sealer.seal(name.as_bytes(), &text)?))
    }

    fn open(&self, name: &str, value: &str, lifetime_ms: i64, now_ms: i64) -> Option<SecretString> {
        let opened = self.sealer.open(name.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(value).ok()?)?;
        let (sealed_at, text) = opened.split_first_chunk()?;
        // The clocks of two servers may differ.
        let age_ms = now_ms.saturating_sub(i64::from_be_bytes(*sealed_at));
        let text = std::str::from_utf8(text).ok()?;
        (age_ms <= lifetime_ms).then(|| text.into())
    }
}

/// Builds a `Set-Cookie` header. Values are letters, digits, `-`, `_` and `.`, so they need no quotes.
fn cookie(name: &str, value: &str, path: &str, seconds: i64, secure: bool) -> Option<HeaderValue> {
    let (path, mark) = if secure { ("/", "; Secure") } else { (path, "") };
    let name = full_name(name, secure);
    let text = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{mark}");
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
    }

    #[test]
    fn over_tls_every_cookie_is_bound_to_the_host() {
        let mut set = kept(true);
        let sealer = CookieSealer::new(&Secret::random());
        let text = |header: HeaderValue| header.to_str().unwrap().to_owned();
        set.extend(forget(true).into_iter().map(text));
        for what in ALL {
            set.extend(sealer.set(what, &"text".into(), true).into_iter().map(text));
            set.extend(clear(what, true).into_iter().map(text));
        }
        assert_eq!(set.len(), 4 + 2 * ALL.len());
        for cookie in set {
            assert!(cookie.starts_with("__Host-studio_"), "{cookie}");
            assert!(cookie.contains("; Path=/;") && cookie.ends_with("; Secure"), "{cookie}");
        }
    }

    #[test]
    fn over_tls_a_planted_cookie_without_the_prefix_is_ignored() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "studio_session=a.b.c; studio_refresh=s.t".parse().unwrap());
        assert!(access_token(&headers, true).is_none() && refresh_token(&headers, true).is_none());
        assert!(has_session(&headers));
        let mut headers = HeaderMap::new();
        headers.append("cookie", "__Host-studio_session=a.b.c".parse().unwrap());
        assert_eq!(access_token(&headers, true).unwrap().expose_secret(), "a.b.c");
        assert!(access_token(&headers, false).is_none() && has_session(&headers));
    }

    const ALL: [SealedCookie; 7] = [
        SealedCookie::PersonalToken,
        SealedCookie::Invitation,
        SealedCookie::PasswordLink,
        SealedCookie::LoginFlow,
        SealedCookie::Email,
        SealedCookie::FormError,
        SealedCookie::Devices,
    ];

    /// Returns the `Cookie` header with which a browser sends back what was set.
    fn sent_back(set: &[HeaderValue]) -> HeaderMap {
        let pairs: Vec<_> = set.iter().map(|set| set.to_str().unwrap().split(';').next().unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.append("cookie", pairs.join("; ").parse().unwrap());
        headers
    }

    #[test]
    fn sealed_texts_are_read_back_and_cannot_be_seen() {
        let sealer = CookieSealer::new(&Secret::random());
        for secure in [true, false] {
            for text in ["lbs_token", "ann;a\"@exämple.org", ""] {
                let set = sealer.set(SealedCookie::Email, &text.into(), secure);
                let headers = sent_back(&set);
                assert_eq!(sealer.read(SealedCookie::Email, &headers, secure).unwrap().expose_secret(), text);
                let value = BASE64_URL_SAFE_NO_PAD.encode(text);
                assert!(text.is_empty() || !set[0].to_str().unwrap().contains(&value));
            }
        }
    }

    #[test]
    fn a_sealed_cookie_expires_and_is_of_one_kind_and_one_installation() {
        let sealer = CookieSealer::new(&Secret::random());
        let sealed = sealer.seal("flow", &"text".into(), 1_000).unwrap();
        let open = |sealer: &CookieSealer, name, now_ms| sealer.open(name, &sealed, 900, now_ms).is_some();
        assert!(open(&sealer, "flow", 1_900) && open(&sealer, "flow", 900));
        assert!(!open(&sealer, "flow", 1_901));
        assert!(!open(&sealer, "email", 1_000));
        assert!(!open(&CookieSealer::new(&Secret::random()), "flow", 1_000));
    }

    #[test]
    fn a_changed_cookie_is_not_opened() {
        let sealer = CookieSealer::new(&Secret::random());
        let sealed = sealer.seal("flow", &"text".into(), 0).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(sealer.open("flow", &changed, 900, 0).is_none(), "{index}");
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "theme=dark; studio_session=a.b.c".parse().unwrap());
        assert_eq!(access_token(&headers, false).unwrap().expose_secret(), "a.b.c");
        assert!(refresh_token(&headers, false).is_none() && has_session(&headers));
    }
}
