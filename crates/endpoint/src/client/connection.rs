//! Opening a connection, apart from anything that is measured over it.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::stream::{FuturesUnordered, StreamExt};
use http::HeaderValue;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::rustls::{self, pki_types::ServerName};
use url::{Host, Url};

use super::{
    stream::{Stamps, TimedStream},
    tls,
    transport::Transport,
};
use crate::{
    ApiError, ErrorKind,
    egress::{self, AddressPolicy, NoAddress, Resolver, SystemResolver},
};

/// The "connection attempt delay" of RFC 8305.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// One HTTP/1.1 connection to one endpoint, with at most one request on it at a time.
#[derive(Debug)]
pub struct Connection {
    pub(super) transport: Transport,
    pub(super) stamps: Arc<Stamps>,
    pub(super) host: HeaderValue,
}

/// How long opening a connection took. The phases do not overlap, so they add up to at most `connect_ms`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opened {
    /// The whole of it, ms.
    pub connect_ms: f64,
    /// Name resolution, ms; `None` for an address literal.
    pub dns_ms: Option<f64>,
    /// From the first connection attempt to the first one that was accepted, ms.
    pub tcp_ms: f64,
    /// The TLS handshake, ms; `None` over plain HTTP.
    pub tls_ms: Option<f64>,
}

/// The phases of opening a connection.
struct Phases {
    lookup: Option<Duration>,
    tcp: Duration,
    tls: Option<Duration>,
}

impl Connection {
    /// Connects to the host of `url` within `limit`, at an address that `policy` allows.
    ///
    /// # Errors
    /// `AddressRefused`, or `ConnectFailed` or `ConnectTimeout`, saying which step failed.
    pub async fn open(url: &Url, policy: AddressPolicy, limit: Duration) -> Result<(Self, Opened), ApiError> {
        Self::open_resolving(&SystemResolver, url, policy, limit).await
    }

    async fn open_resolving(
        resolver: &dyn Resolver,
        url: &Url,
        policy: AddressPolicy,
        limit: Duration,
    ) -> Result<(Self, Opened), ApiError> {
        let started = Instant::now();
        let (connection, phases) =
            timeout(limit, Self::connect(resolver, url, policy)).await.map_err(|_elapsed| {
                let seconds = limit.as_secs_f64();
                connect_error(
                    ErrorKind::ConnectTimeout,
                    format!("{} did not answer within {seconds} s", authority(url)),
                )
            })??;
        let opened = Opened {
            connect_ms: ms(started.elapsed()),
            dns_ms: phases.lookup.map(ms),
            tcp_ms: ms(phases.tcp),
            tls_ms: phases.tls.map(ms),
        };
        Ok((connection, opened))
    }

    async fn connect(
        resolver: &dyn Resolver,
        url: &Url,
        policy: AddressPolicy,
    ) -> Result<(Self, Phases), ApiError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            connect_error(ErrorKind::ConnectFailed, format!("{what} {} failed: {error}", authority(url)))
        };
        let addresses = egress::addresses(url, policy, resolver).await.map_err(|error| match error {
            NoAddress::Refused(refused) => refused.into(),
            NoAddress::Lookup(error) => failed("connecting to", &error),
        })?;
        let connecting = Instant::now();
        let stream = connect_any(addresses.allowed.into_iter())
            .await
            .map_err(|error| failed("connecting to", &error))?;
        let mut phases = Phases { lookup: addresses.lookup, tcp: connecting.elapsed(), tls: None };
        stream.set_nodelay(true).map_err(|error| failed("connecting to", &error))?;
        let stream = TimedStream::new(stream);
        let stamps = stream.stamps();
        let host = HeaderValue::from_str(&authority(url)).map_err(|error| failed("the address", &error))?;
        if url.scheme() == "http" {
            return Ok((Self { transport: Transport::new(stream), stamps, host }, phases));
        }
        let connector = tls::connector().map_err(|error| failed("TLS with", &error))?;
        let name = server_name(url).map_err(|error| failed("TLS with", &error))?;
        let handshaking = Instant::now();
        let stream = connector.connect(name, stream).await.map_err(|error| tls_failed(url, &error))?;
        phases.tls = Some(handshaking.elapsed());
        Ok((Self { transport: Transport::new(stream), stamps, host }, phases))
    }

    /// Waits, at most for `grace`, until it can carry another request; false when it cannot: the
    /// server closes it, or has not read all of the last request.
    pub(super) async fn settles(&mut self, grace: Duration) -> bool {
        timeout(grace, self.transport.settles()).await.unwrap_or(false)
    }

    /// Returns whether it can carry another request: the server has not closed it.
    pub fn is_open(&mut self) -> bool {
        self.transport.is_idle()
    }
}

/// Takes the first address that answers. One that is silent (a broken IPv6 route, most often) holds
/// up the next only for a moment, after RFC 8305.
async fn connect_any(mut addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        attempts.extend(addresses.next().map(TcpStream::connect));
        match timeout(NEXT_ADDRESS_AFTER, attempts.next()).await {
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err(error))) => last = error,
            Ok(None) => return Err(last),
            Err(_elapsed) => {}
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn server_name(url: &Url) -> Result<ServerName<'static>, String> {
    match url.host() {
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|error| error.to_string()),
        Some(Host::Ipv4(ip)) => Ok(ServerName::from(std::net::IpAddr::V4(ip))),
        Some(Host::Ipv6(ip)) => Ok(ServerName::from(std::net::IpAddr::V6(ip))),
        None => Err("the URL has no host".into()),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn tls_failed(url: &Url, error: &io::Error) -> ApiError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let message = match cause {
        Some(rustls::Error::InvalidMessage(_)) => {
            format!("{} does not speak TLS; should its base URL begin with http://?", authority(url))
        }
        _ => format!("TLS with {} failed: {error}", authority(url)),
    };
    connect_error(ErrorKind::ConnectFailed, message)
}

fn connect_error(kind: ErrorKind, message: String) -> ApiError {
    ApiError { kind, status: None, message, retry_after_s: None }
}

#[cfg(test)]
mod tests;
