//! Renders a report as a table, JSON, CSV or Markdown.

mod columns;
mod csv;
mod figures;
mod grid;
mod markdown;
mod notes;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use bench::json::pretty as pretty_json;
pub use endpoint::printable::printable;
pub use figures::{NONE, dollars, measured, percent, whole};
pub use grid::{Align, Canvas, Cell, Column, Grid};
pub use markdown::escape as escape_markdown;
pub use notes::adjustment as adjustment_note;

use super::terminal::stdout_is_terminal;
use bench::types::{Report, ResultRow};

/// Output format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table with aligned columns and notes below.
    Table,
    /// The complete results file.
    Json,
    /// One line per run.
    Csv,
    /// A table for documents and issues.
    Markdown,
}

impl Format {
    /// Returns the format of a file's extension, if known.
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// Renders the report in this format, ending with a line break.
///
/// # Errors
/// If the report cannot be serialised.
pub fn render(report: &Report, format: Format, canvas: Canvas) -> anyhow::Result<String> {
    match format {
        Format::Table => Ok(table::render(report, canvas)),
        Format::Json => Ok(bench::json::report(report)?),
        Format::Csv => csv::render(report),
        Format::Markdown => Ok(markdown::render(report)),
    }
}

impl Canvas {
    /// Returns the canvas of stdout; without limits and styles if it is not a terminal.
    pub fn of_stdout() -> Self {
        // The width is 0 if the terminal's size is unknown.
        let width = comfy_table::Table::new().width().filter(|&width| width > 0);
        Self { width, styled: stdout_is_terminal() && wants_colour() }
    }

    /// Returns a canvas without limits and styles, for files.
    pub fn plain() -> Self {
        Self { width: None, styled: false }
    }
}

/// Returns whether to use styles: not with `NO_COLOR` (<https://no-color.org>) or a dumb terminal.
fn wants_colour() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}

/// Returns the label of a row: `openai/gpt-4o`, `openai/gpt-4o at 5,000 tokens`.
pub fn row_label(row: &ResultRow) -> String {
    label(&row.provider_key, &row.model_id, row.context_tokens)
}

/// Returns the label of a model at a context size.
pub fn label(provider_key: &str, model_id: &str, context_tokens: u64) -> String {
    let model = format!("{}/{}", printable(provider_key), printable(model_id));
    match context_tokens {
        0 => model,
        tokens => format!("{model} at {} tokens", whole(tokens)),
    }
}
