//! Resuming an interrupted benchmark: finished and missing runs.

use std::collections::{BTreeMap, HashMap};

use super::types::{RowHead, Run, RunSummary, WarmupOutcome};
use endpoint::ModelRef;
use stats::Accumulator;

/// Results of earlier starts of the same plan for one model at one tier.
#[derive(Debug, Clone)]
pub struct FinishedRow {
    /// The model.
    pub model: ModelRef,
    /// The context tier, in tokens.
    pub context_tokens: u64,
    /// Outcome of the warm-up, if it ended.
    pub warmup: Option<WarmupOutcome>,
    /// The finished runs, in any order; numbers may be missing. Failed runs are included and are not repeated.
    /// Their chunk times are not needed.
    pub runs: Vec<Run>,
    /// The gaps between the chunks of the successful runs, ms; not needed with a `summary`.
    pub gaps_ms: Accumulator,
    /// Summary of the row, if all its runs were finished.
    pub summary: Option<RunSummary>,
}

/// All finished results of a plan.
#[derive(Debug)]
pub struct Finished(HashMap<(ModelRef, u64), Earlier>);

/// Finished results of one row, the runs by number.
#[derive(Debug, Default)]
pub struct Earlier {
    pub warmup: Option<WarmupOutcome>,
    pub runs: BTreeMap<u64, Run>,
    pub gaps_ms: Accumulator,
    pub summary: Option<RunSummary>,
}

impl Finished {
    /// Indexes `rows`, each planned with `planned` runs. Higher run numbers are ignored; of rows and runs that
    /// are there twice the last counts.
    pub fn new(rows: Vec<FinishedRow>, planned: u32) -> Self {
        let earlier = |FinishedRow { model, context_tokens, warmup, runs, gaps_ms, summary }| {
            let planned_ones =
                runs.into_iter().filter(|run: &Run| numbers(planned).contains(&run.run_number));
            let runs = planned_ones.map(|run| (run.run_number, run)).collect();
            ((model, context_tokens), Earlier { warmup, runs, gaps_ms, summary })
        };
        Self(rows.into_iter().map(earlier).collect())
    }

    /// Removes and returns the results of this row; empty if it was never started.
    pub fn take(&mut self, row: &RowHead) -> Earlier {
        let model = ModelRef { provider_key: row.provider_key.clone(), model_id: row.model_id.clone() };
        self.0.remove(&(model, row.context_tokens)).unwrap_or_default()
    }
}

impl Earlier {
    /// Returns the numbers of the missing runs, ascending.
    pub fn missing(&self, planned: u32) -> Vec<u64> {
        numbers(planned).filter(|number| !self.runs.contains_key(number)).collect()
    }
}

fn numbers(planned: u32) -> std::ops::RangeInclusive<u64> {
    1..=u64::from(planned)
}

#[cfg(test)]
mod tests;
