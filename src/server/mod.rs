//! Assembly only: configuration, shared state, router, middleware, error to response.

pub mod config;
pub mod error;
mod health;
mod openapi;
mod router;
mod security;
#[cfg(test)]
mod tests;

use anyhow::Context;
use tokio::net::TcpListener;
use tracing::info;

use crate::database::Database;
use crate::live::Hub;
use crate::mock;
use crate::providers::service::ProviderService;
use crate::providers::store::ProviderStore;

pub use config::Config;
pub use router::{AppState, router};

/// Serves the app until Ctrl-C or SIGTERM; requests under way are answered first.
///
/// # Errors
/// When the database cannot be opened or the address is taken.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let listener = listen(&config).await?;
    let database = Database::open(config.database).await?;
    let demo = mock::start_demo().context("cannot start the demo model")?;
    let providers = ProviderService::new(ProviderStore::new(database.clone()));
    let hub = Hub::default();
    let app = router(AppState { options: config.leptos, hub, providers });
    info!("serving at http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(stop_signal()).await?;
    database.close().await;
    drop(demo);
    info!("stopped");
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.leptos.site_addr;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot serve at http://{address}; stop what is there, or choose another port with PORT=3100")
    })
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
