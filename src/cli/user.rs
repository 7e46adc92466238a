//! `llm-studio user`: administration of users by the server's operator.

use std::process::ExitCode;

use super::terminal::{line_to_stderr, line_to_stdout};
use crate::accounts::password_link_for;
use crate::database::Database;
use crate::server::{Storage, public_address};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Create a one-time password reset link (works while the server is running).
    ///
    /// The link is valid for 24 hours. `STUDIO_DATA` or `DATABASE_URL` select the database, as for the
    /// server.
    PasswordLink {
        /// The account's email address.
        email: String,
    },
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.action {
        Action::PasswordLink { email } => password_link(email)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn password_link(email: &str) -> anyhow::Result<()> {
    let address = public_address()?;
    let Storage { database, .. } = Storage::from_env();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let link = runtime.block_on(async {
        let database = Database::open_existing(database).await?;
        let link = password_link_for(database.clone(), email).await;
        database.close().await;
        anyhow::Ok(link?)
    })?;
    match address {
        Some(address) => line_to_stdout(address.join(&link.path())?)?,
        None => {
            line_to_stdout(link.path())?;
            line_to_stderr("Prepend the server's URL, or set APP_BASE_URL.");
        }
    }
    line_to_stderr("Valid for 24 hours, for one use.");
    Ok(())
}
