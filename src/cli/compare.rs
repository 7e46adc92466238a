//! `llm-studio compare`: compares two results files.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command to its end.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let _ = args;
    anyhow::bail!("not written yet")
}
