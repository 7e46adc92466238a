//! Assembly only: configuration, shared state, router, middleware, error to response.

pub mod config;
pub mod database;
mod health;
mod router;
mod security;
#[cfg(test)]
mod tests;

use anyhow::Context;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::mock;
use crate::providers::service::{LOCAL_USER, ProviderService};
use crate::providers::store::ProviderStore;

pub use config::Config;
pub use router::{AppState, router};

/// Serves the app until Ctrl-C or SIGTERM; requests under way are answered first.
///
/// # Errors
/// When the database cannot be opened or the address is taken.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let listener = listen(&config).await?;
    let pool = database::open(&config.data_dir).await?;
    let providers = ProviderService::new(ProviderStore::new(pool.clone()));
    let demo = mock::start_demo().context("cannot start the demo model")?;
    let demo_provider = mock::demo_provider(&demo.base_url());
    providers.put(LOCAL_USER, &demo_provider, &mock::demo_models()).await?;
    tokio::spawn(look_for_providers(providers.clone()));

    let app = router(AppState { options: config.leptos, providers });
    info!("serving at http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(stop_signal()).await?;
    pool.close().await;
    info!("stopped");
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.leptos.site_addr;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot serve at http://{address}; stop what is there, or choose another port with PORT=3100")
    })
}

/// Runs beside the server, so that the first page does not wait for endpoints to answer.
async fn look_for_providers(providers: ProviderService) {
    if let Err(error) = providers.look(LOCAL_USER).await {
        warn!("looking for providers: {error}");
    }
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        return interrupt.await.unwrap_or_default();
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
