//! Selects the models to benchmark.

use anyhow::{bail, ensure};
use secrecy::SecretString;

use super::POLICY;
use crate::cli::output::printable;
use bench::Target;
use endpoint::{Model, Provider, ProviderKind};

/// Maximum number of models named in an error, or selected from an endpoint's own list.
const MAX_LISTED: usize = 12;

/// An endpoint that can be measured.
#[derive(Debug, Clone)]
pub struct Source {
    pub provider: Provider,
    pub key: Option<SecretString>,
    pub models: Vec<Model>,
    /// The origin of `models`.
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Named by the user.
    Named,
    /// Listed by the endpoint; there may be hundreds.
    Listed,
}

/// The selected models, and notes for the user.
#[derive(Debug, Default)]
pub struct Selection {
    pub targets: Vec<Target>,
    pub remarks: Vec<String>,
}

/// Returns whether `provider` matches one of `wanted`, or `wanted` is empty. An exact key takes precedence over
/// a partial match: `openai` does not match `openai_eu` too.
pub fn wants_provider<'a>(
    wanted: &[String],
    provider: &Provider,
    all: impl IntoIterator<Item = &'a Provider> + Clone,
) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|name| {
            let exact = |provider: &Provider| provider.key.eq_ignore_ascii_case(name);
            let someone_is_exact = all.clone().into_iter().any(exact);
            if someone_is_exact { exact(provider) } else { has_name_like(provider, name) }
        })
}

/// Returns whether `name` is part of the provider's key or display name.
pub fn has_name_like(provider: &Provider, name: &str) -> bool {
    contains(&provider.key, name) || contains(&provider.display_name, name)
}

/// Selects the models whose id or name contains one of `wanted`. If `wanted` is empty, selects every named
/// model and one model of each endpoint that listed its own.
///
/// # Errors
/// If a name matches nothing, or too many listed models.
pub fn select(sources: &[Source], wanted: &[String]) -> anyhow::Result<Selection> {
    for text in wanted {
        ensure!(
            sources.iter().flat_map(|source| &source.models).any(|model| is_like(model, text)),
            "no model matches \"{}\"; available: {}",
            printable(text),
            some_of(
                sources.iter().flat_map(|source| source.models.iter().map(|model| qualified(source, model)))
            )
        );
    }
    let mut selection = Selection::default();
    for source in sources {
        let models =
            if wanted.is_empty() { unasked(source, &mut selection.remarks) } else { asked(source, wanted)? };
        selection.targets.extend(models.into_iter().map(|model| source.target(model)));
    }
    ensure!(!selection.targets.is_empty(), "no models to benchmark");
    Ok(selection)
}

impl Source {
    fn target(&self, model: &Model) -> Target {
        Target {
            provider: self.provider.clone(),
            key: self.key.clone(),
            model: model.clone(),
            policy: POLICY,
        }
    }
}

fn asked<'a>(source: &'a Source, wanted: &[String]) -> anyhow::Result<Vec<&'a Model>> {
    let found: Vec<_> =
        source.models.iter().filter(|model| wanted.iter().any(|text| is_like(model, text))).collect();
    if source.origin == Origin::Listed && found.len() > MAX_LISTED {
        bail!(
            "{} models of {} match; select fewer with --model: {}",
            found.len(),
            source.provider.key,
            some_of(found.iter().map(|model| printable(&model.id)))
        );
    }
    Ok(found)
}

fn unasked<'a>(source: &'a Source, remarks: &mut Vec<String>) -> Vec<&'a Model> {
    if source.origin == Origin::Named || source.models.len() == 1 {
        return source.models.iter().collect();
    }
    let choice = default_model(source);
    if let Some(model) = choice {
        remarks.push(format!(
            "Using {} (1 of {} models of {}). Choose others with --model.",
            printable(&model.id),
            source.models.len(),
            source.provider.display_name
        ));
    }
    choice.into_iter().collect()
}

/// Returns a small, current, cheap model of the provider if one is known, otherwise the first in its list.
fn default_model(source: &Source) -> Option<&Model> {
    let preferred: &[&str] = match source.provider.kind {
        ProviderKind::Openai => &["gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini"],
        ProviderKind::Anthropic => &["claude-haiku-4-5", "claude-3-5-haiku"],
        ProviderKind::Gemini => &["gemini-2.5-flash", "gemini-2.0-flash"],
        ProviderKind::Cohere => &["command-r7b", "command-r"],
        ProviderKind::Mistral => &["mistral-small-latest"],
        ProviderKind::Deepseek => &["deepseek-chat"],
        ProviderKind::Xai => &["grok-4-fast-non-reasoning", "grok-3-mini"],
        ProviderKind::Openrouter => &["openai/gpt-4o-mini"],
        ProviderKind::Groq => &["llama-3.1-8b-instant"],
        ProviderKind::Together => &["meta-llama/Llama-3.3-70B-Instruct-Turbo"],
        ProviderKind::Demo => &["demo-fast"],
        _ => &[],
    };
    let named = |name: &&str| {
        let exact = source.models.iter().find(|model| model.id == *name);
        exact.or_else(|| source.models.iter().find(|model| model.id.starts_with(name)))
    };
    preferred.iter().find_map(named).or_else(|| source.models.first())
}

fn is_like(model: &Model, text: &str) -> bool {
    contains(&model.id, text) || contains(&model.display_name, text)
}

fn contains(haystack: &str, needle: &str) -> bool {
    haystack.to_lowercase().contains(&needle.to_lowercase())
}

fn qualified(source: &Source, model: &Model) -> String {
    format!("{}/{}", source.provider.key, printable(&model.id))
}

/// `a, b, c and 40 more`.
pub fn some_of(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    let shown = names.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "none".to_owned(),
        n if n > MAX_LISTED => format!("{shown} and {} more", n - MAX_LISTED),
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: ProviderKind, origin: Origin, ids: &[&str]) -> Source {
        let facts = kind.facts();
        Source {
            provider: Provider {
                key: facts.key.into(),
                display_name: facts.display_name.into(),
                kind,
                protocol: facts.protocol,
                base_url: facts.base_url.unwrap_or("http://h").into(),
                headers: Vec::new(),
            },
            key: None,
            models: ids.iter().map(|id| Model::named(*id)).collect(),
            origin,
        }
    }

    fn chosen(sources: &[Source], wanted: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = wanted.iter().map(|text| (*text).to_owned()).collect();
        let targets = select(sources, &wanted).unwrap().targets;
        targets.iter().map(|target| format!("{}/{}", target.provider.key, target.model.id)).collect()
    }

    #[test]
    fn every_named_model_is_measured() {
        let sources = [
            source(ProviderKind::Openai, Origin::Named, &["a", "b"]),
            source(ProviderKind::Groq, Origin::Named, &["a"]),
        ];
        assert_eq!(chosen(&sources, &[]), ["openai/a", "openai/b", "groq/a"]);
    }

    #[test]
    fn part_of_the_name_matches_case_insensitively() {
        let sources = [
            source(ProviderKind::Openai, Origin::Named, &["gpt-4o", "o3"]),
            source(ProviderKind::Groq, Origin::Named, &["llama"]),
        ];
        assert_eq!(chosen(&sources, &["GPT"]), ["openai/gpt-4o"]);
        assert_eq!(chosen(&sources, &["o3", "lla"]), ["openai/o3", "groq/llama"]);
    }

    #[test]
    fn a_name_that_matches_nothing_lists_the_available_models() {
        let sources = [source(ProviderKind::Openai, Origin::Named, &["gpt-4o", "o3"])];
        let error = select(&sources, &["gpt".into(), "claude".into()]).unwrap_err().to_string();
        assert!(error.contains("claude") && error.contains("openai/gpt-4o, openai/o3"), "{error}");
    }

    #[test]
    fn of_a_long_list_one_cheap_model_is_selected_and_reported() {
        let listed = source(
            ProviderKind::Openai,
            Origin::Listed,
            &["whisper-1", "gpt-4o", "gpt-4o-mini-2024", "gpt-4o-mini"],
        );
        let selection = select(&[listed], &[]).unwrap();
        assert_eq!(selection.targets[0].model.id, "gpt-4o-mini");
        assert_eq!((selection.targets.len(), selection.remarks.len()), (1, 1));
        assert!(selection.remarks[0].contains("4 models") && selection.remarks[0].contains("--model"));
    }

    #[test]
    fn of_an_unknown_list_the_first_model_is_selected() {
        let listed = source(ProviderKind::Ollama, Origin::Listed, &["qwen3:0.6b", "llama3"]);
        assert_eq!(chosen(&[listed], &[]), ["ollama/qwen3:0.6b"]);
    }

    #[test]
    fn a_name_that_matches_too_many_models_is_rejected() {
        let ids: Vec<_> = (0..60).map(|n| format!("gpt-{n}")).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let error =
            select(&[source(ProviderKind::Openai, Origin::Listed, &ids)], &["gpt".into()]).unwrap_err();
        assert!(error.to_string().contains("and 48 more"), "{error}");
    }

    #[test]
    fn an_exact_key_takes_precedence_over_a_part() {
        let openai = source(ProviderKind::Openai, Origin::Named, &[]).provider;
        let router = source(ProviderKind::Openrouter, Origin::Named, &[]).provider;
        let europe = Provider { key: "openai_eu".into(), ..openai.clone() };
        let all = [&openai, &router, &europe];
        let found = |wanted: &str| -> Vec<&str> {
            let wanted = [wanted.to_owned()];
            all.iter().filter(|p| wants_provider(&wanted, p, all)).map(|p| p.key.as_str()).collect()
        };
        assert_eq!(found("OpenAI"), ["openai"]);
        assert_eq!(found("open"), ["openai", "openrouter", "openai_eu"]);
        assert!(found("cohere").is_empty());
    }
}
