//! One bounded `GET` of a list of models.

use std::time::Duration;

use secrecy::SecretString;

use crate::{
    egress::{AddressPolicy, Client, Limits},
    types::{ApiError, ErrorKind, Provider},
    wire::{self, WireError},
};

/// The longest list known has a tenth of this.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A client for lists of models.
///
/// # Errors
/// When the machine's certificates cannot be used.
pub(super) fn client(policy: AddressPolicy, connect: Duration, total: Duration) -> Result<Client, ApiError> {
    Client::new(policy, Limits { connect, total, max_bytes: MAX_BYTES })
}

/// The body of the provider's list of models.
///
/// # Errors
/// When the endpoint may not or cannot be reached in time, refuses, or answers with more than
/// [`MAX_BYTES`].
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
