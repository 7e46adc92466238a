//! `llm-studio secret`: resets a lost secret.

use std::process::ExitCode;

use super::terminal::line_to_stdout;
use crate::accounts::secret::Secret;
use crate::database::Database;
use crate::server::{Storage, lock};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Reset a lost secret. The next start uses the configured secret or creates one.
    ///
    /// Accounts and results are kept. Everyone must sign in again and re-enter their API keys.
    Reset,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Reset => reset()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn reset() -> anyhow::Result<()> {
    let Storage { database, .. } = Storage::from_env();
    let _lock = lock(&database)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let database = Database::open(database).await?;
        Secret::reset(&database).await?;
        database.close().await;
        anyhow::Ok(())
    })?;
    line_to_stdout("Done. Start the server. Everyone must sign in again and re-enter their API keys.")?;
    Ok(())
}
