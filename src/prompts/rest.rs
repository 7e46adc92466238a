//! Prompt templates over HTTP.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{PromptError, PromptService};
use super::types::{Category, Template};
use crate::accounts::Session;
use crate::http::{AppError, Body, BodyOr400};

const TAG: &str = "prompts";

pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PromptService: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list, save, delete))
}

#[derive(Debug, Serialize, ToSchema)]
struct TemplateBody {
    category: Category,
    label: String,
    prompt: String,
    /// Whether it is the user's own; the others are built in.
    own: bool,
}

/// List prompt templates
///
/// An object by key.
#[utoipa::path(
    get, path = "/api/config/prompts", tag = TAG,
    responses(
        (status = 200, body = BTreeMap<String, TemplateBody>),
        (status = 401, description = "Not signed in")
    )
)]
async fn list(
    State(prompts): State<PromptService>,
    session: Session,
) -> Result<Json<BTreeMap<String, TemplateBody>>, AppError> {
    let templates = prompts.list(session.user_id()).await?.into_iter();
    let by_key = templates.map(|Template { key, category, label, prompt, own }| {
        (key, TemplateBody { category, label, prompt, own })
    });
    Ok(Json(by_key.collect()))
}

#[derive(Debug, Deserialize, ToSchema)]
struct NewTemplate {
    #[schema(pattern = "^[a-zA-Z0-9_-]+$", max_length = 64)]
    key: String,
    /// Missing: the key.
    #[serde(default)]
    #[schema(max_length = 256)]
    label: Option<String>,
    /// `reasoning`, `code`, `creative`, `short_qa` or `general`; others are stored as `general`.
    #[serde(default)]
    category: Option<String>,
    #[schema(min_length = 1, max_length = 50_000)]
    prompt: String,
}

/// Confirmation of a change, with the template's key.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateDone {
    #[schema(example = "ok")]
    status: &'static str,
    key: String,
}

/// Save a prompt template
///
/// Replaces the user's template of the same key.
#[utoipa::path(
    post, path = "/api/config/prompts", tag = TAG, request_body = NewTemplate,
    responses(
        (status = 200, body = TemplateDone),
        (status = 400, description = "A field is missing, malformed or out of bounds, or the limit of templates is reached"),
        (status = 401, description = "Not signed in")
    )
)]
async fn save(
    State(prompts): State<PromptService>,
    session: Session,
    BodyOr400(new): BodyOr400<NewTemplate>,
) -> Result<Json<TemplateDone>, AppError> {
    let NewTemplate { key, label, category, prompt } = new;
    let label = label.filter(|label| !label.trim().is_empty()).unwrap_or_else(|| key.clone());
    let category = category.as_deref().map(Category::from_name).unwrap_or_default();
    let template = Template { key: key.clone(), category, label, prompt, own: true };
    prompts.save(session.user_id(), &template).await.map_err(|error| match error {
        PromptError::Invalid(sentence) => AppError::BadRequest(sentence),
        other => other.into(),
    })?;
    Ok(Json(TemplateDone { status: "ok", key }))
}

#[derive(Debug, Deserialize, ToSchema)]
struct WhichTemplate {
    key: String,
}

/// Delete a prompt template
#[utoipa::path(
    delete, path = "/api/config/prompts", tag = TAG, request_body = WhichTemplate,
    responses(
        (status = 200, body = TemplateDone),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The user has no such template"),
        (status = 422, description = "The key is missing")
    )
)]
async fn delete(
    State(prompts): State<PromptService>,
    session: Session,
    Body(which): Body<WhichTemplate>,
) -> Result<Json<TemplateDone>, AppError> {
    prompts.delete(session.user_id(), &which.key).await?;
    Ok(Json(TemplateDone { status: "ok", key: which.key }))
}
