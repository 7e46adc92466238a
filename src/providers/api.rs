//! What the page of providers calls.

use leptos::prelude::*;

use super::listing::ProviderListing;

/// The providers of the user with their models, keys not included.
#[server]
pub async fn list_providers() -> Result<Vec<ProviderListing>, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let providers = expect_context::<super::service::ProviderService>();
    providers.list(session.user_id()).await.map_err(ServerFnError::new)
}

/// Asks every provider that can be reached for its models, and keeps what it says.
#[server]
pub async fn look_again() -> Result<(), ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let providers = expect_context::<super::service::ProviderService>();
    providers.look(session.user_id()).await.map_err(ServerFnError::new)
}
