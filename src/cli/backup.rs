//! `llm-studio backup`: copies the database and, on request, the secret that its keys are encrypted with.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use super::terminal::line_to_stdout;
use crate::accounts::secret;
use crate::database::{Location, backup};
use crate::server::Storage;

/// Backs up the data directory `STUDIO_DATA`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to create. An existing file is never overwritten.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Also copy the secret, to FILE.secret. Anyone with both files can read the API keys.
    #[arg(long)]
    with_secret: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Storage { data_dir, database } = Storage::from_env();
    let Location::Sqlite(dir) = database else { bail!("{}", for_postgres(args)) };
    let secret = data_dir.join(secret::FILE_NAME);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(backup::back_up(&dir, &args.to))?;
    line_to_stdout(format_args!("Database saved to {}.", args.to.display()))?;
    if !secret.exists() {
        line_to_stdout(
            "API keys in it can only be decrypted with STUDIO_SECRET. Back up its value as well.",
        )?;
    } else if args.with_secret {
        let copy = backup::beside(&args.to, "secret");
        backup::copy_secret(&secret, &copy)?;
        line_to_stdout(format_args!(
            "Secret saved to {}. Anyone with both files can read the API keys.",
            copy.display()
        ))?;
    } else {
        line_to_stdout(format_args!(
            "API keys in it can only be read with the secret in {}: back it up as well, in another place.",
            secret.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn for_postgres(args: &Args) -> String {
    format!(
        "DATABASE_URL is a PostgreSQL database. Back it up with pg_dump \
         --format=custom --file={} \"$DATABASE_URL\", and back up STUDIO_SECRET or the secret file in STUDIO_DATA as well",
        args.to.display()
    )
}
