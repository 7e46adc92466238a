//! `llm-studio backup`: a copy of the database, and of the secret that its keys are sealed with.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::accounts::secret;
use crate::database::{Location, backup};
use crate::server::Storage;

/// What is backed up is in `STUDIO_DATA`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to create. An existing file is never overwritten.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Copy the secret too, to FILE.secret. Whoever has both can read the API keys in them.
    #[arg(long)]
    with_secret: bool,
}

/// Runs the command to its end.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Storage { data_dir, database } = Storage::from_env();
    let Location::Sqlite(dir) = database else { bail!("{}", for_postgres(args)) };
    let secret = data_dir.join(secret::FILE_NAME);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(backup::back_up(&dir, &args.to))?;
    println!("Database saved to {}.", args.to.display());
    if !secret.exists() {
        println!("API keys in it can only be decrypted with STUDIO_SECRET. Back up its value as well.");
    } else if args.with_secret {
        let copy = backup::beside(&args.to, "secret");
        backup::copy_secret(&secret, &copy)?;
        println!("Secret saved to {}. Anyone with both files can read the API keys.", copy.display());
    } else {
        println!(
            "API keys in it can only be read with the secret in {}: keep a copy of it as well, in another place.",
            secret.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn for_postgres(args: &Args) -> String {
    format!(
        "DATABASE_URL names a PostgreSQL database, which has a tool of its own for this: pg_dump \
         --format=custom --file={} \"$DATABASE_URL\"; keep STUDIO_SECRET, or the secret file in STUDIO_DATA, as well",
        args.to.display()
    )
}
