//! `llm-studio user`: administration of users by the server's operator.

use std::process::ExitCode;

use anyhow::bail;
use secrecy::ExposeSecret;

use super::terminal::{line_to_stderr, line_to_stdout};
use crate::accounts::{Secret, password_link_for, setup_token_for};
use crate::database::Database;
use crate::server::{Storage, public_address};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the setup token, with which the first account becomes admin (works while the server is running).
    ///
    /// `STUDIO_DATA`, `DATABASE_URL` and `STUDIO_SECRET` select the database and the secret, as for the server.
    SetupToken,
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
        Action::SetupToken => setup_token()?,
        Action::PasswordLink { email } => password_link(email)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn setup_token() -> anyhow::Result<()> {
    let Storage { database, data_dir } = Storage::from_env();
    let secret =
        std::env::var("STUDIO_SECRET").ok().filter(|secret| !secret.trim().is_empty()).map(Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let token = runtime.block_on(async {
        let database = Database::open_existing(database).await?;
        let secret = Secret::load(secret.as_ref(), &data_dir, &database).await?;
        let token = setup_token_for(database.clone(), &secret).await;
        database.close().await;
        anyhow::Ok(token?)
    })?;
    let Some(token) = token else { bail!("this server has an admin already, so there is no setup token") };
    line_to_stdout(token.expose_secret())?;
    line_to_stderr("Enter it on the page “Create account”. It works once.");
    Ok(())
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
