//! The router of the app.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use axum::routing::{any, get};
use axum::{Router, middleware};
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, file_and_error_handler_with_context, generate_route_list,
    site_pkg_dir_service, site_pkg_dir_service_route_path,
};
use tower::ServiceBuilder;
use tower_http::classify::ServerErrorsFailureClass;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use super::hosts::{Hosts, reject_unknown_hosts};
use super::request_limits::{self, RequestId, TimeLimits};
use super::{openapi, security};
use crate::accounts::Accounts;
use crate::accounts::form_error::keep_in_cookie;
use crate::accounts::middleware::{authenticate, guard_pages};
use crate::admin::AdminService;
use crate::app::{App, SignedInRoutes, shell};
use crate::benchmark::service::BenchmarkService;
use crate::http::AppError;
use crate::http::client_ip::{Proxies, resolve};
use crate::http::server_fn_status::reject_unreadable_arguments;
use crate::jobs::JobService;
use crate::live::{ConnectionLimiter, Hub, Live, socket};
use crate::prompts::service::PromptService;
use crate::providers::service::ProviderService;

/// The paths of the pages. Generated once, before anything is rendered, because Leptos suppresses resource
/// loading in the whole process meanwhile.
static PAGES: LazyLock<Vec<AxumRouteListing>> =
    LazyLock::new(|| [generate_route_list(App), generate_route_list(SignedInRoutes)].concat());

/// Returns the path of each page, with its parameters as `{name}`.
#[cfg(test)]
pub fn page_paths() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(AxumRouteListing::path)
}

const CACHE_FOREVER: &str = "public, max-age=31536000, immutable";

/// The state that handlers share.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    pub options: LeptosOptions,
    pub hub: Hub,
    pub connection_limiter: ConnectionLimiter,
    pub accounts: Accounts,
    pub admin: AdminService,
    pub proxies: Proxies,
    pub hosts: Hosts,
    pub jobs: JobService,
    pub prompts: PromptService,
    pub providers: ProviderService,
    pub benchmarks: BenchmarkService,
}

/// Builds the router of the whole app.
pub fn router(state: AppState) -> Router {
    let options = state.options.clone();
    let context = context_of(&state);
    let named = (state.hosts.clone(), state.proxies.clone());
    let shell_options = options.clone();
    let pages = Router::new()
        .leptos_routes_with_context(&state, PAGES.clone(), context.clone(), move || {
            shell(shell_options.clone())
        })
        .route_layer(middleware::from_fn(guard_pages))
        .route_layer(middleware::from_fn(reject_unreadable_arguments));
    Router::new()
        .merge(openapi::routes())
        .route("/api/{*path}", any(no_such_api))
        .route("/ws", get(socket::open).with_state(live(&state)))
        .merge(pages)
        .method_not_allowed_fallback(request_limits::method_not_allowed)
        .fallback(file_and_error_handler_with_context::<AppState, _>(context, shell))
        .layer(middleware::from_fn_with_state(state.accounts.clone(), authenticate))
        .layer(middleware::from_fn_with_state(state.accounts.clone(), keep_in_cookie))
        .merge(built_files(&options))
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn(request_limits::assign_request_id))
                .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(log_failure))
                .layer(middleware::from_fn(security::fixed_headers))
                .layer(CompressionLayer::new())
                .layer(middleware::from_fn(request_limits::catch_panic))
                .layer(middleware::from_fn_with_state(named, reject_unknown_hosts))
                .layer(middleware::from_fn_with_state(state.proxies.clone(), resolve))
                .layer(middleware::from_fn(security::csrf_protection))
                .layer(middleware::from_fn_with_state(TimeLimits::default(), request_limits::limit_time))
                .layer(middleware::from_fn(request_limits::limit_body))
                .layer(DefaultBodyLimit::disable()),
        )
        .with_state(state)
}

/// Creates the state of the WebSocket. The list of jobs is sent first.
fn live(state: &AppState) -> Live {
    Live::new(state.hub.clone(), Arc::new(state.jobs.clone()), Arc::new(state.accounts.clone()))
        .with_connection_limiter(state.connection_limiter.clone())
        .with_initial_state(Arc::new(state.jobs.clone()))
        .with_initial_state(Arc::new(state.benchmarks.initial_state()))
}

/// Provides the context of pages and server functions.
fn context_of(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
    let AppState { accounts, admin, jobs, prompts, providers, benchmarks, .. } = state.clone();
    move || {
        provide_context(accounts.clone());
        provide_context(admin.clone());
        provide_context(jobs.clone());
        provide_context(benchmarks.clone());
        provide_context(providers.clone());
        provide_context(prompts.clone());
        security::content_security_policy();
    }
}

/// Serves the site's scripts and styles. Files whose name contains a hash are cacheable indefinitely.
fn built_files(options: &LeptosOptions) -> Router<AppState> {
    let cache = if options.hash_files { CACHE_FOREVER } else { "no-cache" };
    let files = |cache| {
        ServiceBuilder::new()
            .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static(cache)))
            .service(site_pkg_dir_service(options))
    };
    Router::new()
        .route_service(&site_pkg_dir_service_route_path(options), files(cache))
        .route_service("/charts/{*path}", files(CACHE_FOREVER))
}

async fn no_such_api(request: Request) -> AppError {
    AppError::NotFound(format!("Not found: {} {}.", request.method(), request.uri().path()))
}

/// Logs a failed response as an error, except 502: then an endpoint of the user has failed.
fn log_failure(failure: ServerErrorsFailureClass, latency: Duration, _: &tracing::Span) {
    if matches!(failure, ServerErrorsFailureClass::StatusCode(StatusCode::BAD_GATEWAY)) {
        tracing::debug!(?latency, "an endpoint failed");
    } else {
        tracing::error!(?latency, "response failed: {failure}");
    }
}

/// Logs id, method and path only, because a query can contain secrets.
fn span(request: &Request) -> tracing::Span {
    let id = RequestId::of(request);
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}
