//! Security headers of all responses, and CSRF protection.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERER, REFERRER_POLICY, USER_AGENT,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use crate::accounts::cookies;
use crate::accounts::middleware::bearer_token;
use crate::http::AppError;

const FIXED: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// A page loads nothing from data, even where a browser is made to show it as a page.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Adds the headers that all responses share. A response's own value takes precedence.
pub async fn fixed_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.entry(name).or_insert(value);
    }
    let content = Content::of(status, headers);
    if content == Content::Data {
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    }
    // After signing out neither the disk nor the back button has what a user has seen. Files change with the
    // program; those whose name contains a hash set their own value.
    let cache = if content == Content::File { "no-cache" } else { "no-store" };
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(cache));
    response
}

/// What a response contains, for its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Page,
    /// A response of the API, a download or an error.
    Data,
    /// A file of the app: a script, a style sheet, a font, an image.
    File,
}

impl Content {
    fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        // Its headers replace those of the file that the browser has.
        if status == StatusCode::NOT_MODIFIED {
            return Self::File;
        }
        let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if kind.starts_with(b"text/html") {
            return Self::Page;
        }
        let is_file = [&b"text/javascript"[..], b"text/css", b"application/wasm", b"font/", b"image/"];
        if is_file.iter().any(|prefix| kind.starts_with(prefix)) { Self::File } else { Self::Data }
    }
}

/// CSRF protection: rejects cross-site state-changing requests. Requests with a bearer token are exempt,
/// because no page can send one to another site.
pub async fn csrf_protection(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.method().is_safe() || bearer_token(headers).is_some() || from_own_page(headers) {
        return next.run(request).await;
    }
    let why = "This request came from another site. Open the app and try again there.";
    AppError::Forbidden(why.into()).into_response()
}

/// Returns whether a request comes from the app's own pages or from a script. Browsers send `Sec-Fetch-Site`,
/// old ones only `Origin`.
fn from_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(HeaderValue::as_bytes);
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, b"same-origin" | b"none");
    }
    match (text(ORIGIN), text(HOST)) {
        (Some(origin), Some(host)) => host_of(origin) == Some(host),
        (Some(_), None) => false,
        (None, _) => !cookies::has_session(headers) || from_script_or_own_page(headers),
    }
}

/// Judges a request that has the app's cookies and neither `Sec-Fetch-Site` nor `Origin`. HTTP libraries that
/// keep cookies, which no other site can use, send such requests. So may very old browsers and those that are
/// configured to hide where a request comes from, and any site can make those send a form: their requests need
/// a `Referer` of the app. All browsers that run scripts call themselves `Mozilla/…`; the others send `Referer`.
fn from_script_or_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(HeaderValue::as_bytes);
    match text(REFERER) {
        Some(referer) => {
            let host = host_of(referer)
                .and_then(|rest| rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next());
            host.is_some() && host == text(HOST)
        }
        None => !text(USER_AGENT).is_some_and(|agent| agent.starts_with(b"Mozilla/")),
    }
}

/// Returns host and port of an origin. The scheme is not compared, because a proxy may terminate TLS.
fn host_of(origin: &[u8]) -> Option<&[u8]> {
    origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"))
}

/// Sets the content security policy of the page: it may run only scripts with its nonce.
pub fn content_security_policy() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         connect-src 'self'{}; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        reload_socket()
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

/// `cargo leptos watch` has its own WebSocket that tells the page to reload.
fn reload_socket() -> &'static str {
    if std::env::var_os("LEPTOS_WATCH").is_some() { " ws:" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs.iter().fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(*name, value.parse().unwrap());
            map
        });
        from_own_page(&headers)
    }

    const COOKIE: (&str, &str) = ("cookie", "theme=dark; studio_session=abc");

    #[test]
    fn browsers_are_checked_by_sec_fetch_site() {
        for (site, expected) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
        {
            assert_eq!(own(&[("sec-fetch-site", site), COOKIE]), expected, "{site}");
        }
        assert!(!own(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://a.example"),
            ("host", "a.example")
        ]));
    }

    #[test]
    fn old_browsers_are_checked_by_origin() {
        let host = ("host", "studio.example:3000");
        assert!(own(&[("origin", "http://studio.example:3000"), host, COOKIE]));
        assert!(own(&[("origin", "https://studio.example:3000"), host, COOKIE]));
        for origin in ["null", "http://studio.example", "https://studio.example:3000.evil.example", "ftp://x"]
        {
            assert!(!own(&[("origin", origin), host]), "{origin}");
        }
    }

    #[test]
    fn scripts_that_keep_cookies_send_neither() {
        let host = ("host", "studio.example");
        for cookie in [COOKIE, ("cookie", "studio_refresh=s.t"), ("cookie", "theme=dark")] {
            assert!(own(&[host, cookie]));
            for agent in ["python-requests/2.34.2", "curl/8.15.0", "python-httpx/0.28.1", "node"] {
                assert!(own(&[host, cookie, ("user-agent", agent)]), "{agent}");
            }
        }
    }

    #[test]
    fn browsers_that_send_neither_need_a_referer_of_the_app() {
        let host = ("host", "studio.example:3000");
        let mozilla = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:52.0) Gecko/20100101 Firefox/52.0");
        assert!(!own(&[host, COOKIE, mozilla]));
        assert!(own(&[host, mozilla]), "without cookies there is nothing to misuse");
        for agent in [mozilla, ("user-agent", "Lynx/2.9.2")] {
            for referer in ["http://studio.example:3000/account", "https://studio.example:3000"] {
                assert!(own(&[host, COOKIE, agent, ("referer", referer)]), "{referer}");
            }
            for referer in [
                "https://evil.example/",
                "https://studio.example:3000.evil.example/",
                "https://evil.example/?https://studio.example:3000/",
                "http://studio.example:3000@evil.example/",
                "about:blank",
                "",
            ] {
                assert!(!own(&[host, COOKIE, agent, ("referer", referer)]), "{referer}");
            }
        }
    }
}
