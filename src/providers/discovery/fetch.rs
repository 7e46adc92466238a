//! One bounded `GET` of a list of models.

use std::{sync::Once, time::Duration};

use reqwest::{Client, Response, redirect::Policy};
use secrecy::SecretString;

use crate::providers::{
    types::{ApiError, ErrorKind, Provider},
    wire::{self, WireError},
};

/// The longest list known has a tenth of this.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A client that goes nowhere but where it is sent.
///
/// # Errors
/// When the machine's certificates cannot be used.
pub(super) fn client(connect_timeout: Duration, timeout: Duration) -> Result<Client, ApiError> {
    install_crypto();
    let builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(connect_timeout)
        .timeout(timeout);
    builder.build().map_err(|error| failure(ErrorKind::ConnectFailed, format!("no HTTPS client: {error}")))
}

/// reqwest takes the process's TLS provider. Another part of the program may have set it already, which
/// is as good.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _already_set = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    });
}

/// The body of the provider's list of models.
///
/// # Errors
/// When the endpoint cannot be reached in time, refuses, or answers with more than [`MAX_BYTES`].
pub(super) async fn models(
    client: &Client,
    provider: &Provider,
    key: Option<&SecretString>,
) -> Result<Vec<u8>, ApiError> {
    let request = wire::models_request(provider, key).map_err(|error| unusable(&error))?;
    let response = client.get(request.url).headers(request.headers).send().await.map_err(transport)?;
    let status = response.status();
    let headers = response.headers().clone();
    let body = bounded(response).await?;
    if status.is_success() {
        return Ok(body);
    }
    Err(wire::decode_error(provider, status.as_u16(), &headers, &body))
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_BYTES {
            let message = "the list of models is longer than 4 MB; check the base URL".to_owned();
            return Err(failure(ErrorKind::BadResponse, message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unusable(error: &WireError) -> ApiError {
    failure(ErrorKind::InvalidRequest, error.to_string())
}

fn transport(error: reqwest::Error) -> ApiError {
    let (kind, message) = match (error.is_timeout(), error.is_connect()) {
        (true, true) => (ErrorKind::ConnectTimeout, "no connection in time; check the address"),
        (true, false) => (ErrorKind::TotalTimeout, "the list of models did not arrive in time"),
        (false, true) => {
            (ErrorKind::ConnectFailed, "no connection; check the address and that the server runs")
        }
        (false, false) => {
            (ErrorKind::ConnectionLost, "the connection broke while the list of models arrived")
        }
    };
    failure(kind, message.to_owned())
}

fn failure(kind: ErrorKind, message: String) -> ApiError {
    ApiError { kind, status: None, message, retry_after_s: None }
}
