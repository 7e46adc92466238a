//! Server functions for the form: available models and the last input.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::accounts::Session;
#[cfg(feature = "ssr")]
use crate::benchmark::service::{BenchmarkService, Unavailable};
use crate::benchmark::set_up::{ModelMenu, SetUpFields};
#[cfg(feature = "ssr")]
use crate::benchmark::submission::BenchmarkRequest;
#[cfg(feature = "ssr")]
use crate::http::into_server_fn_error;
use crate::prompts::Template;

/// The initial data of the form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetUp {
    pub menu: ModelMenu,
    pub fields: SetUpFields,
    pub templates: Vec<Template>,
}

/// Loads the form with the input of the benchmark `like`, else of the user's last one, else with defaults.
#[server]
pub async fn load_set_up(like: Option<String>) -> Result<SetUp, ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    let user = session.user_id();
    let providers = expect_context::<crate::providers::service::ProviderService>();
    let prompts = expect_context::<crate::prompts::service::PromptService>();
    let templates = prompts.list(user).await.map_err(into_server_fn_error)?;
    let menu = ModelMenu::of(&providers.list(user).await.map_err(into_server_fn_error)?);
    let asked = benchmarks.asked(user, like.as_deref()).await.map_err(into_server_fn_error)?;
    let fields = asked
        .map_or_else(|| menu.first_form(), |(targets, parameters)| menu.form_again(&parameters, &targets));
    Ok(SetUp { menu, fields, templates })
}

/// Starts a benchmark with the models and parameters of an earlier one and redirects to its page.
#[server]
pub async fn run_again(id: String) -> Result<(), ServerFnError> {
    let (session, benchmarks) = Session::with::<BenchmarkService>()?;
    let user = session.user_id();
    let earlier = benchmarks.page(user, &id).await.map_err(into_server_fn_error)?;
    let request = BenchmarkRequest::again(&earlier);
    let submitted = benchmarks.submit(user, &request, Unavailable::Refuse).await;
    let job = submitted.map_err(into_server_fn_error)?.job;
    crate::http::redirect(&format!("/benchmark/{}", job.id));
    Ok(())
}
