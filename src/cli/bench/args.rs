//! The flags of `llm-studio bench`, and how they and the file's defaults become parameters.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value};

use super::fail_if::Condition;
use crate::cli::{
    config::{Defaults, parse_protocol},
    output::Format,
};
use bench::types::{
    Arrivals, CONCURRENCY_RANGE, DEFAULT_MAX_IN_FLIGHT, LoadParameters, MAX_TOKENS_RANGE,
    OPEN_LOOP_DURATION_RANGE, OpenLoop, Parameters, RATE_RANGE, RUNS_RANGE, TEMPERATURE_RANGE, TIMEOUT_RANGE,
    Timeouts,
};
use endpoint::Protocol;

/// Benchmark models from the terminal.
///
/// Without a configuration file it benchmarks what it finds: providers with a key in the environment
/// (OPENAI_API_KEY, ANTHROPIC_API_KEY, …) and local servers (Ollama, LM Studio, vLLM, llama.cpp), or
/// the built-in demo model.
///
/// Exit codes: 0 success, 1 every run failed, 2 invalid input, 3 a --fail-if threshold was exceeded,
/// 130 stopped by Ctrl-C.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Benchmark only this provider (its key, or part of its name); repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Targets")]
    pub provider: Vec<String>,
    /// Benchmark models whose ID or name contains this; repeatable.
    #[arg(long, value_name = "TEXT", help_heading = "Targets")]
    pub model: Vec<String>,
    /// Configuration file [default: ./llm-studio.yaml, ~/.config/llm-studio/config.yaml].
    #[arg(long, value_name = "FILE", help_heading = "Targets")]
    pub config: Option<PathBuf>,
    /// Benchmark an ad-hoc endpoint, such as http://127.0.0.1:8080/v1.
    #[arg(long, value_name = "URL", conflicts_with_all = ["provider", "model"], help_heading = "Targets")]
    pub base_url: Option<String>,
    /// Model at --base-url; repeatable [default: the endpoint's model list].
    #[arg(long, value_name = "ID", requires = "base_url", help_heading = "Targets")]
    pub model_id: Vec<String>,
    /// Protocol of --base-url: openai, anthropic, gemini or cohere.
    #[arg(long, value_parser = parse_protocol, requires = "base_url", help_heading = "Targets")]
    pub protocol: Option<Protocol>,
    /// Environment variable that holds the key for --base-url.
    #[arg(long, value_name = "NAME", requires = "base_url", help_heading = "Targets")]
    pub api_key_env: Option<String>,
    /// Show what would be benchmarked and the maximum cost, then exit.
    #[arg(long, help_heading = "Targets")]
    pub list: bool,

    /// Runs per model and context size, 1 to 20 [default: 3].
    #[arg(long, value_parser = runs, allow_negative_numbers = true, help_heading = "Measurement")]
    pub runs: Option<u32>,
    /// The prompt [default: a question about recursion].
    #[arg(long, value_name = "TEXT", help_heading = "Measurement")]
    pub prompt: Option<String>,
    /// Read the prompt from a file.
    #[arg(long, value_name = "FILE", conflicts_with = "prompt", help_heading = "Measurement")]
    pub prompt_file: Option<PathBuf>,
    /// Tokens of filler before the prompt, such as 0,5000,50000 [default: 0].
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', value_parser = tier, help_heading = "Measurement")]
    pub context_tiers: Option<Vec<u64>>,
    /// Maximum output tokens, 1 to 128000 [default: 512].
    #[arg(long, value_name = "N", value_parser = max_tokens, allow_negative_numbers = true, help_heading = "Measurement")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2 [default: 0.7].
    #[arg(long, value_name = "T", value_parser = temperature, allow_negative_numbers = true, help_heading = "Measurement")]
    pub temperature: Option<f64>,
    /// Additional parameter, such as top_p=0.9 (JSON or text); repeatable.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parameter, help_heading = "Measurement")]
    pub param: Vec<(String, Value)>,
    /// Skip the warm-up run (one extra, discarded run per model and context size).
    #[arg(long, help_heading = "Measurement")]
    pub no_warmup: bool,
    /// Load mode, closed loop: keep this many requests in flight; one model only.
    ///
    /// With --rate: at most this many [default: 512]; a request that finds so many in flight waits, and its wait
    /// counts.
    #[arg(long, value_name = "N", value_parser = concurrency, allow_negative_numbers = true, help_heading = "Load mode")]
    pub concurrency: Option<u32>,
    /// Load mode: total requests.
    #[arg(long, value_name = "M", value_parser = requests, allow_negative_numbers = true, help_heading = "Load mode")]
    pub requests: Option<u64>,
    /// Load mode, open loop: start this many requests per second, whether or not earlier ones have ended; one
    /// model only.
    ///
    /// Needs --requests or --duration. TTFT and total time count from the intended start of each request.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, allow_negative_numbers = true, help_heading = "Load mode")]
    pub rate: Option<f64>,
    /// With --rate: "poisson", as many independent users would, or "constant", in equal gaps [default: poisson].
    #[arg(long, value_name = "HOW", value_parser = arrivals, help_heading = "Load mode")]
    pub arrivals: Option<Arrivals>,
    /// With --rate: start requests for about this long, instead of --requests.
    #[arg(long, value_name = "SECONDS", value_parser = duration, allow_negative_numbers = true, help_heading = "Load mode")]
    pub duration: Option<f64>,
    /// With --rate: seed of the random intended starts, to repeat those of an earlier load [default: random].
    #[arg(long, value_name = "SEED", value_parser = seed, allow_negative_numbers = true, help_heading = "Load mode")]
    pub arrival_seed: Option<u64>,
    /// Connect timeout in seconds [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, help_heading = "Measurement")]
    pub connect_timeout: Option<f64>,
    /// First-token timeout in seconds [default: 120].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, help_heading = "Measurement")]
    pub first_token_timeout: Option<f64>,
    /// Total request timeout in seconds [default: 300].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, help_heading = "Measurement")]
    pub timeout: Option<f64>,

    /// Output format [default: from the --output file name, or table].
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Write the result to this file instead of stdout.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Don't save a results file in results/.
    #[arg(long, help_heading = "Output")]
    pub no_save: bool,
    /// Exit with code 3 if any row meets this condition, such as "ttft_ms.p95 > 800"; repeatable.
    ///
    /// Any metric of the results file with any of its statistics, or error_count, success_count,
    /// total_cost; operators > >= < <= == !=. A row that has no such value meets it too.
    #[arg(long, value_name = "CONDITION", help_heading = "Output")]
    pub fail_if: Vec<Condition>,
    /// Print each run, and log to stderr.
    #[arg(long, short, help_heading = "Output")]
    pub verbose: bool,
}

impl Args {
    /// The parameters: flags over the file's defaults over the built-in ones.
    ///
    /// # Errors
    /// When a parameter is out of bounds, be it a flag's or the file's, or the prompt's file cannot be
    /// read.
    pub fn parameters(&self, defaults: &Defaults) -> anyhow::Result<Parameters> {
        let usual = Parameters::default();
        let load = self.load()?;
        let mut params = defaults.params.clone();
        params.extend(self.params()?);
        let parameters = Parameters {
            prompt: self.prompt()?.or_else(|| defaults.prompt.clone()).unwrap_or(usual.prompt),
            runs: self.runs.or(defaults.runs).unwrap_or(usual.runs),
            max_tokens: self.max_tokens.or(defaults.max_tokens).unwrap_or(usual.max_tokens),
            temperature: self.temperature.or(defaults.temperature).unwrap_or(usual.temperature),
            context_tiers: self
                .context_tiers
                .clone()
                .or_else(|| defaults.context_tiers.clone())
                .unwrap_or(usual.context_tiers),
            warmup: !self.no_warmup && defaults.warmup.unwrap_or(usual.warmup),
            params,
            timeouts: self.timeouts(defaults),
            load,
        };
        parameters.check()?;
        Ok(parameters)
    }

    /// The format that was asked for, or that the output file's name suggests.
    pub fn format(&self) -> Format {
        let suggested = || self.output.as_deref().and_then(Format::of_file);
        self.format.or_else(suggested).unwrap_or(Format::Table)
    }

    fn load(&self) -> anyhow::Result<Option<LoadParameters>> {
        let Some(rate) = self.rate else { return self.closed_loop() };
        ensure!(
            self.runs.is_none(),
            "--runs makes one request at a time and --rate makes many: leave --runs out and say how many with \
             --requests or --duration"
        );
        let seed = self.arrival_seed.unwrap_or_else(|| rand::random::<u32>().into());
        let open = OpenLoop { rate, arrivals: self.arrivals.unwrap_or_default(), seed };
        let requests = match (self.requests, self.duration) {
            (Some(requests), None) => requests,
            (None, Some(duration_s)) => open.requests_within(duration_s)?,
            (None, None) => bail!("--rate needs an end: add --requests or --duration"),
            (Some(_), Some(_)) => bail!("--requests and --duration both end the load: give only one"),
        };
        let concurrency = self.concurrency.unwrap_or(DEFAULT_MAX_IN_FLIGHT);
        Ok(Some(LoadParameters { concurrency, requests, open_loop: Some(open) }))
    }

    fn closed_loop(&self) -> anyhow::Result<Option<LoadParameters>> {
        for (flag, is_given) in [
            ("--arrivals", self.arrivals.is_some()),
            ("--arrival-seed", self.arrival_seed.is_some()),
            ("--duration", self.duration.is_some()),
        ] {
            ensure!(!is_given, "{flag} belongs to a load at a rate: add --rate, or leave {flag} out");
        }
        match (self.concurrency, self.requests) {
            (None, None) => Ok(None),
            (Some(_), None) => bail!("--concurrency needs --requests: the number of requests in total"),
            (None, Some(_)) => {
                bail!("--requests needs --concurrency (requests in flight) or --rate (requests per second)")
            }
            (Some(_), Some(_)) if self.runs.is_some() => bail!(
                "--runs makes one request at a time and --concurrency makes many: leave one of them out"
            ),
            (Some(concurrency), Some(requests)) => Ok(Some(LoadParameters::closed(concurrency, requests))),
        }
    }

    fn prompt(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.prompt_file else { return Ok(self.prompt.clone()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Some(text))
    }

    fn params(&self) -> anyhow::Result<Map<String, Value>> {
        let mut params = Map::new();
        for (key, value) in &self.param {
            ensure!(params.insert(key.clone(), value.clone()).is_none(), "--param {key} is given twice");
        }
        Ok(params)
    }

    fn timeouts(&self, defaults: &Defaults) -> Timeouts {
        let usual = Timeouts::default();
        Timeouts {
            connect_s: self.connect_timeout.or(defaults.connect_timeout).unwrap_or(usual.connect_s),
            first_token_s: self
                .first_token_timeout
                .or(defaults.first_token_timeout)
                .unwrap_or(usual.first_token_s),
            total_s: self.timeout.or(defaults.timeout).unwrap_or(usual.total_s),
        }
    }
}

fn runs(text: &str) -> Result<u32, String> {
    within(text, RUNS_RANGE, "a whole number from 1 to 20")
}

fn max_tokens(text: &str) -> Result<u32, String> {
    within(text, MAX_TOKENS_RANGE, "a whole number from 1 to 128000")
}

fn tier(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| "expected token counts, such as 0,5000,50000".to_owned())
}

fn temperature(text: &str) -> Result<f64, String> {
    within(text, TEMPERATURE_RANGE, "a number from 0 to 2")
}

fn within<T: std::str::FromStr + PartialOrd>(
    text: &str,
    range: std::ops::RangeInclusive<T>,
    expected: &str,
) -> Result<T, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|value| range.contains(value))
        .ok_or_else(|| format!("expected {expected}"))
}

fn seconds(text: &str) -> Result<f64, String> {
    within(text, TIMEOUT_RANGE, "a number of seconds from 0.001 to 86400")
}

fn concurrency(text: &str) -> Result<u32, String> {
    within(text, CONCURRENCY_RANGE, "a whole number from 1 to 4096")
}

fn requests(text: &str) -> Result<u64, String> {
    within(text, 1..=u64::MAX, "a whole number from 1 on")
}

fn rate(text: &str) -> Result<f64, String> {
    within(text, RATE_RANGE, "a number of requests per second from 0.001 to 10000")
}

fn duration(text: &str) -> Result<f64, String> {
    within(text, OPEN_LOOP_DURATION_RANGE, "a number of seconds from 0.001 to 86400")
}

fn seed(text: &str) -> Result<u64, String> {
    within(text, 0..=u64::MAX, "a whole number from 0 on")
}

fn arrivals(text: &str) -> Result<Arrivals, String> {
    let known = Arrivals::ALL.into_iter().find(|arrivals| arrivals.as_str() == text.trim());
    known.ok_or_else(|| format!("expected {}", Arrivals::ALL.map(Arrivals::as_str).join(" or ")))
}

/// `key=value`, where the value is JSON or else text.
fn parameter(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as top_p=0.9")?;
    let key = key.trim();
    if key.is_empty() {
        return Err("expected a name before the =".to_owned());
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::cli::config::File;

    #[derive(Debug, Parser)]
    struct Bench {
        #[command(flatten)]
        args: Args,
    }

    fn args(flags: &[&str]) -> Args {
        Bench::try_parse_from(["bench"].iter().chain(flags)).unwrap().args
    }

    fn parameters(flags: &[&str], yaml: &str) -> anyhow::Result<Parameters> {
        args(flags).parameters(&File::parse(yaml).unwrap().defaults)
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        assert_eq!(parameters(&[], "").unwrap(), Parameters::default());
    }

    #[test]
    fn flags_win_over_the_file() {
        let yaml =
            "defaults: {runs: 5, max_tokens: 64, params: {top_p: 0.5, seed: 1}, timeout: 9, warmup: false}";
        let found = parameters(&["--runs", "2", "--param", "top_p=0.9"], yaml).unwrap();
        assert_eq!((found.runs, found.max_tokens, found.timeouts.total_s, found.warmup), (2, 64, 9.0, false));
        assert_eq!(Value::from(found.params), json!({"top_p": 0.9, "seed": 1}));
    }

    #[test]
    fn the_files_defaults_are_checked_too() {
        for (yaml, name) in [
            ("defaults: {runs: 50}", "runs"),
            ("defaults: {max_tokens: 0}", "max_tokens"),
            ("defaults: {temperature: 3}", "temperature"),
            ("defaults: {context_tiers: []}", "context_tiers"),
            ("defaults: {context_tiers: [5, 0, 5]}", "context_tiers"),
            ("defaults: {timeout: -1}", "timeout"),
            ("defaults: {prompt: ' '}", "prompt"),
        ] {
            let error = format!("{:#}", parameters(&[], yaml).unwrap_err());
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn parameters_are_json_or_text() {
        let found = args(&[
            "--param",
            "seed=7",
            "--param",
            "stop=[\"END\"]",
            "--param",
            "effort=low",
            "--param",
            "x=a=b",
        ]);
        let values: Vec<_> = found.param.iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(values, [json!(7), json!(["END"]), json!("low"), json!("a=b")]);
        assert!(parameters(&["--param", "a=1", "--param", "a=2"], "").is_err());
    }

    #[test]
    fn a_rate_makes_an_open_loop() {
        let load = |flags: &[&str]| parameters(flags, "defaults: {runs: 5}").unwrap().load.unwrap();
        let usual = load(&["--rate", "20", "--requests", "100"]);
        assert_eq!((usual.concurrency, usual.requests), (DEFAULT_MAX_IN_FLIGHT, 100));
        let open = usual.open_loop.unwrap();
        assert_eq!((open.rate, open.arrivals), (20.0, Arrivals::Poisson));
        let flags = ["--rate", "2.5", "--duration", "60", "--arrivals", "constant", "--arrival-seed", "7"];
        let all = load(&[&flags[..], &["--concurrency", "8"]].concat());
        let open_loop = Some(OpenLoop { rate: 2.5, arrivals: Arrivals::Constant, seed: 7 });
        assert_eq!(all, LoadParameters { concurrency: 8, requests: 150, open_loop });
    }

    #[test]
    fn load_flags_that_do_not_go_together_say_what_to_do() {
        for (flags, expected) in [
            (&["--rate", "20"][..], "add --requests or --duration"),
            (&["--rate", "20", "--requests", "9", "--duration", "9"], "give only one"),
            (&["--rate", "20", "--requests", "9", "--runs", "3"], "leave --runs out"),
            (&["--rate", "0.1", "--duration", "1"], "less than one request"),
            (&["--rate", "10000", "--duration", "86400"], "at most 1000000"),
            (&["--rate", "20", "--requests", "1000001"], "1 to 1000000 requests"),
            (&["--rate", "0.001", "--requests", "1000"], "a load lasts at most 86400 s"),
            (&["--arrivals", "poisson", "--concurrency", "8", "--requests", "9"], "add --rate"),
            (&["--duration", "9"], "--duration belongs to a load at a rate"),
            (&["--arrival-seed", "9"], "--arrival-seed belongs to a load at a rate"),
            (&["--concurrency", "8"], "--concurrency needs --requests"),
            (&["--requests", "8"], "--requests needs --concurrency (requests in flight) or --rate"),
            (&["--concurrency", "8", "--requests", "9", "--runs", "3"], "leave one of them out"),
        ] {
            let error = format!("{:#}", parameters(flags, "").unwrap_err());
            assert!(error.contains(expected), "{flags:?}: {error}");
        }
    }

    #[test]
    fn tiers_are_a_list() {
        assert_eq!(args(&["--context-tiers", "0,5000,50000"]).context_tiers, Some(vec![0, 5_000, 50_000]));
    }

    #[test]
    fn the_output_files_name_suggests_the_format() {
        assert_eq!(args(&["--output", "a.csv"]).format(), Format::Csv);
        assert_eq!(args(&["--output", "a.csv", "--format", "json"]).format(), Format::Json);
        assert_eq!(args(&[]).format(), Format::Table);
    }
}
