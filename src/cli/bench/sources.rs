//! Sources of models: the URL on the command line, the configuration file, or auto-detection: keys in the
//! environment, local servers, otherwise the built-in demo.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use futures::future::join_all;
use secrecy::SecretString;

use super::{
    POLICY,
    args::Args,
    select::{Origin, Source, has_name_like, some_of, wants_provider},
};
use crate::cli::{
    config::{Configured, EnvName, Key, Loaded, host_label, known_key, parse_base_url, resolve},
    output::printable,
};
use endpoint::{Model, Protocol, Provider, ProviderKind, catalog, discovery};

/// The sources that were found.
#[derive(Debug, Default)]
pub struct Found {
    pub sources: Vec<Source>,
    /// Notes for the user: which sources were used or skipped, and why.
    pub remarks: Vec<String>,
    /// The server of the demo models.
    pub demo: Option<mock::Handle>,
}

/// An endpoint whose models may have to be listed.
#[derive(Debug)]
struct Candidate {
    provider: Provider,
    key: Option<SecretString>,
    /// Empty: list them from the endpoint.
    models: Vec<Model>,
}

/// Finds the models that can be benchmarked and completes them with the catalog's data.
///
/// # Errors
/// If a requested source is not available, or none is.
pub async fn find(args: &Args, config: Option<&Loaded>) -> anyhow::Result<Found> {
    let configured = config.filter(|loaded| !loaded.file.providers.0.is_empty());
    let mut found = match (&args.base_url, configured) {
        (Some(address), _) => from_base_url(args, address).await?,
        (None, Some(loaded)) => from_file(args, loaded).await?,
        (None, None) => auto_detect(args).await?,
    };
    for source in &mut found.sources {
        for model in &mut source.models {
            catalog::complete(&source.provider, model);
        }
    }
    Ok(found)
}

/// `--base-url`: only this endpoint.
async fn from_base_url(args: &Args, address: &str) -> anyhow::Result<Found> {
    let base_url = parse_base_url(address).context("--base-url")?;
    let provider = provider_at(base_url, args.protocol);
    let key = key_for_address(args, &provider)?;
    let models = args.model_id.iter().map(Model::named).collect();
    let candidate = Candidate { provider, key, models };
    let sources = match ask(candidate).await {
        Ok(source) if source.origin == Origin::Listed && source.models.len() > 1 => bail!(
            "{} has several models, choose one with --model-id: {}",
            host_label(&source.provider.base_url),
            some_of(source.models.iter().map(|model| printable(&model.id)))
        ),
        Ok(source) => vec![source],
        Err(refusal) => bail!("{refusal}; set the model with --model-id"),
    };
    Ok(Found { sources, ..Found::default() })
}

/// Returns the provider that this host belongs to, otherwise a custom one.
fn provider_at(base_url: String, protocol: Option<Protocol>) -> Provider {
    let own = ProviderKind::all().find(|facts| !facts.local && facts.is_own_origin(&base_url));
    let facts = own.unwrap_or_else(|| ProviderKind::Custom.facts());
    let display_name = own.map_or_else(|| host_label(&base_url), |facts| facts.display_name.to_owned());
    Provider {
        key: facts.key.to_owned(),
        display_name,
        kind: facts.kind,
        protocol: protocol.unwrap_or(facts.protocol),
        base_url,
        headers: Vec::new(),
    }
}

/// Returns the key from the named variable, or the provider's usual key for its own host.
fn key_for_address(args: &Args, provider: &Provider) -> anyhow::Result<Option<SecretString>> {
    let key = match &args.api_key_env {
        Some(name) => {
            let name: EnvName = name.parse().map_err(anyhow::Error::msg).context("--api-key-env")?;
            Key::named(&name)
        }
        None => known_key(provider.kind.facts(), &provider.base_url),
    };
    match key {
        Key::Present(key) => Ok(Some(key)),
        Key::NotNeeded => Ok(None),
        Key::Missing(names) => bail!("the API key is missing: set {names} in the environment"),
    }
}

/// Returns the providers of the file.
async fn from_file(args: &Args, loaded: &Loaded) -> anyhow::Result<Found> {
    let configured = configured(&loaded.path, loaded)?;
    let all: Vec<Provider> = configured.iter().map(|entry| entry.provider.clone()).collect();
    if wants_demo(args, &all) {
        return demo();
    }
    check_requested(args, &all)?;
    let mut found = Found::default();
    let mut candidates = Vec::new();
    for Configured { provider, key, models } in configured {
        if !wants_provider(&args.provider, &provider, &all) {
            continue;
        }
        match key {
            Key::Missing(names) if args.provider.is_empty() => {
                found.remarks.push(format!("Skipped {}: {names} is not set", provider.key));
            }
            Key::Missing(names) => {
                bail!("{}: the API key is missing, set {names} in the environment", provider.key)
            }
            Key::Present(key) => candidates.push(Candidate { provider, key: Some(key), models }),
            Key::NotNeeded => candidates.push(Candidate { provider, key: None, models }),
        }
    }
    list_models(candidates, &mut found).await;
    ensure!(!found.sources.is_empty(), "nothing to benchmark: {}", joined(&found.remarks));
    Ok(found)
}

fn configured(path: &Path, loaded: &Loaded) -> anyhow::Result<Vec<Configured>> {
    let entries = loaded.file.providers.0.iter();
    entries
        .map(|(key, entry)| resolve(key, entry).with_context(|| format!("{}: {key}", path.display())))
        .collect()
}

/// Without a file: keys in the environment and local servers, otherwise the demo.
async fn auto_detect(args: &Args) -> anyhow::Result<Found> {
    if wants_demo(args, &[]) {
        return demo();
    }
    let keyed = discovery::keyed_providers(|name| std::env::var(name).ok());
    let local = if wants_cloud_only(args) { Vec::new() } else { discovery::local_servers(POLICY).await };
    let cloud = keyed.iter().map(|(provider, _)| provider.clone());
    let all: Vec<Provider> = cloud.chain(local.iter().map(|(provider, _)| provider.clone())).collect();
    if all.is_empty() && args.provider.is_empty() {
        return demo_as_fallback();
    }
    check_requested(args, &all)?;
    let wanted = |provider: &Provider| wants_provider(&args.provider, provider, &all);
    let mut found = Found::default();
    let keyed = keyed.into_iter().filter(|(provider, _)| wanted(provider));
    list_models(
        keyed.map(|(provider, key)| Candidate { provider, key: Some(key), models: Vec::new() }),
        &mut found,
    )
    .await;
    let local = local.into_iter().filter(|(provider, models)| wanted(provider) && !models.is_empty());
    let listed = |(provider, models)| Source { provider, key: None, models, origin: Origin::Listed };
    found.sources.extend(local.map(listed));
    ensure!(!found.sources.is_empty(), "nothing to benchmark: {}", joined(&found.remarks));
    let names = found.sources.iter().map(|source| source.provider.display_name.clone());
    found.remarks.insert(0, format!("No configuration file; found {}", some_of(names)));
    Ok(found)
}

fn demo_as_fallback() -> anyhow::Result<Found> {
    let mut found = demo()?;
    found.remarks.push(
        "No config, API keys or local servers found. Benchmarking the built-in demo (simulated numbers)."
            .to_owned(),
    );
    Ok(found)
}

fn wants_cloud_only(args: &Args) -> bool {
    let is_local = |name: &String| ProviderKind::from_key(name).is_none_or(|kind| kind.facts().local);
    !args.provider.is_empty() && !args.provider.iter().any(is_local)
}

/// `--provider demo` always works, whatever else is configured.
fn wants_demo(args: &Args, others: &[Provider]) -> bool {
    let key = ProviderKind::Demo.facts().key;
    matches!(args.provider.as_slice(), [only] if only == key)
        && others.iter().all(|provider| provider.key != key)
}

fn demo() -> anyhow::Result<Found> {
    let server = mock::start_demo().context("cannot start the built-in demo")?;
    let provider = mock::demo_provider(&server.base_url());
    let source = Source { provider, key: None, models: mock::demo_models(), origin: Origin::Listed };
    Ok(Found { sources: vec![source], remarks: Vec::new(), demo: Some(server) })
}

/// Checks that every `--provider` matches one of `all`.
fn check_requested(args: &Args, all: &[Provider]) -> anyhow::Result<()> {
    for name in &args.provider {
        if all.iter().any(|provider| has_name_like(provider, name)) {
            continue;
        }
        match ProviderKind::from_key(&name.to_lowercase()).map(ProviderKind::facts) {
            Some(facts) if facts.local => bail!(
                "{name} is not running at {}; start it, or set its URL with --base-url",
                facts.base_url.unwrap_or("its default URL")
            ),
            Some(facts) if !facts.key_env.is_empty() => {
                bail!("{name} is not available: set {} or configure it in a file", facts.key_env.join(" or "))
            }
            _ => bail!(
                "no provider matches \"{}\"; available: {}",
                printable(name),
                some_of(all.iter().map(|provider| provider.key.clone()))
            ),
        }
    }
    Ok(())
}

/// Lists the models of all endpoints concurrently. Endpoints that fail are skipped with a note.
async fn list_models(candidates: impl IntoIterator<Item = Candidate>, found: &mut Found) {
    for answer in join_all(candidates.into_iter().map(ask)).await {
        match answer {
            Ok(source) => found.sources.push(source),
            Err(refusal) => found.remarks.push(format!("Skipped {refusal}")),
        }
    }
}

/// Completes the candidate with the endpoint's own list if it names no models.
async fn ask(candidate: Candidate) -> Result<Source, String> {
    let Candidate { provider, key, models } = candidate;
    if !models.is_empty() {
        return Ok(Source { provider, key, models, origin: Origin::Named });
    }
    match discovery::list_models(POLICY, &provider, key.as_ref()).await {
        Ok(models) if models.is_empty() => Err(format!("{}: no models available", provider.key)),
        Ok(models) => Ok(Source { provider, key, models, origin: Origin::Listed }),
        Err(error) => {
            Err(format!("{}: cannot list its models, {}", provider.key, printable(&error.to_string())))
        }
    }
}

fn joined(remarks: &[String]) -> String {
    if remarks.is_empty() { "no provider is available".to_owned() } else { remarks.join("; ") }
}
