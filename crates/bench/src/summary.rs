//! Summaries of the runs of one model at one tier: computed by the engine while it runs, and by other code (also
//! in the browser) from stored runs.

use super::types::{ResultRow, RowHead, Run, RunSummary, WarmupOutcome};
use stats::Collect;

/// Summarises these runs. The gaps come from [`Run::chunk_deltas_us`], so they are exact to the microsecond.
pub fn summarize(runs: &[Run]) -> RunSummary {
    let mut summarizer = Summarizer::<Vec<f64>>::default();
    runs.iter().for_each(|run| summarizer.push(run, run.gaps_ms()));
    summarizer.summary()
}

/// Builds the row of these runs, which may be all or some of the planned ones.
pub fn row(head: RowHead, warmup: Option<WarmupOutcome>, runs: Vec<Run>) -> ResultRow {
    ResultRow { warmup, summary: summarize(&runs), runs, ..head.into() }
}

/// Builds a row without runs.
impl From<RowHead> for ResultRow {
    fn from(head: RowHead) -> Self {
        Self {
            provider: head.provider,
            provider_key: head.provider_key,
            model: head.model,
            model_id: head.model_id,
            protocol: head.protocol,
            simulated: head.simulated,
            reported: head.reported,
            context_tokens: head.context_tokens,
            context_token_source: head.context_token_source,
            price: head.price,
            adjustments: head.adjustments,
            skipped: head.skipped,
            warmup: None,
            runs: Vec::new(),
            summary: RunSummary::default(),
            load: None,
        }
    }
}

impl ResultRow {
    /// Returns the part that was known before anything was measured.
    pub fn head(&self) -> RowHead {
        RowHead {
            provider: self.provider.clone(),
            provider_key: self.provider_key.clone(),
            model: self.model.clone(),
            model_id: self.model_id.clone(),
            protocol: self.protocol,
            simulated: self.simulated,
            reported: self.reported,
            context_tokens: self.context_tokens,
            context_token_source: self.context_token_source,
            price: self.price,
            adjustments: self.adjustments.clone(),
            skipped: self.skipped.clone(),
        }
    }
}

/// A collector that summarises runs one by one. `C` chooses how values are kept: `Vec<f64>` keeps all, an
/// `Accumulator` uses constant memory.
#[derive(Debug, Default)]
pub struct Summarizer<C> {
    success_count: u64,
    error_count: u64,
    total_cost: Option<f64>,
    ttft_ms: C,
    ttfa_ms: C,
    total_time_s: C,
    tokens_per_second: C,
    output_speed_tps: C,
    input_tokens_per_second: C,
    itl_ms: C,
    gap_ms: C,
    tokens_per_chunk: C,
    output_tokens: C,
    reasoning_tokens: C,
    input_tokens: C,
    cached_input_tokens: C,
    connect_ms: C,
    dns_ms: C,
    tcp_ms: C,
    tls_ms: C,
    cost: C,
    lateness_ms: C,
}

impl<C: Collect> Summarizer<C> {
    /// Continues with the gaps (ms) of runs that are pushed without them.
    pub fn of_gaps(gap_ms: C) -> Self {
        Self { gap_ms, ..Self::default() }
    }

    /// Counts `run` and, if it succeeded, its metrics and its gaps (ms).
    pub fn push(&mut self, run: &Run, gaps_ms: impl Iterator<Item = f64>) {
        if !run.success {
            self.error_count += 1;
            return;
        }
        self.success_count += 1;
        if let Some(cost) = run.cost {
            *self.total_cost.get_or_insert(0.0) += cost;
        }
        let count = |tokens: Option<u64>| tokens.map(|tokens| tokens as f64);
        for (accumulator, value) in [
            (&mut self.ttft_ms, run.ttft_ms),
            (&mut self.ttfa_ms, run.ttfa_ms),
            (&mut self.total_time_s, run.total_time_s),
            (&mut self.tokens_per_second, run.tokens_per_second),
            (&mut self.output_speed_tps, run.output_speed_tps),
            (&mut self.input_tokens_per_second, run.input_tokens_per_second),
            (&mut self.itl_ms, run.itl_ms),
            (&mut self.tokens_per_chunk, run.tokens_per_chunk),
            (&mut self.output_tokens, count(run.output_tokens)),
            (&mut self.reasoning_tokens, count(run.reasoning_tokens)),
            (&mut self.input_tokens, count(run.input_tokens)),
            (&mut self.cached_input_tokens, count(run.cached_input_tokens)),
            (&mut self.connect_ms, run.connect_ms),
            (&mut self.dns_ms, run.dns_ms),
            (&mut self.tcp_ms, run.tcp_ms),
            (&mut self.tls_ms, run.tls_ms),
            (&mut self.cost, run.cost),
            (&mut self.lateness_ms, run.lateness_mean_ms),
        ] {
            value.into_iter().for_each(|value| accumulator.push(value));
        }
        gaps_ms.for_each(|gap| self.gap_ms.push(gap));
    }

    /// Returns the summary of the runs so far.
    pub fn summary(&self) -> RunSummary {
        RunSummary {
            success_count: self.success_count,
            error_count: self.error_count,
            ttft_ms: self.ttft_ms.summary(),
            ttfa_ms: self.ttfa_ms.summary(),
            total_time_s: self.total_time_s.summary(),
            tokens_per_second: self.tokens_per_second.summary(),
            output_speed_tps: self.output_speed_tps.summary(),
            input_tokens_per_second: self.input_tokens_per_second.summary(),
            itl_ms: self.itl_ms.summary(),
            gap_ms: self.gap_ms.summary(),
            tokens_per_chunk: self.tokens_per_chunk.summary(),
            output_tokens: self.output_tokens.summary(),
            reasoning_tokens: self.reasoning_tokens.summary(),
            input_tokens: self.input_tokens.summary(),
            cached_input_tokens: self.cached_input_tokens.summary(),
            connect_ms: self.connect_ms.summary(),
            dns_ms: self.dns_ms.summary(),
            tcp_ms: self.tcp_ms.summary(),
            tls_ms: self.tls_ms.summary(),
            cost: self.cost.summary(),
            lateness_ms: self.lateness_ms.summary(),
            total_cost: self.total_cost,
        }
    }
}
