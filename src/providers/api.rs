//! What the page of providers calls.

use leptos::prelude::*;

use super::listing::ProviderListing;

/// The providers of the user with their models, keys not included.
#[server]
pub async fn list_providers() -> Result<Vec<ProviderListing>, ServerFnError> {
    let (providers, user) = super::service::of_request();
    providers.list(&user).await.map_err(ServerFnError::new)
}

/// Asks every provider that can be reached for its models, and keeps what it says.
#[server]
pub async fn look_again() -> Result<(), ServerFnError> {
    let (providers, user) = super::service::of_request();
    providers.look(&user).await.map_err(ServerFnError::new)
}
