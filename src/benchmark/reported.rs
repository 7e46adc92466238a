//! Results that a user's own program measured and reports. Their rows are marked as reported, because this
//! server cannot verify how the times were taken.

use serde::Deserialize;
use utoipa::ToSchema;

use super::snapshot::TargetSnapshot;
use super::submission::check_prompt;
use crate::providers::listing::ProviderListing;
use bench::bounds::{PlanError, ensure, within};
use bench::measure::per_second;
use bench::summary;
use bench::types::{Clock, MAX_TIER, Parameters, ResultRow, RowHead, Run, TokenSource};
use endpoint::{ApiError, ErrorKind, Model, Price, Provider};

/// Maximum number of runs in one report.
const MAX_REPORTED: usize = 4_000;
const MAX_ERROR_CHARS: usize = 1_000;
const MAX_RUN_S: f64 = 24.0 * 60.0 * 60.0;
const MAX_TOKEN_COUNT: u64 = 100_000_000;

/// Results that another program measured.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct ReportedBenchmark {
    #[schema(min_items = 1, max_items = 4000)]
    pub results: Vec<ReportedRun>,
    #[serde(default)]
    #[schema(max_length = 500_000)]
    pub prompt: Option<String>,
    /// 1 to 128000.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// 0 to 2.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Ignored: the context sizes are those of the results.
    #[serde(default)]
    #[allow(dead_code, reason = "scripts of the Python product send it")]
    pub context_tiers: Option<Vec<u64>>,
    #[serde(default)]
    pub warmup: bool,
}

/// One run of the report. Rates and costs are calculated from these fields; other fields are ignored.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct ReportedRun {
    /// The provider's key or its name.
    pub provider: String,
    pub model_id: String,
    /// Starts at 1; unique for a model and tier. Missing: the next one.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub run_number: Option<u64>,
    #[serde(default)]
    pub context_tokens: u64,
    /// From the request to the first token; required for a successful run.
    #[serde(default)]
    pub ttft_ms: Option<f64>,
    /// From the request to the last token; required for a successful run.
    #[serde(default)]
    pub total_time_s: Option<f64>,
    #[serde(default)]
    pub output_tokens: Option<u64>,
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// Mean of the gaps between tokens.
    #[serde(default)]
    pub itl_ms: Option<f64>,
    #[serde(default = "succeeded")]
    pub success: bool,
    /// The error message of a failed run.
    #[serde(default)]
    pub error: Option<String>,
}

fn succeeded() -> bool {
    true
}

/// A report converted to the stored form.
#[derive(Debug)]
pub struct ConvertedReport {
    pub parameters: Parameters,
    pub targets: Vec<TargetSnapshot>,
    /// The rows with their runs.
    pub rows: Vec<ResultRow>,
    /// Number of results for models that the user does not have.
    pub skipped: usize,
}

impl ReportedBenchmark {
    /// Converts the report to rows, for the models that are among `known`; `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// Returns the name of the first value that is out of bounds or contradicts another.
    pub fn rows(self, known: &[ProviderListing], now: i64) -> Result<ConvertedReport, PlanError> {
        within("the number of results", &self.results.len(), &(1..=MAX_REPORTED))?;
        self.results.iter().try_for_each(ReportedRun::check)?;
        self.prompt.as_deref().map_or(Ok(()), check_prompt)?;
        let mut rows: Vec<ResultRow> = Vec::new();
        let mut targets: Vec<TargetSnapshot> = Vec::new();
        let mut skipped = 0;
        for result in self.results {
            let Some((provider, model)) = find_model(&result, known) else {
                skipped += 1;
                continue;
            };
            let target = TargetSnapshot::of_parts(provider, model);
            let row = rows.iter_mut().find(|row| is_of(row, &target, result.context_tokens));
            let last = row.as_ref().and_then(|row| row.runs.iter().map(|run| run.run_number).max());
            let number = result.run_number.unwrap_or(last.unwrap_or(0) + 1);
            let run = result.run(number, model.price.as_ref(), now);
            match row {
                Some(row) => {
                    ensure(row.runs.iter().all(|other| other.run_number != run.run_number), || {
                        format!(
                            "run {} of {} at {} tokens of context is there twice",
                            run.run_number, row.model_id, row.context_tokens
                        )
                    })?;
                    row.runs.push(run);
                }
                None => {
                    let head = head(provider, model, result.context_tokens);
                    rows.push(ResultRow { runs: vec![run], ..head.into() });
                }
            }
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        for row in &mut rows {
            row.summary = summary::summarize(&row.runs);
        }
        let usual = Parameters::default();
        let parameters = Parameters {
            prompt: self.prompt.filter(|prompt| !prompt.trim().is_empty()).unwrap_or(usual.prompt),
            max_tokens: self.max_tokens.unwrap_or(usual.max_tokens),
            temperature: self.temperature.unwrap_or(usual.temperature),
            runs: rows
                .iter()
                .map(|row| row.runs.len())
                .max()
                .and_then(|most| most.try_into().ok())
                .unwrap_or(1),
            context_tiers: tiers(&rows),
            warmup: self.warmup,
            ..Parameters::default()
        };
        parameters.check()?;
        Ok(ConvertedReport { parameters, targets, rows, skipped })
    }
}

impl ReportedRun {
    fn check(&self) -> Result<(), PlanError> {
        let in_range = |number| within("run_number", &number, &(1..=MAX_REPORTED as u64));
        self.run_number.map_or(Ok(()), in_range)?;
        within("context_tokens", &self.context_tokens, &(0..=MAX_TIER))?;
        for (name, tokens) in [("output_tokens", self.output_tokens), ("input_tokens", self.input_tokens)] {
            tokens.map_or(Ok(()), |tokens| within(name, &tokens, &(0..=MAX_TOKEN_COUNT)))?;
        }
        for (name, ms) in [("ttft_ms", self.ttft_ms), ("itl_ms", self.itl_ms)] {
            ms.map_or(Ok(()), |ms| within(name, &ms, &(0.0..=MAX_RUN_S * 1e3)))?;
        }
        self.total_time_s.map_or(Ok(()), |s| within("total_time_s", &s, &(0.0..=MAX_RUN_S)))?;
        if !self.success {
            return Ok(());
        }
        let (Some(ttft_ms), Some(total_s)) = (self.ttft_ms, self.total_time_s) else {
            return Err(PlanError("a run that succeeded has ttft_ms and total_time_s".into()));
        };
        ensure(ttft_ms <= total_s * 1e3, || {
            format!("the first token after {ttft_ms} ms comes later than the last after {total_s} s")
        })
    }

    fn run(&self, run_number: u64, price: Option<&Price>, now: i64) -> Run {
        let count = |tokens: Option<u64>| tokens.map(|tokens| tokens as f64);
        let (ttft_s, total_s) = (self.ttft_ms.map(|ms| ms / 1e3), self.total_time_s);
        let streaming_s = total_s.zip(ttft_s).map(|(total, first)| total - first);
        let cost = price.zip(self.input_tokens).zip(self.output_tokens);
        let cost = cost.and_then(|((price, input), output)| price.cost(input, 0, output));
        Run {
            run_number,
            success: self.success,
            error: (!self.success).then(|| self.failure()),
            response_id: None,
            started_at: now,
            start_delay_ms: None,
            connect_ms: None,
            dns_ms: None,
            tcp_ms: None,
            tls_ms: None,
            ttft_ms: self.ttft_ms,
            ttfa_ms: None,
            total_time_s: self.total_time_s,
            output_tokens: self.output_tokens,
            reasoning_tokens: None,
            input_tokens: self.input_tokens,
            cached_input_tokens: None,
            // The result page counts chunks; a report does not contain their number.
            token_source: self.output_tokens.map(|_| TokenSource::Estimated),
            tokens_per_second: per_second(count(self.output_tokens), total_s),
            output_speed_tps: per_second(count(self.output_tokens.map(|n| n.saturating_sub(1))), streaming_s),
            itl_ms: self.itl_ms,
            itl_p50_ms: None,
            itl_p95_ms: None,
            itl_p99_ms: None,
            input_tokens_per_second: per_second(count(self.input_tokens), ttft_s),
            chunks: 0,
            tokens_per_chunk: None,
            cost,
            cost_source: cost.and(price.map(|price| price.source)),
            finish_reason: None,
            clock: Clock::Reported,
            lateness_mean_ms: None,
            lateness_max_ms: None,
            chunk_deltas_us: Vec::new(),
        }
    }

    fn failure(&self) -> ApiError {
        let message = self.error.as_deref().map(str::trim).filter(|message| !message.is_empty());
        let message = message.unwrap_or("no reason was reported").chars().take(MAX_ERROR_CHARS).collect();
        ApiError { kind: ErrorKind::Reported, status: None, message, retry_after_s: None }
    }
}

/// Finds the model of a result by the provider's key or, if it is unique, the provider's name.
fn find_model<'a>(result: &ReportedRun, known: &'a [ProviderListing]) -> Option<(&'a Provider, &'a Model)> {
    let by_key = known.iter().find(|listing| listing.provider.key == result.provider);
    let listing = by_key.or_else(|| {
        let mut called = known.iter().filter(|listing| listing.provider.display_name == result.provider);
        called.next().filter(|_| called.next().is_none())
    })?;
    let model = listing.find_model(&result.model_id)?;
    Some((&listing.provider, &model.model))
}

fn head(provider: &Provider, model: &Model, tier: u64) -> RowHead {
    RowHead {
        provider: provider.display_name.clone(),
        provider_key: provider.key.clone(),
        model: model.display_name.clone(),
        model_id: model.id.clone(),
        protocol: provider.protocol,
        simulated: provider.simulated(),
        reported: true,
        context_tokens: tier,
        context_token_source: (tier > 0).then_some(TokenSource::Estimated),
        price: model.price,
        adjustments: Vec::new(),
        skipped: None,
    }
}

fn is_of(row: &ResultRow, target: &TargetSnapshot, tier: u64) -> bool {
    row.provider_key == target.provider_key && row.model_id == target.model.id && row.context_tokens == tier
}

fn tiers(rows: &[ResultRow]) -> Vec<u64> {
    let mut tiers: Vec<u64> = rows.iter().map(|row| row.context_tokens).collect();
    tiers.sort_unstable();
    tiers.dedup();
    if tiers.is_empty() { vec![0] } else { tiers }
}

#[cfg(test)]
mod tests;
