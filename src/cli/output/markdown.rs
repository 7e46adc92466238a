//! The table for documents and issues, with the same columns and notes as on the terminal.

use super::{columns, notes};
use bench::types::Report;

/// Renders a Markdown table with its notes as a list.
pub fn render(report: &Report) -> String {
    let warning = report.client.warning.iter().map(|warning| format!("Warning: {warning}"));
    let remarks: Vec<_> = notes::adjustments(report)
        .into_iter()
        .chain(notes::remarks(report))
        .chain([notes::client(&report.client)])
        .chain(warning)
        .map(|note| format!("- {}", escape(&note)))
        .collect();
    format!(
        "{}\n\n{}\n\n{}\n",
        notes::conditions(&report.parameters),
        columns::grid(report).markdown(),
        remarks.join("\n")
    )
}

/// Escapes text from outside: no markup, links or images.
pub fn escape(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | '`' | '*' | '[' | ']' | '<' | '|');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
