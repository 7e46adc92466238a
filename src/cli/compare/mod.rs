//! `llm-studio compare A.json B.json`: compares two results.

mod comparison;
mod show;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::output::{Canvas, pretty_json};
use super::terminal::to_stdout;
use bench::types::{Report, SCHEMA_VERSION};
use comparison::Comparison;

/// Compare two results files of `llm-studio bench`.
///
/// Rows are matched by provider, model and context tier. Differences of means are in percent of A with a 95 %
/// Welch interval; if it contains 0 there is no clear difference.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The baseline.
    #[arg(value_name = "A.json")]
    a: PathBuf,
    /// The result to compare with the baseline.
    #[arg(value_name = "B.json")]
    b: PathBuf,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    to_stdout(&render(&Comparison::of(&a, &b), args.format, Canvas::of_stdout())?)?;
    Ok(ExitCode::SUCCESS)
}

fn render(comparison: &Comparison, format: Format, canvas: Canvas) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table => show::table(comparison, canvas),
        Format::Markdown => show::markdown(comparison),
        Format::Json => pretty_json(comparison)?,
    })
}

/// Returns the comparison in all formats.
#[cfg(test)]
pub(super) fn rendered(a: &Report, b: &Report) -> [String; 3] {
    let comparison = Comparison::of(a, b);
    [Format::Table, Format::Json, Format::Markdown]
        .map(|format| render(&comparison, format, Canvas::plain()).unwrap())
}

/// Reads a results file.
///
/// # Errors
/// If it cannot be read, is not a results file, or has another schema version.
fn read(path: &Path) -> anyhow::Result<Report> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    parse(&text).with_context(|| format!("{name}"))
}

fn parse(text: &str) -> anyhow::Result<Report> {
    #[derive(Deserialize)]
    struct Versioned {
        schema_version: u32,
    }

    let Versioned { schema_version } = serde_json::from_str(text).context("not a llm-studio results file")?;
    ensure!(
        schema_version == SCHEMA_VERSION,
        "the file has schema version {schema_version}, this program reads version {SCHEMA_VERSION}"
    );
    serde_json::from_str(text).context("the file is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture;

    #[test]
    fn a_results_file_is_read_back() {
        let text = pretty_json(&fixture::report()).unwrap();
        assert_eq!(parse(&text).unwrap(), fixture::reread());
    }

    #[test]
    fn other_files_are_rejected_in_one_line() {
        let other_version = pretty_json(&fixture::report())
            .unwrap()
            .replace("\"schema_version\": 1", "\"schema_version\": 9");
        for (text, expected) in [
            ("", "not a llm-studio results file"),
            ("[1, 2]", "not a llm-studio results file"),
            ("{\"results\": []}", "not a llm-studio results file"),
            ("{\"schema_version\": 1}", "damaged"),
            (other_version.as_str(), "version 9"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        }
    }
}
