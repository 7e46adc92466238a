//! The table for terminals.

use super::{columns, grid::Canvas, notes, printable};
use bench::types::Report;

/// Renders conditions and adjusted parameters, the table, and the notes below.
pub fn render(report: &Report, canvas: Canvas) -> String {
    let mut lines = vec![notes::conditions(&report.parameters)];
    lines.extend(notes::adjustments(report));
    lines.push(String::new());
    lines.push(columns::grid(report).draw(canvas));
    lines.push(String::new());
    lines.extend(notes::remarks(report));
    lines.push(notes::client(&report.client));
    lines.extend(report.client.warning.iter().map(|warning| format!("Warning: {}", printable(warning))));
    lines.join("\n") + "\n"
}
