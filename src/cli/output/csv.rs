//! CSV: one line per run. Columns are named as in docs/measurement.md. A skipped context size has one line
//! without a run number and the reason in `skipped`.

use anyhow::Context;
use serde::Serialize;

use super::printable;
use crate::cli::metrics::open_loop;
use bench::types::{Clock, Report, ResultRow, Run, TokenSource};
use endpoint::{PriceSource, Protocol};

/// One line. Missing values are empty fields.
#[derive(Debug, Serialize)]
struct Line<'a> {
    provider: String,
    provider_key: String,
    model: String,
    model_id: String,
    protocol: Protocol,
    simulated: bool,
    context_tokens: u64,
    context_token_source: Option<TokenSource>,
    skipped: Option<String>,
    run_number: Option<u64>,
    success: Option<bool>,
    error_kind: Option<&'a str>,
    error_status: Option<u16>,
    error: Option<String>,
    /// Unix milliseconds UTC.
    started_at: Option<i64>,
    connect_ms: Option<f64>,
    dns_ms: Option<f64>,
    tcp_ms: Option<f64>,
    tls_ms: Option<f64>,
    ttft_ms: Option<f64>,
    ttfa_ms: Option<f64>,
    total_time_s: Option<f64>,
    output_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    input_tokens: Option<u64>,
    cached_input_tokens: Option<u64>,
    token_source: Option<TokenSource>,
    tokens_per_second: Option<f64>,
    output_speed_tps: Option<f64>,
    itl_ms: Option<f64>,
    itl_p50_ms: Option<f64>,
    itl_p95_ms: Option<f64>,
    itl_p99_ms: Option<f64>,
    input_tokens_per_second: Option<f64>,
    chunks: Option<u64>,
    tokens_per_chunk: Option<f64>,
    cost: Option<f64>,
    cost_source: Option<PriceSource>,
    finish_reason: Option<String>,
    response_id: Option<String>,
    clock: Option<Clock>,
    lateness_mean_ms: Option<f64>,
    lateness_max_ms: Option<f64>,
    /// Open loop only, as the next one.
    start_delay_ms: Option<f64>,
    offered_requests_per_second: Option<f64>,
    /// Load mode only; of the whole row.
    requests_per_second: Option<f64>,
}

/// Renders all runs of the report, with a header.
///
/// # Errors
/// If a line cannot be written.
pub fn render(report: &Report) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    for row in &report.results {
        if row.skipped.is_some() {
            writer.serialize(line(row, None))?;
        }
        for run in &row.runs {
            writer.serialize(line(row, Some(run)))?;
        }
    }
    let bytes = writer.into_inner().context("cannot finish the CSV")?;
    Ok(String::from_utf8(bytes)?)
}

/// The fields of [`Line`], listed so that a report without runs has a header too.
const HEADINGS: [&str; 46] = [
    "provider",
    "provider_key",
    "model",
    "model_id",
    "protocol",
    "simulated",
    "context_tokens",
    "context_token_source",
    "skipped",
    "run_number",
    "success",
    "error_kind",
    "error_status",
    "error",
    "started_at",
    "connect_ms",
    "dns_ms",
    "tcp_ms",
    "tls_ms",
    "ttft_ms",
    "ttfa_ms",
    "total_time_s",
    "output_tokens",
    "reasoning_tokens",
    "input_tokens",
    "cached_input_tokens",
    "token_source",
    "tokens_per_second",
    "output_speed_tps",
    "itl_ms",
    "itl_p50_ms",
    "itl_p95_ms",
    "itl_p99_ms",
    "input_tokens_per_second",
    "chunks",
    "tokens_per_chunk",
    "cost",
    "cost_source",
    "finish_reason",
    "response_id",
    "clock",
    "lateness_mean_ms",
    "lateness_max_ms",
    "start_delay_ms",
    "offered_requests_per_second",
    "requests_per_second",
];

fn line<'a>(row: &ResultRow, run: Option<&'a Run>) -> Line<'a> {
    let error = run.and_then(|run| run.error.as_ref());
    Line {
        provider: text_field(&row.provider),
        provider_key: text_field(&row.provider_key),
        model: text_field(&row.model),
        model_id: text_field(&row.model_id),
        protocol: row.protocol,
        simulated: row.simulated,
        context_tokens: row.context_tokens,
        context_token_source: row.context_token_source,
        skipped: row.skipped.as_ref().filter(|_| run.is_none()).map(|skip| text_field(&skip.reason)),
        run_number: run.map(|run| run.run_number),
        success: run.map(|run| run.success),
        error_kind: error.map(|error| error.kind.as_str()),
        error_status: error.and_then(|error| error.status),
        error: error.map(|error| text_field(&error.message)),
        started_at: run.map(|run| run.started_at),
        connect_ms: run.and_then(|run| run.connect_ms),
        dns_ms: run.and_then(|run| run.dns_ms),
        tcp_ms: run.and_then(|run| run.tcp_ms),
        tls_ms: run.and_then(|run| run.tls_ms),
        ttft_ms: run.and_then(|run| run.ttft_ms),
        ttfa_ms: run.and_then(|run| run.ttfa_ms),
        total_time_s: run.and_then(|run| run.total_time_s),
        output_tokens: run.and_then(|run| run.output_tokens),
        reasoning_tokens: run.and_then(|run| run.reasoning_tokens),
        input_tokens: run.and_then(|run| run.input_tokens),
        cached_input_tokens: run.and_then(|run| run.cached_input_tokens),
        token_source: run.and_then(|run| run.token_source),
        tokens_per_second: run.and_then(|run| run.tokens_per_second),
        output_speed_tps: run.and_then(|run| run.output_speed_tps),
        itl_ms: run.and_then(|run| run.itl_ms),
        itl_p50_ms: run.and_then(|run| run.itl_p50_ms),
        itl_p95_ms: run.and_then(|run| run.itl_p95_ms),
        itl_p99_ms: run.and_then(|run| run.itl_p99_ms),
        input_tokens_per_second: run.and_then(|run| run.input_tokens_per_second),
        chunks: run.map(|run| run.chunks),
        tokens_per_chunk: run.and_then(|run| run.tokens_per_chunk),
        cost: run.and_then(|run| run.cost),
        cost_source: run.and_then(|run| run.cost_source),
        finish_reason: run.and_then(|run| run.finish_reason.as_deref()).map(text_field),
        response_id: run.and_then(|run| run.response_id.as_deref()).map(text_field),
        clock: run.map(|run| run.clock),
        lateness_mean_ms: run.and_then(|run| run.lateness_mean_ms),
        lateness_max_ms: run.and_then(|run| run.lateness_max_ms),
        start_delay_ms: run.and_then(|run| run.start_delay_ms),
        offered_requests_per_second: open_loop(row).map(|open| open.offered_requests_per_second),
        requests_per_second: row.load.as_ref().and_then(|load| load.requests_per_second),
    }
}

/// Returns text as one line that a spreadsheet does not read as a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>): an apostrophe is put in front of what starts one, at the
/// start of the text and after a semicolon, which separates fields in some countries. Numbers are not changed.
fn text_field(text: &str) -> String {
    let mut field = String::with_capacity(text.len());
    let mut starts_field = true;
    for c in printable(text).chars() {
        if starts_field && starts_formula(c) {
            field.push('\'');
        }
        starts_field = c == ';' || (starts_field && c == ' ');
        field.push(c);
    }
    field
}

fn starts_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture;

    #[test]
    fn the_header_is_the_fields_in_their_order() {
        let report = fixture::report();
        let value = serde_json::to_value(line(&report.results[0], None)).unwrap();
        let fields: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, HEADINGS);
    }

    #[test]
    fn every_run_has_a_line_and_every_line_every_column() {
        let report = fixture::report();
        let text = render(&report).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let lines: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
        let runs: usize = report.results.iter().map(|row| row.runs.len()).sum();
        let skipped = report.results.iter().filter(|row| row.skipped.is_some()).count();
        assert_eq!(lines.len(), runs + skipped);
    }

    #[test]
    fn no_text_becomes_a_formula() {
        let fields = [
            ("=HYPERLINK(\"http://evil\")", "'=HYPERLINK(\"http://evil\")"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+1+1", "'+1+1"),
            ("-2+3", "'-2+3"),
            ("\t=1+1", "'=1+1"),
            ("\r\n =1+1", "'=1+1"),
            ("＝1+1", "'＝1+1"),
            ("a;=1+1", "a;'=1+1"),
            ("a; @x", "a; '@x"),
            ("a=b-c", "a=b-c"),
            ("a\u{1b}[2J\u{202e}b", "a�[2J�b"),
        ];
        for (text, field) in fields {
            assert_eq!(text_field(text), field, "{text:?}");
        }
    }
}
