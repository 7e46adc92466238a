//! Requests a list of models, with limits on time and size.

use std::time::Duration;

use secrecy::SecretString;

use crate::{
    egress::{AddressPolicy, Client, Limits},
    types::{ApiError, ErrorKind, Provider},
    wire::{self, WireError},
};

/// Maximum size; the longest known list has a tenth of it.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Creates a client for lists of models.
///
/// # Errors
/// If the system's certificates cannot be loaded.
pub(super) fn client(policy: AddressPolicy, connect: Duration, total: Duration) -> Result<Client, ApiError> {
    Client::new(policy, Limits { connect, total, max_bytes: MAX_BYTES })
}

/// Requests the provider's list of models and returns the body.
///
/// # Errors
/// If the endpoint's address is not allowed, it cannot be reached in time, returns an error, or a body larger
/// than [`MAX_BYTES`].
pub(super) async fn models(
    client: &Client,
    provider: &Provider,
    key: Option<&SecretString>,
) -> Result<Vec<u8>, ApiError> {
    let request = wire::models_request(provider, key).map_err(|error| unusable(&error))?;
    let answer = client.get(request.url, request.headers).await?;
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    Err(wire::decode_error(provider, answer.status.as_u16(), &answer.headers, &answer.body))
}

fn unusable(error: &WireError) -> ApiError {
    ApiError {
        kind: ErrorKind::InvalidRequest,
        status: None,
        message: error.to_string(),
        retry_after_s: None,
    }
}
