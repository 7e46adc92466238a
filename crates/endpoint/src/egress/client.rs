//! The one HTTP client beside the measured one.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{Arc, Once},
    time::Duration,
};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use reqwest::{
    RequestBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use url::{Host, Url};

use super::{
    policy::{AddressPolicy, Refused},
    resolve::{Resolver, SystemResolver, allowed},
};
use crate::{ApiError, ErrorKind};

/// Limits of one request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Limit of DNS, TCP and TLS together.
    pub connect: Duration,
    /// Limit from the DNS lookup to the last byte of the response.
    pub total: Duration,
    /// Largest response body, bytes.
    pub max_bytes: usize,
}

/// A whole HTTP response with any status.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The response headers.
    pub headers: HeaderMap,
    /// The response body.
    pub body: Vec<u8>,
}

/// An HTTP client that sends requests only to addresses that its policy allows. It follows no redirect, so that
/// a key is never sent to another host; it uses no proxy, which would resolve the name itself; it asks for no
/// compression, which would hide a response's size.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    policy: AddressPolicy,
    limits: Limits,
}

impl Client {
    /// # Errors
    /// When the machine's certificates cannot be used.
    pub fn new(policy: AddressPolicy, limits: Limits) -> Result<Self, ApiError> {
        Self::resolving(Arc::new(SystemResolver), policy, limits)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the guarded client that others are to use")]
    fn resolving(
        resolver: Arc<dyn Resolver>,
        policy: AddressPolicy,
        limits: Limits,
    ) -> Result<Self, ApiError> {
        install_crypto();
        let built = reqwest::Client::builder()
            .dns_resolver(Arc::new(GuardedResolver { resolver, policy: policy.without_exception() }))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .build();
        let http =
            built.map_err(|error| failure(ErrorKind::ConnectFailed, format!("no HTTPS client: {error}")))?;
        Ok(Self { http, policy, limits })
    }

    /// # Errors
    /// When the address is refused or cannot be reached, or the answer is longer or takes longer than
    /// the limits allow.
    pub async fn get(&self, url: Url, headers: HeaderMap) -> Result<Answer, ApiError> {
        self.check_literal(&url)?;
        self.send(self.http.get(url).headers(headers)).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post_form(&self, url: Url, headers: HeaderMap, form: String) -> Result<Answer, ApiError> {
        self.check_literal(&url)?;
        let request = self.http.post(url).headers(headers).body(form);
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded")).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, ApiError> {
        let response = request.send().await.map_err(transport)?;
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: bounded(response, self.limits.max_bytes).await?,
        })
    }

    /// Hosts that are IP addresses never come before the resolver.
    fn check_literal(&self, url: &Url) -> Result<(), Refused> {
        let port = url.port_or_known_default().unwrap_or(80);
        let address: SocketAddr = match url.host() {
            Some(Host::Ipv4(ip)) => (ip, port).into(),
            Some(Host::Ipv6(ip)) => (ip, port).into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        self.policy.check(url.host_str().unwrap_or_default(), address)
    }
}

/// Gives out allowed addresses only, and the client connects to nothing else.
struct GuardedResolver {
    resolver: Arc<dyn Resolver>,
    policy: AddressPolicy,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.resolver.lookup(name.as_str());
        let policy = self.policy;
        Box::pin(async move {
            // The client puts the URL's port in place of 0.
            let found = lookup.await?.into_iter().map(|ip| SocketAddr::new(ip, 0));
            let allowed: Addrs = Box::new(allowed(name.as_str(), found, policy)?.into_iter());
            Ok(allowed)
        })
    }
}

/// reqwest takes the process's TLS provider. Another part of the program may have set it already, which
/// is as good.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _already_set = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    });
}

async fn bounded(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > max_bytes {
            let message = format!("the answer is longer than {max_bytes} bytes; check the base URL");
            return Err(failure(ErrorKind::BadResponse, message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn transport(error: reqwest::Error) -> ApiError {
    if let Some(refused) = refusal(&error) {
        return refused.into();
    }
    let (kind, message) = match (error.is_timeout(), error.is_connect()) {
        (true, true) => (ErrorKind::ConnectTimeout, "no connection in time; check the address"),
        (true, false) => (ErrorKind::TotalTimeout, "the answer did not arrive in time"),
        (false, true) => {
            (ErrorKind::ConnectFailed, "no connection; check the address and that the server runs")
        }
        (false, false) => (ErrorKind::ConnectionLost, "the connection broke while the answer arrived"),
    };
    failure(kind, message.to_owned())
}

/// The policy's refusal, from wherever it stands among the causes.
fn refusal(error: &reqwest::Error) -> Option<Refused> {
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.find_map(|cause| match cause.downcast_ref::<super::NoAddress>() {
        Some(super::NoAddress::Refused(refused)) => Some(refused.clone()),
        _ => cause.downcast_ref::<Refused>().cloned(),
    })
}

fn failure(kind: ErrorKind, message: String) -> ApiError {
    ApiError { kind, status: None, message, retry_after_s: None }
}

#[cfg(test)]
mod tests;
