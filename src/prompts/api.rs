//! Server functions of the page of prompt templates.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::service::PromptService;
use super::types::{Category, Template};
#[cfg(feature = "ssr")]
use crate::accounts::Session;
#[cfg(feature = "ssr")]
use crate::http::into_server_fn_error;
#[cfg(feature = "ssr")]
use ui::form::submitted_text;

/// Returns the built-in templates and the user's own.
#[server]
pub async fn list_templates() -> Result<Vec<Template>, ServerFnError> {
    let (session, prompts) = Session::with::<PromptService>()?;
    prompts.list(session.user_id()).await.map_err(into_server_fn_error)
}

/// Saves a template of the user. A new one (no `key`) gets a key from its label.
#[server]
pub async fn save_template(
    #[server(default)] key: String,
    label: String,
    category: Category,
    prompt: String,
) -> Result<(), ServerFnError> {
    let (session, prompts) = Session::with::<PromptService>()?;
    let key = if key.is_empty() { super::types::key_of(&label) } else { key };
    let template = Template { key, category, label, prompt: submitted_text(&prompt), own: true };
    prompts.save(session.user_id(), &template).await.map_err(into_server_fn_error)
}

/// Deletes a template of the user.
#[server]
pub async fn delete_template(key: String) -> Result<(), ServerFnError> {
    let (session, prompts) = Session::with::<PromptService>()?;
    prompts.delete(session.user_id(), &key).await.map_err(into_server_fn_error)
}
