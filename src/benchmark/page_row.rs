//! A row as the benchmark's page shows it. The page of an ended benchmark does not contain runs: they are
//! loaded per row on request.

mod short;

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use bench::types::{ResultRow, Run, TokenSource};

/// Properties of a row's runs that the page shows and the summary does not contain. `benchmark_rows` stores
/// them as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunNotes {
    /// Number of failed runs by reason.
    pub failures: BTreeMap<String, u64>,
    /// Whether the token counts of a successful run are estimated.
    pub estimated: bool,
}

impl RunNotes {
    /// Collects the notes on these runs.
    pub fn of(runs: &[Run]) -> Self {
        let mut failures = BTreeMap::new();
        for error in runs.iter().filter_map(|run| run.error.as_ref()) {
            *failures.entry(error.to_string()).or_default() += 1;
        }
        let estimated =
            runs.iter().any(|run| run.success && run.token_source == Some(TokenSource::Estimated));
        Self { failures, estimated }
    }
}

/// One model at one context size, with the notes on its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRow {
    /// Contains either all runs that its summary counts or none of them.
    #[serde(with = "short")]
    pub row: ResultRow,
    pub notes: RunNotes,
}

impl PageRow {
    /// Creates a row that contains its runs.
    pub fn with_runs(row: ResultRow) -> Self {
        Self { notes: RunNotes::of(&row.runs), row }
    }

    /// Removes the runs from the row.
    pub fn without_runs(self) -> Self {
        Self { row: ResultRow { runs: Vec::new(), ..self.row }, ..self }
    }

    /// Rounds the summaries to seven digits, as the browser receives them. The server renders the rounded
    /// values too: otherwise server and browser could sort almost equal rows differently.
    pub fn rounded(self) -> Self {
        Self { row: ResultRow { summary: short::rounded(&self.row.summary), ..self.row }, ..self }
    }

    /// Returns the number of finished runs, including failed ones.
    pub fn made(&self) -> u64 {
        self.summary.success_count + self.summary.error_count
    }

    /// Returns whether the row contains its runs; otherwise they have to be loaded.
    pub fn holds_runs(&self) -> bool {
        self.runs.len() as u64 == self.made()
    }
}

impl Deref for PageRow {
    type Target = ResultRow;

    fn deref(&self) -> &ResultRow {
        &self.row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::report::testing::{failed, row, run};

    #[test]
    fn a_row_without_runs_still_contains_its_failures() {
        let estimated = Run { token_source: Some(TokenSource::Estimated), ..run(1) };
        let with = PageRow::with_runs(row("openai", "a", 0, vec![estimated, failed(2), failed(3)]));
        assert!(with.holds_runs());
        let without = with.clone().without_runs();
        assert_eq!((without.holds_runs(), without.made(), without.runs.len()), (false, 3, 0));
        assert_eq!((&without.notes, &without.summary), (&with.notes, &with.summary));
        assert!(without.notes.estimated);
        assert_eq!(without.notes.failures, BTreeMap::from([("[rate_limited] slow down".to_owned(), 2)]));
    }

    #[test]
    fn failed_runs_do_not_mark_token_counts_as_estimated() {
        let guessed = Run { token_source: Some(TokenSource::Estimated), ..failed(1) };
        assert!(!RunNotes::of(&[guessed, run(2)]).estimated);
    }
}
