//! The command line: one file a command.

mod bench;
mod compare;
mod mock;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Wrong input: bad flags, bad files, nothing to do.
pub const EXIT_USAGE: u8 = 2;
/// A `--fail-if` condition held.
pub const EXIT_THRESHOLD: u8 = 3;

/// Measures language models: how fast, how good at calling tools, at what cost.
#[derive(Debug, Parser)]
#[command(name = "llm-studio", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Benchmark models from the terminal.
    Bench(bench::Args),
    /// Compare two results files.
    Compare(compare::Args),
    /// Serve a simulated LLM with exact timing, over all four protocols.
    Mock(mock::Args),
    /// Serve the web app.
    Serve(serve::Args),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Bench(args) => bench::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Mock(args) => mock::run(args),
        Command::Serve(args) => serve::run(args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(EXIT_USAGE)
    })
}
