//! The client's IP address and whether it used TLS. Forwarding headers are trusted only from configured
//! proxies, because anyone can send them.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use url::Url;

/// The client of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientInfo {
    pub address: IpAddr,
    /// Whether the browser's connection is encrypted, at least up to a proxy.
    pub secure: bool,
    /// Whether the request comes from this machine and not through a proxy.
    pub local: bool,
}

impl Default for ClientInfo {
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), secure: false, local: false }
    }
}

impl ClientInfo {
    /// Returns the client of the request with these extensions.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The trusted proxies in front of this server. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Arc<[IpNet]>,
    always_secure: bool,
}

impl Proxies {
    /// Reads `STUDIO_PROXIES` (networks such as `10.0.0.0/8`, or single addresses, separated by commas) and
    /// `COOKIE_SECURE` (`1` if all browsers use TLS). They also do if the server's public URL begins with `https`.
    ///
    /// # Errors
    /// If one of them is invalid.
    pub fn from_env(public_address: Option<&Url>) -> anyhow::Result<Self> {
        let trusted = std::env::var("STUDIO_PROXIES").unwrap_or_default();
        let always_secure = std::env::var("COOKIE_SECURE").is_ok_and(|value| value == "1" || value == "true")
            || public_address.is_some_and(|address| address.scheme() == "https");
        Ok(Self { always_secure, ..Self::trusting(&trusted)? })
    }

    /// Trusts these networks, separated by commas.
    ///
    /// # Errors
    /// If one of them is not a network.
    pub fn trusting(networks: &str) -> anyhow::Result<Self> {
        let named = networks.split(',').map(str::trim).filter(|text| !text.is_empty());
        let trusted = named.map(network).collect::<anyhow::Result<_>>()?;
        Ok(Self { trusted, always_secure: false })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Returns the names in `X-Forwarded-Host`: by which the browser called the proxy at `socket`. Nothing from other
    /// clients.
    pub fn forwarded_hosts(&self, socket: IpAddr, headers: &HeaderMap) -> Vec<String> {
        if !self.trusts(socket) {
            return Vec::new();
        }
        list(headers, "x-forwarded-host").map(str::to_owned).collect()
    }

    /// Returns the client of a connection from `socket` that sent these headers.
    pub fn peer(&self, socket: IpAddr, headers: &HeaderMap) -> ClientInfo {
        if !self.trusts(socket) {
            let local = socket.to_canonical().is_loopback() && names_this_machine(headers);
            return ClientInfo { address: socket, secure: self.always_secure, local };
        }
        let secure = last_of(headers, "x-forwarded-proto").is_some_and(|proto| proto == "https");
        // Each proxy appends the address it received the request from: the last one that is not a trusted proxy
        // is the client.
        let address = list(headers, "x-forwarded-for")
            .rev()
            .map_while(|address| address.parse().ok())
            .find(|address: &IpAddr| !self.trusts(*address))
            .unwrap_or(socket);
        ClientInfo { address, secure: secure || self.always_secure, local: false }
    }
}

/// Headers that proxies add.
const ADDED_BY_PROXIES: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Returns whether a browser on this machine has sent these headers directly: it calls this machine by its own name, and
/// no proxy has added anything.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let is_this_machine = |host: &str| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    };
    host.is_some_and(|host| is_this_machine(host.host()))
        && !ADDED_BY_PROXIES.iter().any(|name| headers.contains_key(*name))
}

fn network(text: &str) -> anyhow::Result<IpNet> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| single()).with_context(|| {
        format!("STUDIO_PROXIES: {text} is not a network; use addresses such as 10.0.0.1 or 10.0.0.0/8")
    })
}

/// Returns the items of a list header, over all its lines.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'a str> + use<'a> {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    let parts: Vec<_> =
        lines.into_iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).collect();
    parts.into_iter().map(str::trim)
}

fn last_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    list(headers, name).next_back()
}

/// Middleware that puts the [`ClientInfo`] into each request.
pub async fn resolve(State(proxies): State<Proxies>, mut request: Request, next: Next) -> Response {
    let peer = match request.extensions().get::<ConnectInfo<SocketAddr>>() {
        Some(info) => proxies.peer(info.0.ip(), request.headers()),
        // A call within this process.
        None => ClientInfo { local: true, ..ClientInfo::default() },
    };
    request.extensions_mut().insert(peer);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(*name, value.parse().unwrap());
            map
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn headers_of_unknown_proxies_are_ignored() {
        let claims = headers(&[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")]);
        let proxies = Proxies::trusting("10.0.0.0/8").unwrap();
        let peer = proxies.peer(address("192.0.2.1"), &claims);
        assert_eq!(peer, ClientInfo { address: address("192.0.2.1"), secure: false, local: false });
    }

    #[test]
    fn a_proxy_reports_the_client_which_cannot_forge_it() {
        let proxies = Proxies::trusting("10.0.0.0/8, 2001:db8::1").unwrap();
        let chain = headers(&[
            ("x-forwarded-for", "6.6.6.6, 198.51.100.7"),
            ("x-forwarded-for", "10.1.1.1"),
            ("x-forwarded-proto", "http, https"),
        ]);
        let peer = proxies.peer(address("10.9.9.9"), &chain);
        assert_eq!(peer, ClientInfo { address: address("198.51.100.7"), secure: true, local: false });
        let none = proxies.peer(address("::ffff:10.9.9.9"), &HeaderMap::new());
        assert_eq!(none, ClientInfo { address: address("::ffff:10.9.9.9"), secure: false, local: false });
    }

    #[test]
    fn an_invalid_header_gives_the_proxys_address() {
        let proxies = Proxies::trusting("10.0.0.1").unwrap();
        let peer = proxies.peer(address("10.0.0.1"), &headers(&[("x-forwarded-for", "1.2.3.4, unknown")]));
        assert_eq!(peer.address, address("10.0.0.1"));
    }

    #[test]
    fn an_invalid_network_is_reported() {
        let error = Proxies::trusting("10.0.0.0/33").unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/33"), "{error}");
    }

    #[test]
    fn a_client_on_this_machine_comes_without_a_proxy() {
        let proxies = Proxies::trusting("127.0.0.2").unwrap();
        let local = |socket: &str, pairs: &[(&'static str, &str)]| {
            proxies.peer(address(socket), &headers(pairs)).local
        };
        for host in ["127.0.0.1:3000", "localhost", "LOCALHOST:3000", "[::1]:3000"] {
            assert!(local("127.0.0.1", &[("host", host)]) && local("::1", &[("host", host)]), "{host}");
            assert!(local("::ffff:127.0.0.1", &[("host", host)]), "{host}");
        }
        assert!(!local("192.0.2.1", &[("host", "localhost")]));
        assert!(!local("127.0.0.2", &[("host", "localhost")]), "a named proxy");
        for host in ["studio.example.org", "192.0.2.9:3000", ""] {
            assert!(!local("127.0.0.1", &[("host", host)]), "a proxy that passes the name on: {host}");
        }
        for header in ADDED_BY_PROXIES {
            assert!(!local("127.0.0.1", &[("host", "localhost"), (header, "x")]), "{header}");
        }
    }
}
