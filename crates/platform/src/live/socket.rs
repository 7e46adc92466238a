//! `/ws`: checks who opens a WebSocket and starts serving it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, State};
use axum::http::header::{HOST, HeaderName, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures::stream::{self, BoxStream, StreamExt};
use url::Url;

use super::closing::Closing;
use super::connection::{self, Connection};
use super::connection_limit::ConnectionLimiter;
use super::contracts::{CancelJob, InitialState};
use super::hub::Hub;
use crate::accounts::middleware::bearer_token;
use crate::accounts::session::Proof;
use crate::accounts::{Session, SessionCheck, UserId};
use crate::http::AppError;
use crate::messages::ServerMessage;

/// A longer message closes the socket, bytes.
pub const LONGEST_MESSAGE: usize = 64 * 1024;

/// A longer message is not read to its end, bytes.
const LONGEST_READ: usize = 1024 * 1024;

/// The sub-protocol that the server selects if a client offers it. Browsers fail a connection of which the
/// server selects none of the offered sub-protocols.
pub const PROTOCOL: &str = "llm-studio";

/// Prefix of an offered sub-protocol that is followed by a token: scripts in browsers cannot set headers.
const TOKEN_PROTOCOL: &str = "bearer.";

/// Everything that serving a WebSocket needs. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    pub hub: Hub,
    initial_states: Vec<Arc<dyn InitialState>>,
    pub(super) jobs: Arc<dyn CancelJob>,
    pub(super) sessions: Arc<dyn SessionCheck>,
    pub(super) pace: Pace,
    limiter: ConnectionLimiter,
}

impl Live {
    /// Without an initial state: a tab receives only events.
    pub fn new(hub: Hub, jobs: Arc<dyn CancelJob>, sessions: Arc<dyn SessionCheck>) -> Self {
        Self {
            hub,
            initial_states: Vec::new(),
            jobs,
            sessions,
            pace: Pace::default(),
            limiter: ConnectionLimiter::default(),
        }
    }

    /// Sends this to each new tab, after the states that were added before. The first one sends `sync`.
    pub fn with_initial_state(mut self, state: Arc<dyn InitialState>) -> Self {
        self.initial_states.push(state);
        self
    }

    /// Counts a user's tabs in other processes too.
    pub fn with_connection_limiter(mut self, limiter: ConnectionLimiter) -> Self {
        self.limiter = limiter;
        self
    }

    /// The messages of all initial states, one state after the other.
    pub(super) fn initial_messages(
        &self,
        user: &UserId,
    ) -> BoxStream<'static, anyhow::Result<ServerMessage>> {
        let user = user.clone();
        stream::iter(self.initial_states.clone()).flat_map(move |state| state.messages(&user)).boxed()
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

/// Time limits and intervals of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Time without a message of the tab after which it is closed.
    pub silence: Duration,
    /// Time within which the tab has to receive what is sent.
    pub send: Duration,
    /// Interval of the server's pings, which keep proxies from closing an idle socket.
    pub ping: Duration,
    /// Interval of checks whether the session has ended.
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

/// Opens a WebSocket. A refusal is a close code after the upgrade, because scripts of a page cannot see the
/// status of a failed upgrade. Requests of other sites' pages are rejected with 403.
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
    let upgrade = upgrade.max_message_size(LONGEST_READ).max_frame_size(LONGEST_READ).protocols([PROTOCOL]);
    let of_headers = session.map(|Extension(session)| session);
    let session = match authenticate(&live, of_headers, &headers, query.as_deref()).await? {
        Ok(session) => session,
        Err(closing) => return Ok(upgrade.on_upgrade(move |socket| connection::refuse(socket, closing))),
    };
    let permit = live.limiter.acquire(session.user_id()).await;
    let Some((permit, tab)) = permit.zip(live.hub.join_session(session.user_id(), &session.id)) else {
        return Ok(upgrade.on_upgrade(|socket| connection::refuse(socket, Closing::TooManyTabs)));
    };
    Ok(upgrade.on_upgrade(move |socket| Connection::new(socket, tab, permit, session, live).serve()))
}

/// Returns the session of a connection, or why it is closed. `of_headers` is the session of its bearer token or
/// cookie. What proves more comes first: a cookie is sent with every request, a token is sent on purpose.
async fn authenticate(
    live: &Live,
    of_headers: Option<Session>,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Result<Session, Closing>, AppError> {
    if bearer_token(headers).is_some() {
        return Ok(of_headers.ok_or(Closing::SignedOut));
    }
    if let Some(token) = offered_token(headers) {
        let session = live.sessions.session_of_token(token).await.map_err(AppError::Internal)?;
        return Ok(session.ok_or(Closing::SignedOut));
    }
    if let Some(ticket) = parameter(query, "ticket") {
        let session = live.sessions.session_of_ticket(&ticket).await.map_err(AppError::Internal)?;
        return Ok(session.ok_or(Closing::TicketUsed));
    }
    match of_headers {
        Some(session) if session.proof != Proof::Cookie || from_own_page(headers) => Ok(Ok(session)),
        Some(_) => {
            let why = "This socket was asked for by a page of another site. Open the app itself, or send \
                       `Authorization: Bearer` with a token.";
            Err(AppError::Forbidden(why.into()))
        }
        None if parameter(query, "token").is_some() => Ok(Err(Closing::TokenInAddress)),
        None => Ok(Err(Closing::SignedOut)),
    }
}

fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Returns the token among the offered sub-protocols.
fn offered_token(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|list| list.to_str().ok());
    let mut offered = lists.flat_map(|list| list.split(',')).map(str::trim);
    offered.find_map(|protocol| protocol.strip_prefix(TOKEN_PROTOCOL))
}

/// Returns whether the request comes from the app's own page. Browsers send `Origin` with every WebSocket they
/// open; most also send `Sec-Fetch-Site`, which is right even where a proxy has changed `Host`.
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
    fn a_token_is_found_among_the_offered_protocols() {
        let offered = |lists: &[&str]| {
            let headers = lists.iter().fold(HeaderMap::new(), |mut headers, list| {
                headers.append(SEC_WEBSOCKET_PROTOCOL, list.parse().unwrap());
                headers
            });
            offered_token(&headers).map(str::to_owned)
        };
        assert_eq!(offered(&["llm-studio, bearer.lbs_a.b"]).as_deref(), Some("lbs_a.b"));
        assert_eq!(offered(&["llm-studio", "bearer.t"]).as_deref(), Some("t"));
        assert_eq!(offered(&["llm-studio, bearer"]), None);
        assert_eq!(offered(&[]), None);
    }
}
