//! The command line: one file or directory per command.

mod backup;
mod bench;
mod compare;
mod config;
mod metrics;
mod mock;
mod output;
mod restore;
mod secret;
mod serve;
mod terminal;
mod user;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile_text_tests;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};

use terminal::line_to_stderr;

/// Every run failed, or the result could not be written.
pub const EXIT_FAILURE: u8 = 1;
/// Invalid input: flags, files, or nothing to do.
pub const EXIT_USAGE: u8 = 2;
/// A `--fail-if` condition matched.
pub const EXIT_THRESHOLD: u8 = 3;
/// Stopped by Ctrl-C: 128 plus the signal number, as in shells.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Benchmarks LLM endpoints: latency, throughput and cost.
#[derive(Debug, Parser)]
#[command(name = "llm-studio", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Back up the SQLite database (works while the server is running).
    Backup(backup::Args),
    Bench(Box<bench::Args>),
    Compare(compare::Args),
    /// Show an example of the configuration file.
    Config(config::Args),
    /// Serve a simulated LLM with exact timing, over all four protocols.
    Mock(mock::Args),
    /// Restore a backup into an empty data directory.
    Restore(restore::Args),
    /// Manage the encryption secret.
    Secret(secret::Args),
    /// Serve the web app.
    Serve(serve::Args),
    /// Manage web app users.
    User(user::Args),
}

/// Runs the command selected by the arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit_with(&error),
    };
    let outcome = match cli.command {
        Command::Backup(args) => backup::run(&args),
        Command::Bench(args) => bench::run(*args),
        Command::Compare(args) => compare::run(args),
        Command::Config(args) => config::run(args),
        Command::Mock(args) => mock::run(args),
        Command::Restore(args) => restore::run(&args),
        Command::Secret(args) => secret::run(&args),
        Command::Serve(args) => serve::run(args),
        Command::User(args) => user::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        line_to_stderr(format_args!("error: {error:#}"));
        ExitCode::from(EXIT_USAGE)
    })
}

/// Prints help and version in full, and errors in one line.
fn exit_with(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => {
            line_to_stderr(one_line(&error.to_string()));
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// Returns the first paragraph of clap's message and its tip, without usage and the hint to `--help`.
fn one_line(message: &str) -> String {
    let paragraphs = message.split("\n\n").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs
        .enumerate()
        .filter(|(index, text)| *index == 0 || text.starts_with("tip:"))
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    fn refusal(arguments: &[&str]) -> String {
        let words = ["llm-studio"].iter().chain(arguments);
        one_line(&Cli::try_parse_from(words).unwrap_err().to_string())
    }

    #[test]
    fn invalid_flags_are_reported_in_one_line() {
        let refusals = [
            refusal(&["bench", "--run", "3"]),
            refusal(&["bench", "--runs", "0"]),
            refusal(&["bench", "--runs", "21"]),
            refusal(&["bench", "--temperature", "2.5"]),
            refusal(&["bench", "--max-tokens", "many"]),
            refusal(&["bench", "--context-tiers", "0,x"]),
            refusal(&["bench", "--format", "xml"]),
            refusal(&["bench", "--concurrency", "0"]),
            refusal(&["bench", "--rate", "0"]),
            refusal(&["bench", "--rate", "-1"]),
            refusal(&["bench", "--rate", "NaN"]),
            refusal(&["bench", "--rate", "1e9"]),
            refusal(&["bench", "--duration", "0"]),
            refusal(&["bench", "--arrivals", "burst"]),
            refusal(&["bench", "--fail-if", "speed > 1"]),
            refusal(&["bench", "--timeout", "-1"]),
            refusal(&["bench", "--model-id", "m"]),
            refusal(&["compare", "a.json"]),
            refusal(&["benhc"]),
        ];
        for text in &refusals {
            assert!(text.starts_with("error: ") && !text.contains('\n') && !text.contains("Usage"), "{text}");
        }
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
