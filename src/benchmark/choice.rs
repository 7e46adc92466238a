//! Resolves the model names of a request. Pure.

use super::submission::BenchmarkRequest;
use crate::providers::listing::{ModelListing, ProviderListing};
use endpoint::ModelRef;

/// The reason why names cannot be resolved to models; one sentence with the solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("No model is named: choose at least one in `models` or `targets`.")]
    None,
    #[error("Models are named in `models` and in `targets`: use one of the two.")]
    Both,
    #[error("None of your models is called \"{0}\". Add it in Providers & models, or check the name.")]
    Unknown(String),
    #[error("\"{name}\" may mean {}. Name one of them.", .meant.join(" or "))]
    Ambiguous { name: String, meant: Vec<String> },
    #[error("{0} is chosen twice. Name each model once.")]
    Twice(ModelRef),
}

/// Returns the models of the request, in its order, without duplicates.
///
/// # Errors
/// Fails if a name matches no model or several, if there is no name, or if a name is repeated.
pub fn choose(request: &BenchmarkRequest, known: &[ProviderListing]) -> Result<Vec<ModelRef>, ChoiceError> {
    let chosen = match (request.models.as_slice(), request.targets.as_slice()) {
        ([], []) => return Err(ChoiceError::None),
        ([], targets) => targets.to_vec(),
        (names, []) => names.iter().map(|name| resolve(name, known)).collect::<Result<_, _>>()?,
        _ => return Err(ChoiceError::Both),
    };
    let mut seen = std::collections::HashSet::new();
    let twice = chosen.iter().find(|model| !seen.insert(*model)).cloned();
    twice.map_or(Ok(chosen), |model| Err(ChoiceError::Twice(model)))
}

/// The ways to match a name, most exact first; a later one is used only if the earlier ones match nothing.
const MATCHERS: [fn(&str, &ProviderListing, &ModelListing) -> bool; 3] = [is_pair, is_id, has_name];

fn resolve(name: &str, known: &[ProviderListing]) -> Result<ModelRef, ChoiceError> {
    let all = || known.iter().flat_map(|provider| provider.models.iter().map(move |model| (provider, model)));
    let fitting = |fits: fn(&str, &ProviderListing, &ModelListing) -> bool| {
        let fitting = all().filter(|(provider, model)| fits(name, provider, model));
        let fitting: Vec<_> = fitting.map(|(provider, model)| reference(provider, model)).collect();
        (!fitting.is_empty()).then_some(fitting)
    };
    match MATCHERS.into_iter().find_map(fitting).as_deref() {
        Some([one]) => Ok(one.clone()),
        Some(several) => Err(ChoiceError::Ambiguous {
            name: name.to_owned(),
            meant: several.iter().map(ToString::to_string).collect(),
        }),
        None => Err(ChoiceError::Unknown(name.to_owned())),
    }
}

fn reference(provider: &ProviderListing, model: &ModelListing) -> ModelRef {
    ModelRef { provider_key: provider.provider.key.clone(), model_id: model.model.id.clone() }
}

fn is_pair(name: &str, provider: &ProviderListing, model: &ModelListing) -> bool {
    name == reference(provider, model).to_string()
}

/// The id may have the provider's prefix.
fn is_id(name: &str, provider: &ProviderListing, model: &ModelListing) -> bool {
    let prefix = provider.model_prefix.as_deref();
    let bare = prefix.and_then(|prefix| name.strip_prefix(prefix)?.strip_prefix('/'));
    model.model.id == name || bare == Some(&*model.model.id)
}

fn has_name(name: &str, _: &ProviderListing, model: &ModelListing) -> bool {
    model.model.display_name == name || model.settings.aliases.iter().any(|alias| alias == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::settings::ModelSettings;
    use endpoint::{Model, ProviderKind};

    fn listing(kind: ProviderKind, models: &[(&str, &str, &str)]) -> ProviderListing {
        let model = |(id, name, alias): &(&str, &str, &str)| ModelListing {
            settings: ModelSettings { aliases: vec![(*alias).into()], ..ModelSettings::default() },
            ..ModelListing::for_test(Model { display_name: (*name).into(), ..Model::named(*id) })
        };
        ProviderListing {
            models: models.iter().map(model).collect(),
            model_prefix: Some("openai".into()),
            ..ProviderListing::for_test(kind, [])
        }
    }

    fn known() -> Vec<ProviderListing> {
        vec![
            listing(ProviderKind::Openai, &[("gpt-4o", "GPT-4o", "big"), ("mini", "Mini", "small")]),
            listing(ProviderKind::Openrouter, &[("gpt-4o", "GPT-4o", "x"), ("big", "Big", "y")]),
        ]
    }

    fn named(names: &[&str]) -> Result<Vec<String>, String> {
        let models = names.iter().map(|name| (*name).to_owned()).collect();
        let request = BenchmarkRequest { models, ..BenchmarkRequest::default() };
        let chosen = choose(&request, &known()).map_err(|error| error.to_string())?;
        Ok(chosen.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn finds_a_model_by_pair_id_name_and_alias() {
        for name in ["openai/mini", "mini", "Mini", "small"] {
            assert_eq!(named(&[name]), Ok(vec!["openai/mini".to_owned()]), "{name}");
        }
    }

    #[test]
    fn prefers_an_id_to_an_alias() {
        assert_eq!(named(&["big"]), Ok(vec!["openrouter/big".to_owned()]));
    }

    #[test]
    fn lists_the_choices_for_an_ambiguous_name() {
        let error = named(&["gpt-4o"]).unwrap_err();
        assert_eq!(error, "\"gpt-4o\" may mean openai/gpt-4o or openrouter/gpt-4o. Name one of them.");
        assert!(named(&["nothing"]).unwrap_err().contains("None of your models is called \"nothing\""));
        assert!(named(&["mini", "Mini"]).unwrap_err().contains("openai/mini is chosen twice"));
        assert_eq!(named(&[]), Err(ChoiceError::None.to_string()));
    }

    #[test]
    fn names_and_targets_exclude_each_other() {
        let target = ModelRef { provider_key: "openai".into(), model_id: "mini".into() };
        let request = BenchmarkRequest {
            models: vec!["mini".into()],
            targets: vec![target],
            ..BenchmarkRequest::default()
        };
        assert_eq!(choose(&request, &known()), Err(ChoiceError::Both));
    }
}
