//! Resolves the file's entries to providers, models and keys.
//!
//! Keys are sent only to their provider: a well-known variable such as `OPENAI_API_KEY` is used only for that
//! provider's own host, unless the file names the variable for an endpoint.

use anyhow::{Context, bail, ensure};
use secrecy::SecretString;
use url::{Host, Url};

use super::file::{EnvName, ModelEntry, ModelFields, ProviderEntry};
use endpoint::{Model, Price, PriceSource, Provider, ProviderKind, egress::check_base_url, types::KindFacts};

/// A resolved provider of the file.
#[derive(Debug)]
pub struct Configured {
    pub provider: Provider,
    pub key: Key,
    /// Empty: use the endpoint's own list.
    pub models: Vec<Model>,
}

/// The state of a provider's key.
#[derive(Debug, Clone)]
pub enum Key {
    Present(SecretString),
    NotNeeded,
    /// None of these variables is set.
    Missing(String),
}

impl Key {
    /// Reads the variable that the user named.
    pub fn named(name: &EnvName) -> Self {
        environment(&name.0).map_or_else(|| Self::Missing(name.0.clone()), Self::Present)
    }
}

/// Resolves one entry of the file to a provider.
///
/// # Errors
/// If a required URL is missing, or a URL, a key of the map or a header is invalid.
pub fn resolve(key: &str, entry: &ProviderEntry) -> anyhow::Result<Configured> {
    ensure!(is_provider_key(key), "a provider's key can contain only letters, digits, - and _");
    let kind = entry.kind.or_else(|| ProviderKind::from_key(key)).unwrap_or(ProviderKind::Custom);
    let facts = kind.facts();
    let base_url = match (&entry.base_url, facts.base_url) {
        (Some(given), _) => parse_base_url(given)?,
        (None, Some(usual)) => usual.to_owned(),
        (None, None) => bail!("needs a base_url"),
    };
    let provider = Provider {
        key: key.to_owned(),
        display_name: entry.name.clone().unwrap_or_else(|| display_name(key, facts)),
        kind,
        protocol: entry.protocol.unwrap_or(facts.protocol),
        headers: headers(&entry.headers.0)?,
        base_url,
    };
    let key = match &entry.api_key_env {
        Some(name) => Key::named(name),
        None => known_key(facts, &provider.base_url),
    };
    let models = entry.models.iter().map(model).collect::<anyhow::Result<_>>()?;
    Ok(Configured { provider, key, models })
}

/// Returns the key in the environment for `facts`, if `base_url` is that provider's own host.
pub fn known_key(facts: &KindFacts, base_url: &str) -> Key {
    if facts.key_env.is_empty() || !facts.is_own_origin(base_url) {
        return Key::NotNeeded;
    }
    facts
        .key_env
        .iter()
        .find_map(|name| environment(name))
        .map_or_else(|| Key::Missing(facts.key_env.join(" or ")), Key::Present)
}

/// Checks a URL and returns it without a trailing slash.
///
/// # Errors
/// As [`check_base_url`].
pub fn parse_base_url(text: &str) -> anyhow::Result<String> {
    check_base_url(text).map_err(anyhow::Error::msg)
}

/// Returns `host` or `host:port`, the label of an endpoint without a name.
pub fn host_label(base_url: &str) -> String {
    let Ok(url) = Url::parse(base_url) else { return base_url.to_owned() };
    let host = url.host().as_ref().map(Host::to_string).unwrap_or_default();
    url.port().map_or(host.clone(), |port| format!("{host}:{port}"))
}

fn environment(name: &str) -> Option<SecretString> {
    std::env::var(name)
        .ok()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .map(Into::into)
}

fn is_provider_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn display_name(key: &str, facts: &KindFacts) -> String {
    if key == facts.key { facts.display_name.to_owned() } else { key.to_owned() }
}

fn headers(entries: &[(String, String)]) -> anyhow::Result<Vec<(String, String)>> {
    for (name, value) in entries {
        let lower = name.to_ascii_lowercase();
        ensure!(
            !lower.contains("authorization") && !lower.contains("key") && !lower.contains("token"),
            "header {name}: never put keys in this file; put the key into an environment variable and \
             name that variable with api_key_env"
        );
        http::HeaderName::from_bytes(name.as_bytes())
            .with_context(|| format!("header {name}: invalid name"))?;
        http::HeaderValue::from_str(value).with_context(|| format!("header {name}: invalid value"))?;
    }
    Ok(entries.to_vec())
}

fn model(entry: &ModelEntry) -> anyhow::Result<Model> {
    let ModelFields {
        id,
        name,
        context_window,
        max_output_tokens,
        price,
        skip_params,
        system_prompt,
        params,
    } = entry.0.clone();
    ensure!(!id.trim().is_empty(), "a model needs an id");
    let price = price.map(|price| Price {
        input_per_mtok: price.input,
        cached_input_per_mtok: price.cached_input,
        output_per_mtok: price.output,
        up_to_input_tokens: None,
        source: PriceSource::Custom,
    });
    ensure!(price.is_none_or(|price| is_sound(&price)), "model {id}: prices must be 0 dollars or more");
    Ok(Model {
        display_name: name.unwrap_or_else(|| id.clone()),
        id,
        context_window,
        max_output_tokens,
        skip_params,
        system_prompt,
        params,
        price,
    })
}

fn is_sound(price: &Price) -> bool {
    [Some(price.input_per_mtok), price.cached_input_per_mtok, Some(price.output_per_mtok)]
        .into_iter()
        .flatten()
        .all(|dollars| dollars.is_finite() && dollars >= 0.0)
}
