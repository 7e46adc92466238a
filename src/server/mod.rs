//! Assembly only: configuration, shared state, router, middleware, error to response.

pub mod config;
mod docs;
pub mod error;
mod guard;
mod health;
mod lock;
pub mod openapi;
mod router;
mod security;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tracing::info;

use crate::accounts::Vault;
use crate::accounts::secret::Secret;
use crate::benchmark::service::BenchmarkService;
use crate::database::{Backend, Database};
use crate::jobs::{self, JobService};
use crate::live::{Hub, Relay};
use crate::mock;
use crate::providers::service::{EnvironmentKeys, ProviderService};

pub use config::{Config, Storage};
pub use lock::lock;
pub use router::{AppState, router};

/// What a job does just now may take this long to end when the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(60);

/// Serves the app until Ctrl-C or SIGTERM; requests and runs under way end first, within a limit.
///
/// # Errors
/// When the database cannot be opened or is served already, or the address is taken.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let listener = listen(&config).await?;
    let _lock = lock(&config.database)?;
    let database = Database::open(config.database).await?;
    let demo = mock::start_demo().context("cannot start the demo model")?;
    let given = std::env::var("STUDIO_SECRET").ok().map(SecretString::from);
    let secret = Secret::load(given.as_ref(), &config.data_dir, &database).await?;
    let providers = ProviderService::new(database.clone(), Vault::new(&secret))
        .with_demo(demo.address())
        .with_environment(EnvironmentKeys::find(|name| std::env::var(name).ok()));
    let hub = Hub::default();
    let relay = Relay::connect(&database, hub.clone()).await?;
    let jobs = JobService::new(database.clone(), relay, jobs::Settings::from_env(peers(&database))?);
    let benchmarks = BenchmarkService::new(database.clone(), providers.clone(), jobs.clone());
    jobs.start();
    let app = router(AppState {
        options: config.leptos,
        hub: hub.clone(),
        jobs: jobs.clone(),
        providers,
        benchmarks,
    });
    info!("serving at http://{}", listener.local_addr()?);
    axum::serve(listener.tap_io(without_delay), app).with_graceful_shutdown(stop_signal()).await?;
    jobs.drain(DRAIN_WITHIN).await;
    hub.disconnect_all();
    database.close().await;
    drop(demo);
    info!("stopped");
    Ok(())
}

fn peers(database: &Database) -> jobs::Peers {
    match database.backend() {
        Backend::Sqlite => jobs::Peers::Nobody,
        Backend::Postgres => jobs::Peers::OtherProcesses,
    }
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.leptos.site_addr;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot serve at http://{address}; stop what is there, or choose another port with PORT=3100")
    })
}

/// Sends what is written at once: small frames in a row must not wait for each other's receipt.
pub fn without_delay(stream: &mut TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::warn!("a connection may be slow: {error}");
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
