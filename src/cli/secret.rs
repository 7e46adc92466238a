//! `llm-studio secret`: the way out when the secret is gone.

use std::process::ExitCode;

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
    /// Give up the secret of the database: the next start takes the one there is, or makes one.
    ///
    /// Accounts and results stay. Everybody signs in again, and stored API keys have to be entered
    /// again.
    Reset,
}

/// Runs the command to its end.
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
        Secret::give_up(&database).await?;
        database.close().await;
        anyhow::Ok(())
    })?;
    println!("Done. Start the server: everybody signs in again and enters their API keys again.");
    Ok(())
}
