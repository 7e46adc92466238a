//! The HTTP client for all requests except measured ones.

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
    /// If the system's certificates cannot be loaded.
    pub fn new(policy: AddressPolicy, limits: Limits) -> Result<Self, ApiError> {
        Self::resolving(Arc::new(SystemResolver), policy, limits)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the client that all other code uses")]
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
    /// If the address is forbidden or cannot be reached, or the response exceeds the limits of size or time.
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

    /// Checks hosts that are IP addresses, which are not resolved.
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

/// A resolver that returns only allowed addresses, which are the only ones that the client connects to.
struct GuardedResolver {
    resolver: Arc<dyn Resolver>,
    policy: AddressPolicy,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.resolver.lookup(name.as_str());
        let policy = self.policy;
        Box::pin(async move {
            // The client replaces port 0 with the URL's port.
            let allowed: Addrs = Box::new(allowed(name.as_str(), lookup.await, 0, policy)?.into_iter());
            Ok(allowed)
        })
    }
}

/// Sets the process's TLS provider, which reqwest uses. Another part of the program may have set it already.
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
            let message = format!("the response is larger than {max_bytes} bytes; check the base URL");
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
        (true, true) => (ErrorKind::ConnectTimeout, "connection timed out; check the URL"),
        (true, false) => (ErrorKind::TotalTimeout, "the response timed out"),
        (false, true) => {
            (ErrorKind::ConnectFailed, "cannot connect; check the URL and that the server is running")
        }
        (false, false) => (ErrorKind::ConnectionLost, "the connection was lost during the response"),
    };
    failure(kind, message.to_owned())
}

/// Returns the policy's error from the chain of causes.
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
#[path = "client_tests.rs"]
mod tests;
