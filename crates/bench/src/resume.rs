//! Resuming an interrupted benchmark: finished and missing runs.

use std::collections::{BTreeMap, HashMap};

use super::types::{RowHead, Run, WarmupOutcome};
use endpoint::ModelRef;

/// Results of earlier starts of the same plan for one model at one tier.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRow {
    /// The model.
    pub model: ModelRef,
    /// The context tier, in tokens.
    pub context_tokens: u64,
    /// Outcome of the warm-up, if it ended.
    pub warmup: Option<WarmupOutcome>,
    /// The finished runs with their chunks, in any order; numbers may be missing. Failed runs are included and
    /// are not repeated.
    pub runs: Vec<Run>,
}

/// All finished results of a plan.
#[derive(Debug)]
pub struct Finished(HashMap<(ModelRef, u64), Earlier>);

/// Finished results of one row, by run number.
#[derive(Debug, Default)]
pub struct Earlier {
    pub warmup: Option<WarmupOutcome>,
    pub runs: BTreeMap<u64, Run>,
}

impl Finished {
    /// Indexes `rows`, each planned with `planned` runs. Higher run numbers are ignored; duplicates count once.
    pub fn new(rows: Vec<FinishedRow>, planned: u32) -> Self {
        let mut by_row = HashMap::<_, Earlier>::new();
        for FinishedRow { model, context_tokens, warmup, runs } in rows {
            let earlier = by_row.entry((model, context_tokens)).or_default();
            earlier.warmup = warmup.or(earlier.warmup.take());
            let planned_ones = runs.into_iter().filter(|run| numbers(planned).contains(&run.run_number));
            earlier.runs.extend(planned_ones.map(|run| (run.run_number, run)));
        }
        Self(by_row)
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
