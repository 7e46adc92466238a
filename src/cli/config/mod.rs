//! The configuration file, and `llm-studio config`, which prints a commented example of it.
//!
//! The file lists endpoints and models; it never contains keys.

mod file;
mod resolve;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::terminal::to_stdout;

pub use file::{Defaults, EnvName, File, parse_protocol};
pub use resolve::{Configured, Key, host_label, known_key, parse_base_url, resolve};

/// A commented configuration that shows every field.
pub const EXAMPLE: &str = include_str!("../../../data/llm-studio.example.yaml");

const FILE_NAME: &str = "llm-studio.yaml";

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a commented example of the configuration file.
    Example,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Example => to_stdout(EXAMPLE)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A configuration and the path it was read from.
#[derive(Debug)]
pub struct Loaded {
    pub path: PathBuf,
    pub file: File,
}

/// Reads `named`, or the first of `./llm-studio.yaml` and `~/.config/llm-studio/config.yaml` that exists;
/// `None` if `named` is not set and neither exists.
///
/// # Errors
/// If the file cannot be read or is not a valid configuration. The message has file, line and column.
pub fn load(named: Option<&Path>) -> anyhow::Result<Option<Loaded>> {
    let Some(path) = named.map(Path::to_owned).or_else(usual_path) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    match File::parse(&text) {
        Ok(file) => Ok(Some(Loaded { path, file })),
        Err(error) => bail!("{}:{error}", path.display()),
    }
}

fn usual_path() -> Option<PathBuf> {
    [Some(PathBuf::from(FILE_NAME)), user_path()].into_iter().flatten().find(|path| path.is_file())
}

fn user_path() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))?;
    Some(base.join("llm-studio").join("config.yaml"))
}
