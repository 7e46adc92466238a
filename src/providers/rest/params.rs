//! The parameter rules of providers, and the adjustment of a request's parameters.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::Refusals;
use crate::accounts::Session;
use crate::http::{AppError, Body};
use crate::providers::service::{ProviderError, ProviderService};
use endpoint::litellm;
use endpoint::registry::{self, AdjustmentAction, ParamSpec, Requested, Resolved, Support};
use endpoint::types::{Model, Protocol, Provider, ProviderKind};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Registry {
    /// By kind: its name and its parameters with type, bounds, default and support, as a list in `parameters` and by
    /// name in `tier1` and `tier2`.
    #[schema(value_type = Object)]
    providers: Map<String, Value>,
}

/// List the parameter rules
#[utoipa::path(
    get, path = "/api/provider-params/registry", tag = "parameters",
    responses((status = 200, body = Registry), (status = 401, description = "Not signed in"))
)]
pub(super) async fn registry(_: Session) -> Json<Registry> {
    Json(Registry { providers: by_kind() })
}

/// Parameters that every provider has, in the words of the Python product; its second tier are all others.
const TIER1: [&str; 3] = ["temperature", "max_tokens", "stop"];

fn by_kind() -> Map<String, Value> {
    let described = ProviderKind::all().map(|facts| {
        let parameters = registry::parameters(facts.kind);
        let tier = |first: bool| {
            let of_tier = parameters.iter().filter(|spec| TIER1.contains(&spec.name) == first);
            of_tier.map(|spec| (spec.name.to_owned(), old_shape(spec))).collect::<Map<_, _>>()
        };
        let kind = json!({
            "display_name": facts.display_name, "parameters": parameters,
            "tier1": tier(true), "tier2": tier(false),
        });
        (facts.key.to_owned(), kind)
    });
    described.collect()
}

/// Describes a parameter as the Python product does: by name, with `supported`.
fn old_shape(spec: &ParamSpec) -> Value {
    let mut described = serde_json::to_value(spec).unwrap_or_default();
    described["supported"] = match spec.support {
        Support::Yes => true.into(),
        Support::No => false.into(),
        Support::Partial | Support::Unknown => "partial".into(),
    };
    described
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Question {
    /// One of the user's providers, or a kind. Missing or unknown: the kind that LiteLLM's prefix of the model id
    /// stands for, or `custom`, whose rules know nothing.
    #[serde(default)]
    provider_key: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    model_id: String,
    /// Under neutral or the provider's own names. Only these are judged: nothing is added.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Map<String, Value>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Verdict {
    /// Whether no parameter was dropped or clamped.
    valid: bool,
    has_warnings: bool,
    /// Each change with the requested value, the sent value and the reason.
    #[schema(value_type = Vec<Object>)]
    adjustments: Vec<Value>,
    warnings: Vec<String>,
    /// The parameters that are sent, under the provider's own names.
    #[schema(value_type = Object)]
    resolved_params: Map<String, Value>,
}

/// Validate parameters
///
/// Applies the rules of the provider and the model, and the user's settings of the model. Sends no request.
#[utoipa::path(
    post, path = "/api/provider-params/validate", tag = "parameters", request_body = Question,
    responses((status = 200, body = Verdict), Refusals)
)]
pub(super) async fn validate(
    State(service): State<ProviderService>,
    session: Session,
    Body(question): Body<Question>,
) -> Result<Json<Verdict>, AppError> {
    let (kind, protocol, model) = asked_about(&service, &session, &question).await?;
    let requested = Requested { max_tokens: None, temperature: None, params: &question.params };
    let resolved =
        registry::resolve(kind, protocol, &model.id, &model.skip_params, &model.params, &requested);
    Ok(Json(verdict(resolved)?))
}

async fn asked_about(
    service: &ProviderService,
    session: &Session,
    question: &Question,
) -> Result<(ProviderKind, Protocol, Model), ProviderError> {
    let id = &question.model_id;
    let key = question.provider_key.as_deref().unwrap_or_default();
    match service.by_key(session.user_id(), key).await {
        Ok(listing) => {
            let known = listing.find_model(id).map(|listing| listing.model.clone());
            let bare = || litellm::bare_id(&listing.provider, listing.model_prefix.as_deref(), id);
            let model = known.unwrap_or_else(|| Model::named(bare()));
            Ok((listing.provider.kind, listing.provider.protocol, model))
        }
        Err(ProviderError::UnknownProvider(_)) => {
            let route = id.split_once('/').and_then(|(route, _)| litellm::kind_of_route(route));
            let kind = ProviderKind::from_key(key).or(route).unwrap_or(ProviderKind::Custom);
            let facts = kind.facts();
            let provider = Provider::of_kind(kind, facts.base_url.unwrap_or_default());
            Ok((kind, facts.protocol, Model::named(litellm::bare_id(&provider, None, id))))
        }
        Err(error) => Err(error),
    }
}

fn verdict(resolved: Resolved) -> Result<Verdict, AppError> {
    let changes = |actions: &[AdjustmentAction]| {
        resolved.adjustments.iter().any(|adjustment| actions.contains(&adjustment.action))
    };
    let warned = resolved.adjustments.iter().filter(|adjustment| adjustment.action == AdjustmentAction::Warn);
    Ok(Verdict {
        valid: !changes(&[AdjustmentAction::Drop, AdjustmentAction::Clamp]),
        has_warnings: changes(&[AdjustmentAction::Warn]),
        warnings: warned.map(|adjustment| adjustment.reason.clone()).collect(),
        adjustments: resolved
            .adjustments
            .iter()
            .map(serde_json::to_value)
            .collect::<Result<_, _>>()
            .map_err(AppError::internal)?,
        resolved_params: resolved.params,
    })
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Seed {
    #[schema(value_type = Object)]
    provider_defaults: Map<String, Value>,
    /// Empty: rules of single models are applied by name and not listed.
    #[schema(value_type = Object)]
    model_overrides: Map<String, Value>,
    #[schema(value_type = Vec<Object>)]
    presets: Vec<Value>,
}

/// Get defaults for parameter settings
///
/// The rules by kind, and recommended presets of some models. Changes nothing.
#[utoipa::path(
    post, path = "/api/param-support/seed", tag = "parameters",
    responses((status = 200, body = Seed), (status = 401, description = "Not signed in"))
)]
pub(super) async fn seed(_: Session) -> Json<Seed> {
    let preset = |name, temperature, top_p, top_k| {
        let params = json!({ "temperature": temperature, "top_p": top_p, "top_k": top_k });
        let search_space = json!({ "temperature": [temperature], "top_p": [top_p], "top_k": [top_k] });
        json!({ "name": name, "params": params, "search_space": search_space })
    };
    let presets = vec![preset("Qwen3 Coder 30B", 0.7, 0.8, 20), preset("GLM-4.7 Flash", 0.8, 0.6, 2)];
    let mut provider_defaults = by_kind();
    for described in provider_defaults.values_mut() {
        let of = |tier: &str| described[tier].as_object().cloned().unwrap_or_default();
        let all = of("tier1").into_iter().chain(of("tier2"));
        let supported = all.filter(|(_, spec)| spec["supported"] != false).map(|(name, mut spec)| {
            spec["enabled"] = true.into();
            (name, spec)
        });
        described["params"] = Value::Object(supported.collect());
    }
    Json(Seed { provider_defaults, model_overrides: Map::new(), presets })
}
