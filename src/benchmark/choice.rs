//! Resolves the model names of a request. Pure.

use super::submission::BenchmarkRequest;
use crate::providers::listing::{ModelListing, ProviderListing};
use endpoint::{ModelRef, litellm};

/// The reason why a name means no model; one sentence with the solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("No model is named: choose at least one in `models` or `targets`.")]
    None,
    #[error("None of your models is called \"{0}\". Add it in Providers & models, or check the name.")]
    Unknown(String),
}

/// A name of the request and the models that it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub models: Result<Vec<ModelRef>, ChoiceError>,
}

/// Returns the names of the request in its order. A name in `models` that several models have means all of them.
/// `targets` take precedence over `models`, as in the Python product.
///
/// # Errors
/// Fails if nothing is named.
pub fn choose(request: &BenchmarkRequest, known: &[ProviderListing]) -> Result<Vec<Named>, ChoiceError> {
    let targets = request.targets.iter().map(|target| named_target(target, known));
    let models = request.models.iter().map(|name| named_model(name, known));
    match (request.models.as_slice(), request.targets.as_slice()) {
        ([], []) => Err(ChoiceError::None),
        (_, []) => Ok(models.collect()),
        _ => Ok(targets.collect()),
    }
}

/// Whether there is such a model is checked later, with the provider.
fn named_target(target: &ModelRef, known: &[ProviderListing]) -> Named {
    let listing = known.iter().find(|listing| listing.provider.key == target.provider_key);
    let model = listing.and_then(|listing| Some(reference(listing, listing.find_model(&target.model_id)?)));
    Named { name: target.to_string(), models: Ok(vec![model.unwrap_or_else(|| target.clone())]) }
}

fn named_model(name: &str, known: &[ProviderListing]) -> Named {
    let found = MATCHERS.into_iter().map(|fits| fitting(name, known, fits)).find(|found| !found.is_empty());
    Named { name: name.to_owned(), models: found.ok_or_else(|| ChoiceError::Unknown(name.to_owned())) }
}

type Matcher = fn(&str, &ProviderListing, &ModelListing) -> bool;

fn fitting(name: &str, known: &[ProviderListing], fits: Matcher) -> Vec<ModelRef> {
    let all = known.iter().flat_map(|provider| provider.models.iter().map(move |model| (provider, model)));
    let fitting = all.filter(|(provider, model)| fits(name, provider, model));
    fitting.map(|(provider, model)| reference(provider, model)).collect()
}

/// The ways to match a name, most exact first; a later one is used only if the earlier ones match nothing.
const MATCHERS: [Matcher; 3] = [is_pair, is_id, has_name];

fn reference(provider: &ProviderListing, model: &ModelListing) -> ModelRef {
    ModelRef { provider_key: provider.provider.key.clone(), model_id: model.model.id.clone() }
}

fn is_pair(name: &str, provider: &ProviderListing, model: &ModelListing) -> bool {
    name == reference(provider, model).to_string()
}

/// The id may have a prefix of LiteLLM.
fn is_id(name: &str, provider: &ProviderListing, model: &ModelListing) -> bool {
    model.model.id == name
        || model.model.id == litellm::bare_id(&provider.provider, provider.model_prefix.as_deref(), name)
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
        let named = choose(&request, &known()).map_err(|error| error.to_string())?;
        let models = named.into_iter().map(|named| named.models.map_err(|error| error.to_string()));
        let models = models.collect::<Result<Vec<_>, _>>()?;
        Ok(models.concat().iter().map(ToString::to_string).collect())
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
    fn a_name_that_several_models_have_means_all() {
        let both = Ok(vec!["openai/gpt-4o".to_owned(), "openrouter/gpt-4o".to_owned()]);
        assert_eq!(named(&["gpt-4o"]), both);
        assert_eq!(named(&["GPT-4o"]), both);
        assert_eq!(named(&["openai/gpt-4o"]), Ok(vec!["openai/gpt-4o".to_owned()]));
        assert!(named(&["nothing"]).unwrap_err().contains("None of your models is called \"nothing\""));
        assert_eq!(named(&[]), Err(ChoiceError::None.to_string()));
    }

    #[test]
    fn targets_find_what_models_find_and_take_precedence() {
        let target = |model_id: &str| ModelRef { provider_key: "openai".into(), model_id: model_id.into() };
        let request = BenchmarkRequest {
            models: vec!["big".into()],
            targets: vec![target("mini"), target("openai/mini"), target("none")],
            ..BenchmarkRequest::default()
        };
        let named = choose(&request, &known()).unwrap();
        let models: Vec<_> = named.into_iter().flat_map(|named| named.models.unwrap()).collect();
        assert_eq!(models, [target("mini"), target("mini"), target("none")]);
    }
}
