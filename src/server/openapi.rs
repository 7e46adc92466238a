//! The REST interface and its description: each room's routes, put together.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use super::AppState;
use crate::jobs;

#[derive(OpenApi)]
#[openapi(
    info(title = "LLM Benchmark Studio", description = "Measure language models: how fast, how good, at what cost."),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Description;

/// Says how requests prove whose they are.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Every REST route with its description. A room adds its own by a line here.
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Description::openapi()).merge(jobs::rest::routes())
}
