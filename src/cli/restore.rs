//! `llm-studio restore`: restores a backup into an empty data directory.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use super::terminal::line_to_stdout;
use crate::accounts::secret;
use crate::database::{Location, backup};
use crate::server::{Storage, lock};

/// Restores into `STUDIO_DATA`. Stop the server first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup file. A secret next to it, in FILE.secret, is restored too.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Storage { data_dir, database } = Storage::from_env();
    let Location::Sqlite(dir) = &database else {
        bail!(
            "DATABASE_URL is a PostgreSQL database. Restore it with pg_restore \
             --clean --if-exists --dbname=\"$DATABASE_URL\" FILE"
        )
    };
    let _lock = lock(&database)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(backup::restore(&args.from, dir))?;
    line_to_stdout(format_args!("Restored {} to {}.", args.from.display(), dir.display()))?;
    let (kept, secret) = (backup::beside(&args.from, "secret"), data_dir.join(secret::FILE_NAME));
    if kept.exists() && !secret.exists() {
        backup::copy_secret(&kept, &secret)?;
        line_to_stdout("The secret was restored too.")?;
    } else if !secret.exists() {
        line_to_stdout(format_args!(
            "Before starting the server, put its secret into {}, or set STUDIO_SECRET.",
            secret.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
