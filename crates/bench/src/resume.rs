//! Going on with a benchmark that was interrupted: what is there already, and what is missing.

use std::collections::{BTreeMap, HashMap};

use super::types::{RowHead, Run, WarmupOutcome};
use endpoint::ModelRef;

/// What earlier starts of the same plan have finished of one model at one tier.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRow {
    pub model: ModelRef,
    pub context_tokens: u64,
    pub warmup: Option<WarmupOutcome>,
    /// Whole, with their chunks, failed ones included: a failed run is not made again. In any order,
    /// with any holes.
    pub runs: Vec<Run>,
}

/// All that is finished of a plan.
#[derive(Debug)]
pub struct Finished(HashMap<(ModelRef, u64), Earlier>);

/// What is finished of one row, by run number.
#[derive(Debug, Default)]
pub struct Earlier {
    pub warmup: Option<WarmupOutcome>,
    pub runs: BTreeMap<u64, Run>,
}

impl Finished {
    /// Sorts `rows`, of which each was to have `planned` runs. A number beyond that is left out, one
    /// that is there twice counts once.
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

    /// Hands out what is finished of this row; nothing where it was never begun.
    pub fn take(&mut self, row: &RowHead) -> Earlier {
        let model = ModelRef { provider_key: row.provider_key.clone(), model_id: row.model_id.clone() };
        self.0.remove(&(model, row.context_tokens)).unwrap_or_default()
    }
}

impl Earlier {
    /// The numbers of the runs that are still to be made, ascending.
    pub fn missing(&self, planned: u32) -> Vec<u64> {
        numbers(planned).filter(|number| !self.runs.contains_key(number)).collect()
    }
}

fn numbers(planned: u32) -> std::ops::RangeInclusive<u64> {
    1..=u64::from(planned)
}

#[cfg(test)]
mod tests;
