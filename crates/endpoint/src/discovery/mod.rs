//! Discovery: the models of an endpoint, local servers that respond, and providers with a key.
//!
//! Uses the client of [`egress`](super::egress), not the measuring client.

mod chat_filter;
mod fetch;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    catalog,
    egress::{AddressPolicy, Client},
    types::{ApiError, Model, Provider, ProviderKind},
    wire::{self, ListedModel},
};

/// Timeout of a provider's list.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// A local server accepts a connection immediately or is not running.
const PROBE_CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);

/// Returns the chat models of a provider's list endpoint, completed from the catalog, in the provider's order.
///
/// # Errors
/// If `policy` forbids the endpoint's address, it cannot be reached, returns an error, or a response that is
/// not a list of models.
pub async fn list_models(
    policy: AddressPolicy,
    provider: &Provider,
    key: Option<&SecretString>,
) -> Result<Vec<Model>, ApiError> {
    let client = fetch::client(policy, LIST_TIMEOUT, LIST_TIMEOUT)?;
    let body = fetch::models(&client, provider, key).await?;
    models_in(provider, &body)
}

fn models_in(provider: &Provider, body: &[u8]) -> Result<Vec<Model>, ApiError> {
    let listed = wire::decode_models(provider, body)?;
    let mut seen = HashSet::new();
    let models = listed
        .into_iter()
        .filter(|listed| chat_filter::can_chat(provider.kind, &listed.id))
        .filter(|listed| seen.insert(listed.id.clone()))
        .map(|listed| model(provider, listed));
    Ok(models.collect())
}

fn model(provider: &Provider, listed: ListedModel) -> Model {
    let mut model = Model::named(listed.id);
    if let Some(name) = listed.display_name.filter(|name| !name.trim().is_empty()) {
        model.display_name = name;
    }
    model.context_window = listed.context_window;
    model.max_output_tokens = listed.max_output_tokens;
    catalog::complete(provider, &mut model);
    model
}

/// Returns the local servers that respond at their default ports, with their models. Never fails: servers that
/// do not respond like a model server, or that `policy` forbids, are left out.
pub async fn local_servers(policy: AddressPolicy) -> Vec<(Provider, Vec<Model>)> {
    let kinds = [ProviderKind::Ollama, ProviderKind::LmStudio, ProviderKind::Vllm, ProviderKind::LlamaCpp];
    let addresses = kinds.into_iter().filter_map(|kind| Some((kind, kind.facts().base_url?)));
    servers_at(policy, addresses).await
}

/// Requests all URLs concurrently, each with its expected kind.
async fn servers_at<'a>(
    policy: AddressPolicy,
    addresses: impl Iterator<Item = (ProviderKind, &'a str)>,
) -> Vec<(Provider, Vec<Model>)> {
    let Ok(client) = fetch::client(policy, PROBE_CONNECT_TIMEOUT, PROBE_TIMEOUT) else { return Vec::new() };
    let probes = addresses.map(|(expected, base_url)| probe(&client, expected, base_url));
    let mut found: Vec<_> = join_all(probes).await.into_iter().flatten().collect();
    make_keys_unique(&mut found);
    found
}

async fn probe(client: &Client, expected: ProviderKind, base_url: &str) -> Option<(Provider, Vec<Model>)> {
    let body = fetch::models(client, &Provider::of_kind(expected, base_url), None).await.ok()?;
    let provider = Provider::of_kind(identify(expected, &body), base_url);
    let models = models_in(&provider, &body).ok()?;
    Some((provider, models))
}

/// Identifies a server by its models' `owned_by`, otherwise by its port. Ports 8000 and 8080 are used by many
/// programs, so a server there is `Custom` unless `owned_by` identifies it.
fn identify(expected: ProviderKind, body: &[u8]) -> ProviderKind {
    #[derive(Deserialize)]
    struct List {
        data: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        owned_by: String,
    }
    let entries = serde_json::from_slice::<List>(body).map(|list| list.data).unwrap_or_default();
    let said = entries.iter().find_map(|entry| match entry.owned_by.as_str() {
        "llamacpp" => Some(ProviderKind::LlamaCpp),
        "vllm" => Some(ProviderKind::Vllm),
        "organization_owner" => Some(ProviderKind::LmStudio),
        "library" => Some(ProviderKind::Ollama),
        _ => None,
    });
    said.unwrap_or(match expected {
        ProviderKind::Ollama | ProviderKind::LmStudio => expected,
        _ => ProviderKind::Custom,
    })
}

/// Appends the port to the keys of servers of the same kind.
fn make_keys_unique(found: &mut [(Provider, Vec<Model>)]) {
    let mut seen = HashSet::new();
    for (provider, _) in found {
        if seen.insert(provider.key.clone()) {
            continue;
        }
        let port = provider.base_url.rsplit(':').next().and_then(|rest| rest.split('/').next());
        let port = port.unwrap_or_default().to_owned();
        provider.key = format!("{}_{port}", provider.key);
        provider.display_name = format!("{} ({port})", provider.display_name);
        seen.insert(provider.key.clone());
    }
}

/// Returns the providers whose usual variables contain a key, in the usual order. `env` reads a variable.
pub fn keyed_providers(env: impl Fn(&str) -> Option<String>) -> Vec<(Provider, SecretString)> {
    let key_of = |names: &[&str]| {
        let values = names.iter().filter_map(|name| env(name));
        values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
    };
    ProviderKind::all()
        .filter_map(|facts| {
            Some((Provider::of_kind(facts.kind, facts.base_url?), key_of(facts.key_env)?.into()))
        })
        .collect()
}
