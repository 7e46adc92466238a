//! The names that this server answers for.
//!
//! A browser takes all pages of one name for one site. A stranger's page can make its own name lead to this server
//! (DNS rebinding); the browser would then let that page read and change what the app's own pages may. So a request
//! for a name that nobody gave this server is rejected. Addresses are safe, because no look-up leads from a stranger's
//! name to them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

use crate::http::AppError;
use crate::http::client_ip::Proxies;

/// The known names, besides `localhost` and all IP addresses. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    names: Arc<[String]>,
}

impl Hosts {
    /// Returns the host of the public URL and those of `STUDIO_HOSTS`, separated by commas.
    ///
    /// # Errors
    /// If one of them is not a host name.
    pub fn new(public_address: Option<&Url>, variable: Option<&str>) -> anyhow::Result<Self> {
        let given = variable.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        let given = given.map(|name| {
            let host = Host::parse(name).ok().filter(|_| !name.contains('*')).map(|host| host.to_string());
            host.with_context(|| {
                format!("STUDIO_HOSTS: {name} is not a host name; use names such as studio.example.org, without port")
            })
        });
        let public = public_address.and_then(Url::host_str).map(|name| Ok(name.to_owned()));
        let names =
            public.into_iter().chain(given).map(|name| name.map(|name| without_dot(&name).to_owned()));
        Ok(Self { names: names.collect::<anyhow::Result<_>>()? })
    }

    /// Returns whether this server may be called by `host`, the value of a `Host` header.
    fn knows(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().to_ascii_lowercase();
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
        let name = without_dot(&name);
        !host.contains('@')
            && (name == "localhost"
                || address.parse::<IpAddr>().is_ok()
                || self.names.iter().any(|known| known == name))
    }
}

/// Returns a name without the dot that may end it.
fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Rejects requests for unknown names with 421. The name is in `Host` and, if the client sends it, in the request's
/// URI; a trusted proxy that replaces `Host` gives the browser's in `X-Forwarded-Host`. All of them have to be known.
/// Requests without a name pass: every browser sends one.
pub async fn reject_unknown_hosts(
    State((hosts, proxies)): State<(Hosts, Proxies)>,
    request: Request,
    next: Next,
) -> Response {
    let socket = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let headers: &HeaderMap = request.headers();
    let named = headers.get_all(HOST).iter().map(text);
    let in_uri = request.uri().authority().map(Authority::to_string);
    let forwarded = socket.map(|socket| proxies.forwarded_hosts(socket, headers)).unwrap_or_default();
    if named.chain(in_uri).chain(forwarded).all(|host| hosts.knows(&host)) {
        return next.run(request).await;
    }
    let why = "This server is not known by the name in the address. If it is its name, its operator has to add it: \
               set APP_BASE_URL=https://… to its public URL, or STUDIO_HOSTS to its names, and restart it.";
    AppError::Misdirected(why.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(public: &str, variable: &str) -> Hosts {
        Hosts::new(Url::parse(public).ok().as_ref(), Some(variable)).unwrap()
    }

    #[test]
    fn this_machine_addresses_and_given_names_are_known() {
        let hosts = hosts("https://Studio.example.org:8443/x", "studio.lan, bücher.example. ,");
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "localhost.",
            "127.0.0.1:3000",
            "10.1.2.3",
            "[::1]:3000",
            "[2001:db8::1]",
            "studio.example.org",
            "STUDIO.example.org.:80",
            "studio.lan:3000",
            "xn--bcher-kva.example",
        ] {
            assert!(hosts.knows(host), "{host}");
        }
    }

    #[test]
    fn other_names_are_not() {
        let hosts = hosts("https://studio.example.org", "studio.lan");
        for host in [
            "",
            "evil.example",
            "studio.example.org.evil.example",
            "evil.studio.example.org",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example@127.0.0.1",
            "127.0.0.1:3000/evil.example",
            "studio.lan evil.example",
            "127.1",
            "2130706433",
            "[::1",
            "::1",
            "example.org",
        ] {
            assert!(!hosts.knows(host), "{host}");
        }
        assert!(!Hosts::default().knows("studio.example.org"));
    }

    #[test]
    fn an_invalid_name_is_reported() {
        for name in ["https://studio.example.org", "studio.example.org:3000", "a b", "*"] {
            let Err(error) = Hosts::new(None, Some(name)) else { panic!("{name} was accepted") };
            assert!(error.to_string().contains("STUDIO_HOSTS"), "{error}");
        }
    }
}
