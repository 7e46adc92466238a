//! What the page of prompt templates calls.

use leptos::prelude::*;

use super::types::{Category, Template};

/// The product's templates and the user's own.
#[server]
pub async fn list_templates() -> Result<Vec<Template>, ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let prompts = expect_context::<super::service::PromptService>();
    prompts.list(session.user_id()).await.map_err(ServerFnError::new)
}

/// Keeps a template of the user; a new one (no `key`) is named after its label.
#[server]
pub async fn save_template(
    #[server(default)] key: String,
    label: String,
    category: Category,
    prompt: String,
) -> Result<(), ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let prompts = expect_context::<super::service::PromptService>();
    let key = if key.is_empty() { super::types::key_of(&label) } else { key };
    let template = Template { key, category, label, prompt, own: true };
    prompts.save(session.user_id(), &template).await.map_err(ServerFnError::new)
}

/// Deletes a template of the user.
#[server]
pub async fn delete_template(key: String) -> Result<(), ServerFnError> {
    let session = crate::accounts::Session::require()?;
    let prompts = expect_context::<super::service::PromptService>();
    prompts.delete(session.user_id(), &key).await.map_err(ServerFnError::new)
}
