//! `GET /api/docs`: the API reference as an HTML page. It is rendered from the OpenAPI description and needs no
//! script and no external resources.

mod example;
mod fields;
mod page;
mod reading;
mod socket;

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse};
use leptos::config::LeptosOptions;
use leptos::prelude::{Owner, RenderHtml, provide_context};

use super::openapi::Published;

const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// API reference
#[utoipa::path(
    get, path = "/api/docs", tag = "server", security(()),
    responses((status = 200, description = "A page", body = String, content_type = "text/html"))
)]
pub async fn page(
    State(options): State<LeptosOptions>,
    Extension(Published(description)): Extension<Published>,
    parts: http::request::Parts,
) -> impl IntoResponse {
    let html = Owner::new().with(|| {
        provide_context(parts);
        page::document(options, reading::reference(&description)).to_html()
    });
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(format!("<!DOCTYPE html>{html}")))
}
