//! A row as the page of its benchmark shows it. Once a benchmark has ended, its page comes without runs:
//! they are loaded row by row, when somebody looks at them.

mod short;

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use bench::types::{ResultRow, Run, TokenSource};

/// What the page says of a row's runs that is not in their summary. `benchmark_rows` keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunNotes {
    /// Why runs failed, and how many of them for this reason.
    pub failures: BTreeMap<String, u64>,
    /// Whether the token counts of a successful run are estimated.
    pub estimated: bool,
}

impl RunNotes {
    /// The notes on these runs.
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

/// One model at one context size, with what there is to say of its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRow {
    /// Holds either all runs that its summary counts or none of them.
    #[serde(with = "short")]
    pub row: ResultRow,
    pub notes: RunNotes,
}

impl PageRow {
    /// The row with the runs that it holds.
    pub fn with_runs(row: ResultRow) -> Self {
        Self { notes: RunNotes::of(&row.runs), row }
    }

    /// The same row without its runs.
    pub fn without_runs(self) -> Self {
        Self { row: ResultRow { runs: Vec::new(), ..self.row }, ..self }
    }

    /// The same row with summaries of seven digits, as the browser gets them. The server shows these too:
    /// otherwise the browser could sort rows that are almost equal in another order than the page has them.
    pub fn rounded(self) -> Self {
        Self { row: ResultRow { summary: short::rounded(&self.row.summary), ..self.row }, ..self }
    }

    /// How many runs were made, failed ones included.
    pub fn made(&self) -> u64 {
        self.summary.success_count + self.summary.error_count
    }

    /// Whether the row holds its runs; otherwise they have to be loaded.
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
    fn a_row_without_its_runs_still_says_what_failed() {
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
    fn a_failed_run_does_not_make_the_counts_estimates() {
        let guessed = Run { token_source: Some(TokenSource::Estimated), ..failed(1) };
        assert!(!RunNotes::of(&[guessed, run(2)]).estimated);
    }
}
