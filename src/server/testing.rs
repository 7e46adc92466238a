//! The app's state for tests that go through the router.

use std::num::NonZeroUsize;
use std::sync::Arc;

use leptos::config::LeptosOptions;

use super::{AppState, Hosts};
use crate::accounts::{Accounts, Vault};
use crate::admin::AdminService;
use crate::benchmark::service::BenchmarkService;
use crate::database::{Database, testing};
use crate::http::client_ip::Proxies;
use crate::jobs::{self, JobService};
use crate::live::{Broadcaster, ConnectionLimiter, Hub};
use crate::prompts::service::PromptService;
use crate::providers::service::ProviderService;

/// Returns the state with an empty SQLite database, and that database.
pub async fn state() -> (AppState, Database) {
    let database = testing::sqlite().await;
    let options = LeptosOptions::builder().output_name("llm-studio").site_root("no-such-directory").build();
    let hub = Hub::default();
    let settings = jobs::Settings::new(jobs::Cluster::SingleProcess);
    let jobs = JobService::new(database.clone(), Broadcaster::local(hub.clone()), settings);
    let providers = ProviderService::new(database.clone(), Vault::random());
    let accounts = Accounts::quick(database.clone(), Arc::new(hub.clone()));
    let state = AppState {
        options,
        admin: AdminService::new(database.clone(), accounts.clone(), 2000),
        accounts,
        proxies: Proxies::default(),
        hosts: Hosts::new(None, Some("studio.example")).unwrap(),
        benchmarks: BenchmarkService::new(
            database.clone(),
            providers.clone(),
            jobs.clone(),
            NonZeroUsize::MIN,
        ),
        hub,
        connection_limiter: ConnectionLimiter::default(),
        jobs,
        prompts: PromptService::new(database.clone()),
        providers,
    };
    (state, database)
}
