//! The parameter rules of providers, and the adjustment of a request's parameters.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::Refusals;
use crate::accounts::Session;
use crate::http::{AppError, Body};
use crate::providers::service::ProviderService;
use bench::types::Parameters;
use endpoint::registry::{self, AdjustmentAction, Requested, Resolved};
use endpoint::types::{Model, Protocol, ProviderKind};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Registry {
    /// By kind: its name and its parameters with type, bounds, default and support.
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

fn by_kind() -> Map<String, Value> {
    let described = ProviderKind::all().map(|facts| {
        let parameters = registry::parameters(facts.kind);
        (facts.key.to_owned(), json!({ "display_name": facts.display_name, "parameters": parameters }))
    });
    described.collect()
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Question {
    /// One of the user's providers, or a kind.
    provider_key: String,
    #[schema(min_length = 1, max_length = 256)]
    model_id: String,
    /// Under neutral or the provider's own names. `temperature` and `max_tokens` default to those of a
    /// benchmark.
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
    let usual = Parameters::default();
    let requested =
        Requested { max_tokens: usual.max_tokens, temperature: usual.temperature, params: &question.params };
    let resolved =
        registry::resolve(kind, protocol, &model.id, &model.skip_params, &model.params, &requested);
    Ok(Json(verdict(resolved)?))
}

async fn asked_about(
    service: &ProviderService,
    session: &Session,
    question: &Question,
) -> Result<(ProviderKind, Protocol, Model), AppError> {
    let unknown = || Model::named(&question.model_id);
    if let Ok(listing) = service.by_key(session.user_id(), &question.provider_key).await {
        let mut models = listing.models.into_iter().map(|listing| listing.model);
        let model = models.find(|model| model.id == question.model_id).unwrap_or_else(unknown);
        return Ok((listing.provider.kind, listing.provider.protocol, model));
    }
    let kind = ProviderKind::from_key(&question.provider_key).ok_or_else(|| {
        AppError::BadRequest(format!("There is no provider or kind \"{}\".", question.provider_key))
    })?;
    Ok((kind, kind.facts().protocol, unknown()))
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
    let preset = |name, temperature, top_p, top_k| json!({ "name": name, "params": { "temperature": temperature, "top_p": top_p, "top_k": top_k } });
    let presets = vec![preset("Qwen3 Coder 30B", 0.7, 0.8, 20), preset("GLM-4.7 Flash", 0.8, 0.6, 2)];
    Json(Seed { provider_defaults: by_kind(), model_overrides: Map::new(), presets })
}
