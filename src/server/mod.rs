//! Assembles the server: configuration, shared state, router, middleware, start and stop.

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod authorization_tests;
pub mod config;
mod connections;
mod docs;
#[cfg(test)]
mod federation_tests;
mod health;
mod hosts;
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
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::accounts::{Accounts, FirstAccount, Secret, UserData, Vault};
use crate::admin::AdminService;
use crate::benchmark::service::BenchmarkService;
use crate::database::{Backend, Database, maintenance};
use crate::jobs::{self, JobService};
use crate::live::{Broadcaster, ConnectionLimiter, Hub};
use bench::tokenizer;

use crate::prompts::service::PromptService;
use crate::providers::service::{EnvironmentKeys, ProviderService};

pub use config::{Config, Storage, public_address};
pub use hosts::Hosts;
pub use lock::lock;
pub use router::{AppState, router};

/// A connection is closed if the headers of its next request are not complete after this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Time that WebSockets have to close when the server stops.
const SOCKET_CLOSE_TIMEOUT: Duration = Duration::from_secs(6);

/// Time that database connections have to close when the server stops.
const DATABASE_CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time that tokenizers are cached after their last use; they use most of the memory.
const TOKENIZERS_KEPT_FOR: Duration = Duration::from_secs(5 * 60);

/// Serves the app until Ctrl-C or SIGTERM. Then it stops accepting connections and starting jobs and lets
/// requests and runs in progress finish, within a limit. A second signal exits immediately.
///
/// # Errors
/// If the database cannot be opened or is in use by another server, or the address is in use.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let mut signals = StopSignals::new().context("cannot wait for signals")?;
    let listener = listen(&config).await?;
    let _lock = lock(&config.database)?;
    let database = Database::open(config.database.clone()).await?;
    let demo = mock::start_demo().context("cannot start the demo model")?;
    let state = assemble(&config, &database, &demo).await?;
    record_missing_ends(&state.benchmarks).await;
    state.benchmarks.fill_in_lists().await.context("cannot bring the lists of benchmarks up to date")?;
    let (jobs, hub) = (state.jobs.clone(), state.hub.clone());
    let stop = CancellationToken::new();
    jobs.start();
    tokio::spawn(stop.clone().run_until_cancelled_owned(delete_users(&state)));
    tokio::spawn(release_unused_tokenizers());
    tokio::spawn(maintenance::run(database.clone()));
    let root = format!("http://{}", listener.local_addr()?);
    print_setup_token(&state.accounts, &root).await.context("cannot make a setup token")?;
    info!("serving at {root}");
    let limits = connections::Limits { headers: HEADER_TIMEOUT, stop: config.stop_limit };
    let serve = connections::serve(listener, router(state), limits, stop.clone());
    let drain = async {
        signals.next().await;
        info!("stopping");
        stop.cancel();
        tokio::spawn(exit_at_next_signal(signals));
        jobs.drain(config.stop_limit).await;
    };
    tokio::join!(serve, drain);
    hub.disconnect_all();
    // Each socket closes with a code that makes its tab reconnect.
    if timeout(SOCKET_CLOSE_TIMEOUT, hub.all_closed()).await.is_err() {
        tracing::warn!("some WebSockets did not close in time and are dropped");
    }
    if timeout(DATABASE_CLOSE_TIMEOUT, database.close()).await.is_err() {
        tracing::warn!("a connection to the database is still in use and is dropped");
    }
    drop(demo);
    info!("stopped");
    Ok(())
}

/// Creates the state that handlers share. Does not start the job workers.
async fn assemble(config: &Config, database: &Database, demo: &mock::Handle) -> anyhow::Result<AppState> {
    let secret = Secret::load(config.secret.as_ref(), &config.data_dir, database).await?;
    let hub = Hub::default();
    let providers = ProviderService::new(database.clone(), Vault::new(&secret))
        .with_demo(demo.address())
        .with_environment(EnvironmentKeys::find(|name| std::env::var(name).ok()));
    let broadcaster = Broadcaster::connect(database, hub.clone()).await?;
    let accounts = accounts(database.clone(), &secret, broadcaster.clone(), config.admin_email.as_deref())
        .await?
        .with_first_account(first_account(config.leptos.site_addr))
        .with_mail(config.mail.clone())
        .with_oidc(config.oidc.clone())
        .with_registration_hooks(vec![Box::new(providers.clone())]);
    let job_settings = jobs::Settings::from_env(peers(database))?;
    let admin = AdminService::new(database.clone(), accounts.clone(), job_settings.benchmarks_per_hour);
    let jobs = JobService::new(database.clone(), broadcaster, job_settings);
    let benchmarks = BenchmarkService::new(
        database.clone(),
        providers.clone(),
        jobs.clone(),
        config.concurrent_benchmarks,
    );
    Ok(AppState {
        options: config.leptos.clone(),
        hub,
        connection_limiter: connection_limiter(database),
        accounts,
        admin,
        proxies: config.proxies.clone(),
        hosts: config.hosts.clone(),
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

fn connection_limiter(database: &Database) -> ConnectionLimiter {
    match database.backend() {
        Backend::Sqlite => ConnectionLimiter::default(),
        Backend::Postgres => ConnectionLimiter::shared(database),
    }
}

async fn record_missing_ends(benchmarks: &BenchmarkService) {
    match benchmarks.record_missing_ends().await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "recorded the end of benchmarks whose jobs had ended"),
        Err(error) => tracing::warn!("cannot look for benchmarks whose jobs have ended: {error}"),
    }
}

/// Deletes what deleted users leave behind, for as long as the server runs.
fn delete_users(state: &AppState) -> impl Future<Output = ()> + use<> {
    let accounts = state.accounts.clone();
    // What runs is stopped before its results go.
    let modules: [Arc<dyn UserData>; 2] = [Arc::new(state.jobs.clone()), Arc::new(state.benchmarks.clone())];
    async move { accounts.deletion_loop(&modules).await }
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
    broadcaster: Broadcaster,
    admin_email: Option<&str>,
) -> anyhow::Result<Accounts> {
    let accounts = Accounts::new(database, secret, Arc::new(broadcaster))?;
    match admin_email {
        Some(email) => accounts.with_admin(email).await.context("ADMIN_EMAIL is invalid"),
        None => Ok(accounts),
    }
}

/// Others than the users of this machine may be first where the server listens for other machines.
fn first_account(listens_on: SocketAddr) -> FirstAccount {
    if listens_on.ip().is_loopback() { FirstAccount::OnThisMachine } else { FirstAccount::WithToken }
}

/// Prints the setup token, if the first admin needs one.
#[expect(clippy::print_stderr, reason = "no user and no endpoint gives any of this text")]
async fn print_setup_token(accounts: &Accounts, root: &str) -> anyhow::Result<()> {
    if let Some(token) = accounts.setup_token_to_print().await? {
        eprintln!(
            "\nThis server has no admin yet. Create the admin account at {root}/register with the setup token\n\n    {}\n\n\
             It works once. `llm-studio user setup-token` prints it again.\n",
            token.expose_secret()
        );
    }
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.leptos.site_addr;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on http://{address}; stop the process that uses it, or choose another port with PORT=3100")
    })
}

/// The signals that ask the process to end: SIGINT (Ctrl-C) and SIGTERM.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Exits at the next signal; work in progress is lost as with `kill -9`.
async fn exit_at_next_signal(mut signals: StopSignals) {
    signals.next().await;
    tracing::warn!("second signal received, exiting immediately");
    std::process::exit(1);
}
