//! Assembly only: configuration, shared state, router, middleware, error to response.

#[cfg(test)]
mod authorization_tests;
pub mod config;
mod docs;
mod health;
mod lock;
pub mod openapi;
mod request_limits;
mod router;
mod security;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpStream};
use tracing::info;

use crate::accounts::{Accounts, Secret, Vault};
use crate::admin::AdminService;
use crate::benchmark::service::BenchmarkService;
use crate::database::{Backend, Database};
use crate::jobs::{self, JobService};
use crate::live::{Broadcaster, ConnectionLimiter, Hub};
use bench::tokenizer;

use crate::prompts::service::PromptService;
use crate::providers::service::{EnvironmentKeys, ProviderService};

pub use config::{Config, Storage, public_address};
pub use lock::lock;
pub use router::{AppState, router};

/// What a job does just now may take this long to end when the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(60);

/// How long a tokenizer's tables are kept for the next benchmark: they are most of the memory.
const TOKENIZERS_KEPT_FOR: Duration = Duration::from_secs(5 * 60);

/// Serves the app until Ctrl-C or SIGTERM; requests and runs under way end first, within a limit.
///
/// # Errors
/// When the database cannot be opened or is served already, or the address is taken.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let listener = listen(&config).await?;
    let _lock = lock(&config.database)?;
    let database = Database::open(config.database.clone()).await?;
    let demo = mock::start_demo().context("cannot start the demo model")?;
    let state = assemble(&config, &database, &demo).await?;
    let (jobs, hub) = (state.jobs.clone(), state.hub.clone());
    jobs.start();
    tokio::spawn(release_unused_tokenizers());
    tokio::spawn(update_statistics_daily(database.clone()));
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    info!("serving at http://{}", listener.local_addr()?);
    axum::serve(listener.tap_io(without_delay), app).with_graceful_shutdown(stop_signal()).await?;
    jobs.drain(DRAIN_WITHIN).await;
    hub.disconnect_all();
    database.close().await;
    drop(demo);
    info!("stopped");
    Ok(())
}

/// What handlers share, on this database. Jobs do not run yet.
async fn assemble(config: &Config, database: &Database, demo: &mock::Handle) -> anyhow::Result<AppState> {
    let secret = Secret::load(config.secret.as_ref(), &config.data_dir, database).await?;
    let hub = Hub::default();
    let providers = ProviderService::new(database.clone(), Vault::new(&secret))
        .with_demo(demo.address())
        .with_environment(EnvironmentKeys::find(|name| std::env::var(name).ok()));
    let accounts = accounts(database.clone(), &secret, hub.clone(), config.admin_email.as_deref())
        .await?
        .with_mail(config.post.clone())
        .with_oidc(config.federation.clone())
        .with_registration_hooks(vec![Box::new(providers.clone())]);
    let relay = Broadcaster::connect(database, hub.clone()).await?;
    let job_settings = jobs::Settings::from_env(peers(database))?;
    let admin = AdminService::new(database.clone(), accounts.clone(), job_settings.benchmarks_per_hour);
    let jobs = JobService::new(database.clone(), relay, job_settings);
    let benchmarks = BenchmarkService::new(database.clone(), providers.clone(), jobs.clone());
    Ok(AppState {
        options: config.leptos.clone(),
        hub,
        seats: seats(database),
        accounts,
        admin,
        proxies: config.proxies.clone(),
        jobs,
        prompts: PromptService::new(database.clone()),
        providers,
        benchmarks,
    })
}

fn peers(database: &Database) -> jobs::Cluster {
    match database.backend() {
        Backend::Sqlite => jobs::Cluster::SingleProcess,
        Backend::Postgres => jobs::Cluster::MultiProcess,
    }
}

fn seats(database: &Database) -> ConnectionLimiter {
    match database.backend() {
        Backend::Sqlite => ConnectionLimiter::default(),
        Backend::Postgres => ConnectionLimiter::shared(database),
    }
}

async fn update_statistics_daily(database: Database) {
    let mut days = tokio::time::interval(Duration::from_secs(24 * 60 * 60));
    // The first tick is at once, and opening the database has renewed them already.
    days.tick().await;
    loop {
        days.tick().await;
        if let Err(error) = database.update_statistics().await {
            tracing::warn!("the statistics of the database could not be renewed: {error}");
        }
    }
}

async fn release_unused_tokenizers() {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        tokenizer::release_unused(TOKENIZERS_KEPT_FOR);
    }
}

async fn accounts(
    database: Database,
    secret: &Secret,
    hub: Hub,
    admin_email: Option<&str>,
) -> anyhow::Result<Accounts> {
    let accounts = Accounts::new(database, secret, Arc::new(hub))?;
    match admin_email {
        Some(email) => accounts.with_admin(email).await.context("ADMIN_EMAIL cannot be used"),
        None => Ok(accounts),
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
