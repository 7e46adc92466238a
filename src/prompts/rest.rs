//! Prompt templates over HTTP.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::PromptService;
use super::types::{Category, Template};
use crate::accounts::Session;
use crate::http::{AppError, Body};

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
    #[schema(min_length = 1, max_length = 256)]
    label: String,
    #[serde(default)]
    category: Category,
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
        (status = 400, description = "The limit of templates is reached"),
        (status = 401, description = "Not signed in"),
        (status = 422, description = "A field is missing, malformed or out of bounds")
    )
)]
async fn save(
    State(prompts): State<PromptService>,
    session: Session,
    Body(new): Body<NewTemplate>,
) -> Result<Json<TemplateDone>, AppError> {
    let NewTemplate { key, label, category, prompt } = new;
    let template = Template { key: key.clone(), category, label, prompt, own: true };
    prompts.save(session.user_id(), &template).await?;
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
