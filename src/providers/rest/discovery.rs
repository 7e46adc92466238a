//! Model lists and health checks of providers.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Refusals;
use crate::accounts::Session;
use crate::http::{AppError, Query};
use crate::providers::listing::ProviderHealth;
use crate::providers::service::{ProviderError, ProviderService};

/// Parameters that LM Studio's MLX engine does not support.
const MLX_UNSUPPORTED: [&str; 4] = ["mirostat", "mirostat_eta", "mirostat_tau", "typical_p"];

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichProvider {
    provider_key: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Offer {
    models: Vec<OfferedModel>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OfferedModel {
    id: String,
    display_name: String,
    /// Tokens.
    context_window: Option<u64>,
    /// Tokens.
    max_output_tokens: Option<u64>,
}

/// List the models of a provider's API
///
/// Chat models only, in the provider's order. Does not add them.
#[utoipa::path(
    get, path = "/api/models/discover", tag = "discovery", params(WhichProvider),
    responses(
        (status = 200, body = Offer),
        (status = 502, description = "The provider's list could not be loaded; the body has the reason"),
        Refusals
    )
)]
pub(super) async fn discover(
    State(service): State<ProviderService>,
    session: Session,
    Query(which): Query<WhichProvider>,
) -> Result<Json<Offer>, AppError> {
    let models = service.discover(session.user_id(), &which.provider_key).await?;
    let models = models.into_iter().map(|model| OfferedModel {
        id: model.id,
        display_name: model.display_name,
        context_window: model.context_window,
        max_output_tokens: model.max_output_tokens,
    });
    Ok(Json(Offer { models: models.collect() }))
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Detected {
    /// Whether an LM Studio server responds.
    available: bool,
    models: Vec<DetectedModel>,
    /// `gguf`, `mlx`, `mixed` or `unknown`.
    backend_type: &'static str,
    mlx_unsupported_params: Vec<&'static str>,
    error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DetectedModel {
    id: String,
    compatibility_type: Option<String>,
}

/// Detect the backend of LM Studio
#[utoipa::path(
    get, path = "/api/lm-studio/detect", tag = "discovery", params(WhichProvider),
    responses((status = 200, body = Detected), Refusals)
)]
pub(super) async fn lm_studio(
    State(service): State<ProviderService>,
    session: Session,
    Query(which): Query<WhichProvider>,
) -> Result<Json<Detected>, AppError> {
    let models = match service.lm_studio(session.user_id(), &which.provider_key).await {
        Ok(found) => found.models,
        Err(error @ (ProviderError::Unlisted { .. } | ProviderError::Invalid(_))) => {
            return Ok(Json(Detected {
                available: false,
                models: Vec::new(),
                backend_type: "unknown",
                mlx_unsupported_params: Vec::new(),
                error: Some(error.to_string()),
            }));
        }
        Err(error) => return Err(error.into()),
    };
    let backend_type = backend_of(models.iter().map(|(_, format)| format.as_deref()));
    let has_mlx = matches!(backend_type, "mlx" | "mixed");
    Ok(Json(Detected {
        available: true,
        models: models
            .into_iter()
            .map(|(id, compatibility_type)| DetectedModel { id, compatibility_type })
            .collect(),
        backend_type,
        mlx_unsupported_params: if has_mlx { MLX_UNSUPPORTED.to_vec() } else { Vec::new() },
        error: None,
    }))
}

fn backend_of<'a>(formats: impl Iterator<Item = Option<&'a str>> + Clone) -> &'static str {
    let has = |wanted: &str| formats.clone().any(|format| format == Some(wanted));
    match (has("gguf"), has("mlx")) {
        (true, true) => "mixed",
        (true, false) => "gguf",
        (false, true) => "mlx",
        (false, false) => "unknown",
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthOfAll {
    providers: Vec<ProviderHealth>,
}

/// Check the health of providers
///
/// Requests the model list of each enabled provider, which is free. Requests are concurrent, with a timeout of
/// 10 seconds.
#[utoipa::path(
    get, path = "/api/health/providers", tag = "discovery",
    responses((status = 200, body = HealthOfAll), Refusals)
)]
pub(super) async fn health(
    State(service): State<ProviderService>,
    session: Session,
) -> Result<Json<HealthOfAll>, AppError> {
    Ok(Json(HealthOfAll { providers: service.health(session.user_id()).await? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_is_detected_by_the_models_formats() {
        for (formats, backend) in [
            (vec![Some("gguf"), None], "gguf"),
            (vec![Some("mlx")], "mlx"),
            (vec![Some("mlx"), Some("gguf")], "mixed"),
            (vec![None], "unknown"),
        ] {
            assert_eq!(backend_of(formats.into_iter()), backend);
        }
    }
}
