//! Which models an endpoint offers, which local servers answer, and for which providers there is a key.
//!
//! Asks through the guarded client of [`egress`](super::egress), apart from the measured path.

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

/// How long a provider's list may take.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// A server on this machine either accepts a connection at once or is not there.
const PROBE_CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);

/// The models that a provider's list endpoint offers for chat, completed from the catalog, in the
/// provider's order.
///
/// # Errors
/// When `policy` refuses the endpoint's address, or it cannot be asked, refuses, or answers with something that is no list of models.
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

/// The servers that answer on this machine at their usual ports, with their models. Never fails: what
/// does not answer like a model server, or may not be asked, is not there.
pub async fn local_servers(policy: AddressPolicy) -> Vec<(Provider, Vec<Model>)> {
    let kinds = [ProviderKind::Ollama, ProviderKind::LmStudio, ProviderKind::Vllm, ProviderKind::LlamaCpp];
    let addresses = kinds.into_iter().filter_map(|kind| Some((kind, kind.facts().base_url?)));
    servers_at(policy, addresses).await
}

/// Asks all addresses side by side; each is expected to be of the kind beside it.
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

/// What a server is: as its models' `owned_by` says, else what usually has this port. Ports 8000 and
/// 8080 are anybody's, so that a server there which does not say what it is stays unknown.
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

/// Two servers of one kind are told apart by their ports.
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

/// The providers whose usual variables hold a key, in the usual order; `env` reads a variable.
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
