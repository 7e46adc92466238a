//! `/ws`: who may open a socket, and with what it is served.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use url::Url;

use super::closing::Closing;
use super::connection::{self, Connection};
use super::connection_limit::ConnectionLimiter;
use super::contracts::{CancelJob, InitialState};
use super::hub::Hub;
use crate::accounts::Session;
use crate::accounts::SessionCheck;
use crate::accounts::session::Proof;
use crate::http::AppError;

/// A longer message closes the socket.
pub const LONGEST_MESSAGE: usize = 64 * 1024;

/// More than this is not even read to its end.
const LONGEST_READ: usize = 1024 * 1024;

/// What sockets are served with. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    pub hub: Hub,
    pub(super) snapshots: Vec<Arc<dyn InitialState>>,
    pub(super) jobs: Arc<dyn CancelJob>,
    pub(super) sessions: Arc<dyn SessionCheck>,
    pub(super) pace: Pace,
    seats: ConnectionLimiter,
}

impl Live {
    /// Without a snapshot: a tab hears only what happens from now on.
    pub fn new(hub: Hub, jobs: Arc<dyn CancelJob>, sessions: Arc<dyn SessionCheck>) -> Self {
        Self {
            hub,
            snapshots: Vec::new(),
            jobs,
            sessions,
            pace: Pace::default(),
            seats: ConnectionLimiter::default(),
        }
    }

    /// Tells each new tab this too, after what was given before. The first is the one with `sync`.
    pub fn with_initial_state(mut self, snapshot: Arc<dyn InitialState>) -> Self {
        self.snapshots.push(snapshot);
        self
    }

    /// Counts a user's tabs in other processes too.
    pub fn with_connection_limiter(mut self, seats: ConnectionLimiter) -> Self {
        self.seats = seats;
        self
    }

    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("hub", &self.hub).field("pace", &self.pace).finish_non_exhaustive()
    }
}

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// A tab that says nothing for so long is closed.
    pub silence: Duration,
    /// A tab that takes nothing for so long is dropped.
    pub send: Duration,
    /// Between pings of the server, which keep proxies from closing a quiet socket.
    pub ping: Duration,
    /// Between looks whether the session has ended.
    pub session_check: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(90),
            send: Duration::from_secs(10),
            ping: Duration::from_secs(25),
            session_check: Duration::from_secs(30),
        }
    }
}

/// Opens a socket. Whoever may not have one is told so by a close code after the upgrade, which,
/// unlike a status, scripts of a page can see. Pages of other sites get no socket at all.
pub async fn open(
    State(live): State<Live>,
    session: Option<Extension<Session>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    let upgrade = upgrade.map_err(|rejection| {
        AppError::BadRequest(format!("Open a WebSocket at this address. {}.", rejection.body_text()))
    })?;
    let upgrade = upgrade.max_message_size(LONGEST_READ).max_frame_size(LONGEST_READ);
    let Some(Extension(session)) = session else {
        return Ok(upgrade.on_upgrade(move |socket| connection::refuse(socket, no_session(query.as_deref()))));
    };
    if session.proof == Proof::Cookie && !from_own_page(&headers) {
        let why = "This socket was asked for by a page of another site. Open the app itself, or send \
                   `Authorization: Bearer` with a token.";
        return Err(AppError::Forbidden(why.into()));
    }
    let seat = live.seats.acquire(session.user_id()).await;
    let Some((seat, tab)) = seat.zip(live.hub.join(session.user_id())) else {
        return Ok(upgrade.on_upgrade(|socket| connection::refuse(socket, Closing::TooManyTabs)));
    };
    Ok(upgrade.on_upgrade(move |socket| Connection::new(socket, tab, seat, session, live).serve()))
}

fn no_session(query: Option<&str>) -> Closing {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    if pairs.any(|(name, _)| name == "token") { Closing::TokenInAddress } else { Closing::SignedOut }
}

/// Whether the page that asks is the app's own. Browsers send `Origin` with every socket they open; most
/// also say themselves whether that is this site's, which holds where a proxy has changed `Host`.
fn from_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(HeaderName::from_static("sec-fetch-site")) == Some("same-origin") {
        return true;
    }
    let Some(origin) = text(ORIGIN).and_then(|origin| Url::parse(origin).ok()) else { return false };
    // A proxy may have taken TLS away, so that only the page knows its scheme.
    let own = text(HOST).and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    own.is_some_and(|own| own.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.insert(*name, value.parse().unwrap());
            headers
        });
        from_own_page(&headers)
    }

    #[test]
    fn the_apps_own_pages_may_open_a_socket() {
        assert!(asks(&[("host", "127.0.0.1:3000"), ("origin", "http://127.0.0.1:3000")]));
        assert!(asks(&[("host", "studio.example"), ("origin", "https://studio.example")]));
        assert!(asks(&[("host", "studio.example:443"), ("origin", "https://studio.example")]));
        let site = ("sec-fetch-site", "same-origin");
        assert!(asks(&[("host", "10.0.0.7:3000"), ("origin", "https://studio.example"), site]));
    }

    #[test]
    fn other_pages_may_not() {
        for origin in [
            "https://elsewhere.example",
            "https://studio.example:8443",
            "https://studio.example.evil.example",
            "null",
        ] {
            assert!(!asks(&[("host", "studio.example"), ("origin", origin)]), "{origin}");
            for site in ["cross-site", "same-site", "none"] {
                let site = ("sec-fetch-site", site);
                assert!(!asks(&[("host", "studio.example"), ("origin", origin), site]), "{origin}");
            }
        }
        assert!(!asks(&[("host", "studio.example")]));
    }

    #[test]
    fn a_token_in_the_address_is_told_from_none() {
        assert_eq!(no_session(Some("a=b&token=secret")), Closing::TokenInAddress);
        assert_eq!(no_session(Some("a=token")), Closing::SignedOut);
        assert_eq!(no_session(None), Closing::SignedOut);
    }
}
