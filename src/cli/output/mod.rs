//! A report written out: as a table for people, as JSON, CSV or Markdown.

mod columns;
mod csv;
mod figures;
mod grid;
mod json;
mod markdown;
mod notes;
mod table;
#[cfg(test)]
mod tests;

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

pub use figures::{NONE, dollars, measured, percent, printable, whole};
pub use grid::{Align, Canvas, Cell, Column, Grid};
pub use json::pretty as pretty_json;
pub use markdown::escape as escape_markdown;
pub use notes::adjustment as adjustment_note;

use bench::types::{Report, ResultRow};

/// In which form a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: aligned columns, remarks below.
    Table,
    /// The results file, complete.
    Json,
    /// One line per run, columns named as on the measurement page.
    Csv,
    /// A table for documents and issues.
    Markdown,
}

impl Format {
    /// What a file's name asks for, where it does.
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// The report in this format, ending with a line break.
///
/// # Errors
/// When the report cannot be serialised.
pub fn render(report: &Report, format: Format, canvas: Canvas) -> anyhow::Result<String> {
    match format {
        Format::Table => Ok(table::render(report, canvas)),
        Format::Json => Ok(json::pretty(report)?),
        Format::Csv => csv::render(report),
        Format::Markdown => Ok(markdown::render(report)),
    }
}

/// Writes to stdout. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// When stdout cannot be written for any other reason.
pub fn to_stdout(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

impl Canvas {
    /// The terminal behind stdout; without limits and styles where there is none.
    pub fn of_stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        // A terminal that does not know its size says 0.
        let width = comfy_table::Table::new().width().filter(|&width| width > 0);
        Self { width, styled: is_terminal && wants_colour() }
    }

    /// No limits and no styles: for files.
    pub fn plain() -> Self {
        Self { width: None, styled: false }
    }
}

/// `NO_COLOR` (<https://no-color.org>) and dumb terminals switch all styling off.
fn wants_colour() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}

/// Names a row in a sentence: `openai/gpt-4o`, `openai/gpt-4o at 5,000 tokens`.
pub fn row_label(row: &ResultRow) -> String {
    label(&row.provider_key, &row.model_id, row.context_tokens)
}

/// Names a model at a tier in a sentence.
pub fn label(provider_key: &str, model_id: &str, context_tokens: u64) -> String {
    let model = format!("{}/{}", printable(provider_key), printable(model_id));
    match context_tokens {
        0 => model,
        tokens => format!("{model} at {} tokens", whole(tokens)),
    }
}
