//! `llm-studio serve`: serves the web app.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use super::terminal::log_to_stdout;
use crate::server::{self, Config};

/// Address and directories are set in `Leptos.toml` and the environment: `PORT`, `LEPTOS_SITE_ADDR`,
/// `STUDIO_DATA`, `RUST_LOG`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_: Args) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(log_to_stdout).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(server::serve(Config::load()?))?;
    Ok(ExitCode::SUCCESS)
}
