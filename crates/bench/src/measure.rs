//! Computes the metrics of one run from the recording of its request, by the definitions in
//! `docs/measurement.md`. Pure.

use super::{
    tokenizer::Tokenizer,
    types::{Clock, Run, TokenSource},
};
use endpoint::{
    Price,
    client::{Exchange, Opened, Recording},
    wire::Usage,
};
use stats::percentile;

/// The inputs of a run's metrics other than the exchange itself.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Number of the run, 1-based; 0 for the warm-up.
    pub run_number: u64,
    /// Start of the request, Unix milliseconds UTC.
    pub started_at: i64,
    /// How long opening the connection took, if this run opened one.
    pub opened: Option<Opened>,
    /// The model's price; `None` if it is unknown.
    pub price: Option<Price>,
    /// Counts tokens if the server reports no usage.
    pub tokenizer: Tokenizer,
}

/// Returns the gaps in ms between the arrivals (monotonic ns) of content chunks.
pub fn gaps_ms(arrivals_ns: &[u64]) -> impl Iterator<Item = f64> + '_ {
    arrivals_ns.windows(2).map(|pair| ms(pair[1].saturating_sub(pair[0])))
}

/// Returns the run's metrics. `prompt` is all text that was sent; its tokens are counted only if the server
/// reported no usage. Counting may load a tokenizer, so do not call this on the measured path.
pub fn measure(exchange: &Exchange, context: &RunContext, prompt: &str) -> Run {
    let recording = &exchange.recording;
    let (usage, token_source) = tokens(recording, context.tokenizer, prompt);
    let timing = Timing::of(exchange);
    let chunks = recording.arrivals_ns.len() as u64;
    let mut gaps: Vec<f64> = gaps_ms(&recording.arrivals_ns).collect();
    gaps.sort_by(f64::total_cmp);
    let mean_gap = (!gaps.is_empty()).then(|| gaps.iter().sum::<f64>() / gaps.len() as f64);
    let lateness = &recording.lateness_us;
    let price = context.price.filter(|_| exchange.outcome.is_ok());
    let cost = price.and_then(|price| {
        price.cost(usage.input_tokens?, usage.cached_input_tokens.unwrap_or(0), usage.output_tokens?)
    });
    Run {
        run_number: context.run_number,
        success: exchange.outcome.is_ok(),
        error: exchange.outcome.as_ref().err().cloned(),
        response_id: recording.response_id.clone(),
        started_at: context.started_at,
        start_delay_ms: None,
        connect_ms: context.opened.map(|opened| opened.connect_ms),
        dns_ms: context.opened.and_then(|opened| opened.dns_ms),
        tcp_ms: context.opened.map(|opened| opened.tcp_ms),
        tls_ms: context.opened.and_then(|opened| opened.tls_ms),
        ttft_ms: timing.ttft_s.map(|s| s * 1e3),
        ttfa_ms: timing.ttfa_s.map(|s| s * 1e3),
        total_time_s: timing.total_s,
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        input_tokens: usage.input_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        token_source,
        tokens_per_second: per_second(usage.output_tokens.map(|tokens| tokens as f64), timing.total_s),
        output_speed_tps: per_second(tokens_after_first_chunk(recording, usage), timing.streaming_s),
        itl_ms: mean_gap,
        itl_p50_ms: percentile(&gaps, 50.0),
        itl_p95_ms: percentile(&gaps, 95.0),
        itl_p99_ms: percentile(&gaps, 99.0),
        input_tokens_per_second: per_second(uncached_input(usage), timing.ttft_s),
        chunks,
        tokens_per_chunk: streamed_tokens(recording, usage).filter(|_| chunks > 0).map(|n| n / chunks as f64),
        cost,
        cost_source: cost.and(price.map(|price| price.source)),
        finish_reason: recording.finish_reason.clone(),
        clock: clock(recording),
        lateness_mean_ms: (!lateness.is_empty())
            .then(|| lateness.iter().map(|&us| f64::from(us)).sum::<f64>() / lateness.len() as f64 / 1e3),
        lateness_max_ms: lateness.iter().max().map(|&us| f64::from(us) / 1e3),
        chunk_deltas_us: chunk_deltas_us(exchange),
    }
}

/// Returns the kernel clock only if the kernel stamped every read.
fn clock(recording: &Recording) -> Clock {
    let all_kernel = recording.user_clock_reads == 0 && !recording.lateness_us.is_empty();
    if all_kernel { Clock::Kernel } else { Clock::User }
}

struct Timing {
    ttft_s: Option<f64>,
    ttfa_s: Option<f64>,
    total_s: Option<f64>,
    /// First to last content arrival.
    streaming_s: Option<f64>,
}

impl Timing {
    fn of(exchange: &Exchange) -> Self {
        let arrivals = &exchange.recording.arrivals_ns;
        let since_sent = |at: Option<&u64>| Some(ms(at?.saturating_sub(exchange.sent_ns?)) / 1e3);
        Self {
            ttft_s: since_sent(arrivals.first()),
            ttfa_s: since_sent(exchange.recording.first_text_ns.as_ref()),
            total_s: since_sent(arrivals.last()),
            streaming_s: match arrivals.as_slice() {
                [first, .., last] => Some(ms(last.saturating_sub(*first)) / 1e3),
                _ => None,
            },
        }
    }
}

fn tokens(recording: &Recording, tokenizer: Tokenizer, prompt: &str) -> (Usage, Option<TokenSource>) {
    if recording.reports_output() {
        return (recording.usage, Some(TokenSource::Reported));
    }
    if recording.content.is_empty() {
        return (recording.usage, None);
    }
    let reasoning = recording.reasoning_bytes as f64 / recording.content.len() as f64;
    let output = tokenizer.count(&recording.content);
    let estimated = Usage {
        input_tokens: recording.usage.input_tokens.or_else(|| Some(tokenizer.count(prompt))),
        cached_input_tokens: recording.usage.cached_input_tokens,
        output_tokens: Some(output),
        reasoning_tokens: (reasoning > 0.0).then(|| (output as f64 * reasoning).round() as u64),
    };
    (estimated, Some(TokenSource::Estimated))
}

fn uncached_input(usage: Usage) -> Option<f64> {
    usage.input_tokens.map(|input| input.saturating_sub(usage.cached_input_tokens.unwrap_or(0)) as f64)
}

/// Returns the output tokens that were streamed. Providers that hide the reasoning still count it: those tokens
/// were generated before the first chunk and belong to no chunk.
fn streamed_tokens(recording: &Recording, usage: Usage) -> Option<f64> {
    let hidden = if recording.reasoning_bytes == 0 { usage.reasoning_tokens.unwrap_or(0) } else { 0 };
    usage.output_tokens.map(|output| output.saturating_sub(hidden) as f64)
}

/// Returns the numerator of `output_speed_tps`. A chunk's share of the tokens is its share of the text, and
/// no chunk holds less than one token.
fn tokens_after_first_chunk(recording: &Recording, usage: Usage) -> Option<f64> {
    let streamed = streamed_tokens(recording, usage)?;
    let chunks = recording.arrivals_ns.len() as f64;
    if streamed <= chunks {
        return Some((streamed - 1.0).max(0.0));
    }
    let share = recording.first_chunk_bytes as f64 / recording.content.len().max(1) as f64;
    Some(streamed - (streamed * share).round().max(1.0))
}

/// Returns `amount / seconds`; `None` if either is unknown or `seconds` is not positive.
pub fn per_second(amount: Option<f64>, seconds: Option<f64>) -> Option<f64> {
    let seconds = seconds.filter(|&seconds| seconds > 0.0)?;
    amount.map(|amount| amount / seconds)
}

/// Returns the arrivals as deltas in µs, rounded so that the sum of the first n is the n-th arrival to the
/// microsecond: errors do not accumulate.
fn chunk_deltas_us(exchange: &Exchange) -> Vec<u32> {
    let Some(sent) = exchange.sent_ns else { return Vec::new() };
    let offset = |at: &u64| (at.saturating_sub(sent) + 500) / 1_000;
    let offsets: Vec<u64> = exchange.recording.arrivals_ns.iter().map(offset).collect();
    let before = std::iter::once(0).chain(offsets.iter().copied());
    offsets
        .iter()
        .zip(before)
        .map(|(offset, before)| u32::try_from(offset.saturating_sub(before)).unwrap_or(u32::MAX))
        .collect()
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

#[cfg(test)]
mod tests;
