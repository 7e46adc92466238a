//! Requests to start a benchmark, from REST or a page, and their conversion to parameters. Invalid parameters are
//! rejected by name; the answer names the fields that were ignored because they are unknown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::view::BenchmarkView;
use bench::PlanError;
use bench::bounds::{ensure, within};
use bench::types::{DEFAULT_RUNS_OF_REQUESTS, MAX_TOKENS_RANGE, Parameters, TEMPERATURE_RANGE, Timeouts};
use endpoint::{ModelRef, registry};

/// Maximum number of characters of a prompt.
pub const MAX_PROMPT_CHARS: usize = 500_000;
/// Maximum number of ignored fields that an answer names.
const MAX_WARNINGS: usize = 20;
/// Timeout of one run in seconds.
pub const RUN_TIMEOUT_RANGE: std::ops::RangeInclusive<f64> = 1.0..=1_800.0;
/// Maximum of models × tiers × runs of one benchmark: 200 models with 20 runs each. All of them are on one
/// page and are sent one after the other to a tab that reconnects, and a job ends after two hours anyway.
pub const MAX_RUNS: u64 = 4_000;

/// A request to start a benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BenchmarkRequest {
    /// Ids, `provider/model` pairs, display names or aliases of your models. A name that several of them have means
    /// all of them. Ignored if there are `targets`.
    pub models: Vec<String>,
    /// Models as provider key and model id.
    pub targets: Vec<ModelRef>,
    /// If blank, the default prompt is used.
    pub prompt: Option<String>,
    /// 1 to 20, and at most the limit of your account. Default: 1.
    #[serde(default = "default_runs")]
    pub runs: u32,
    /// 1 to 128000. Default: that of `provider_params`, or 512.
    pub max_tokens: Option<u32>,
    /// 0 to 2. Default: that of `provider_params`, or 0.7.
    pub temperature: Option<f64>,
    /// Context tokens before the prompt; 0 sends the prompt without context.
    pub context_tiers: Vec<u64>,
    /// Timeout of one run in seconds, 1 to 1800. Default: 120 to the first token, 300 in total.
    pub timeout: Option<f64>,
    /// One extra, discarded run per model and size.
    pub warmup: bool,
    /// Further parameters with the registry's names; parameters of a single provider in `passthrough`.
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub provider_params: Option<Map<String, Value>>,
    /// Not supported yet: rejected unless empty.
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub profiles: Option<Map<String, Value>>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    #[cfg_attr(feature = "ssr", schema(ignore))]
    pub unknown: Map<String, Value>,
}

fn default_runs() -> u32 {
    DEFAULT_RUNS_OF_REQUESTS
}

impl Default for BenchmarkRequest {
    fn default() -> Self {
        let usual = Parameters::default();
        Self {
            models: Vec::new(),
            targets: Vec::new(),
            prompt: None,
            runs: usual.runs,
            max_tokens: None,
            temperature: None,
            context_tiers: usual.context_tiers,
            timeout: None,
            warmup: usual.warmup,
            provider_params: None,
            profiles: None,
            unknown: Map::new(),
        }
    }
}

impl BenchmarkRequest {
    /// Creates a request that repeats this benchmark.
    pub fn again<Row>(view: &BenchmarkView<Row>) -> Self {
        let Parameters {
            prompt, runs, max_tokens, temperature, context_tiers, warmup, params, timeouts, ..
        } = view.parameters.clone();
        let timeout = (timeouts != Timeouts::default()).then_some(timeouts.total_s);
        Self {
            targets: view.targets.clone(),
            prompt: Some(prompt),
            runs,
            max_tokens: Some(max_tokens),
            temperature: Some(temperature),
            context_tiers,
            timeout,
            warmup,
            provider_params: Some(params),
            ..Self::default()
        }
    }

    /// Validates and returns the parameters.
    ///
    /// # Errors
    /// Returns the name of the first parameter that is out of bounds or unsupported, and the solution.
    pub fn parameters(&self) -> Result<Parameters, PlanError> {
        ensure(self.profiles.as_ref().is_none_or(Map::is_empty), || {
            "profiles are not offered yet: leave `profiles` out and set `provider_params`".into()
        })?;
        let params = self.provider_params.clone().unwrap_or_default();
        check_params(&params)?;
        let usual = Parameters::default();
        let parameters = Parameters {
            prompt: self.prompt.clone().filter(|prompt| !prompt.trim().is_empty()).unwrap_or(usual.prompt),
            runs: self.runs,
            max_tokens: self.max_tokens.or_else(|| asked_tokens(&params)).unwrap_or(usual.max_tokens),
            temperature: self.temperature.or_else(|| asked_temperature(&params)).unwrap_or(usual.temperature),
            context_tiers: self.context_tiers.clone(),
            warmup: self.warmup,
            params,
            timeouts: timeouts(self.timeout)?,
            load: None,
        };
        check_prompt(&parameters.prompt)?;
        parameters.check()?;
        Ok(parameters)
    }
}

impl BenchmarkRequest {
    /// Returns a sentence about each field that is ignored.
    pub fn warnings(&self) -> Vec<String> {
        let known = self.unknown.keys().take(MAX_WARNINGS);
        known.map(|name| format!("`{name}` is not known and was ignored.")).collect()
    }
}

/// Returns the temperature among the parameters. Without it the benchmark would record a temperature that nobody
/// asked for and that is not sent.
fn asked_temperature(params: &Map<String, Value>) -> Option<f64> {
    params.get("temperature")?.as_f64().filter(|temperature| TEMPERATURE_RANGE.contains(temperature))
}

/// Returns the limit of output tokens among the parameters.
fn asked_tokens(params: &Map<String, Value>) -> Option<u32> {
    let names = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
    let tokens = names.iter().find_map(|name| params.get(*name)?.as_u64())?;
    u32::try_from(tokens).ok().filter(|tokens| MAX_TOKENS_RANGE.contains(tokens))
}

/// Checks the number of runs with this many models.
///
/// # Errors
/// Returns the number of runs and the maximum.
pub fn check_size(models: usize, parameters: &Parameters) -> Result<(), PlanError> {
    let (models, tiers) = (models as u64, parameters.context_tiers.len() as u64);
    let runs = models.saturating_mul(tiers).saturating_mul(parameters.runs.into());
    ensure(runs <= MAX_RUNS, || {
        format!(
            "{models} models × {tiers} tiers × {} runs are {runs} runs, and one benchmark has at most {MAX_RUNS}: \
             choose fewer",
            parameters.runs
        )
    })
}

/// Uses the timeout of a run for the first token too: with a large context on a slow machine most of the time
/// passes before the first token.
fn timeouts(total_s: Option<f64>) -> Result<Timeouts, PlanError> {
    let usual = Timeouts::default();
    let Some(total_s) = total_s else { return Ok(usual) };
    within("timeout", &total_s, &RUN_TIMEOUT_RANGE)?;
    Ok(Timeouts { connect_s: usual.connect_s.min(total_s), first_token_s: total_s, total_s })
}

pub(super) fn check_prompt(prompt: &str) -> Result<(), PlanError> {
    let length = prompt.chars().count();
    ensure(length <= MAX_PROMPT_CHARS, || {
        format!("the prompt has {length} characters, and the longest may have {MAX_PROMPT_CHARS}: shorten it")
    })
}

/// Rejects parameters that would redirect a request or contain credentials. The engine would drop them, but a
/// key written there by mistake must never be stored.
fn check_params(params: &Map<String, Value>) -> Result<(), PlanError> {
    let passthrough = match params.get("passthrough") {
        None | Some(Value::Null) => None,
        Some(Value::Object(inner)) => Some(inner),
        Some(_) => {
            return bench::bounds::refuse("passthrough has to be an object of names and values".into());
        }
    };
    let names = params
        .keys()
        .filter(|name| *name != "passthrough")
        .chain(passthrough.into_iter().flat_map(Map::keys));
    let protected = names.into_iter().find(|name| registry::is_protected(name));
    ensure(protected.is_none(), || {
        let name = protected.map_or("", String::as_str);
        format!("{name} belongs to the request itself and cannot be set as a parameter: leave it out")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(body: Value) -> Result<Parameters, String> {
        let request: BenchmarkRequest = serde_json::from_value(body).map_err(|error| error.to_string())?;
        request.parameters().map_err(|error| error.0)
    }

    #[test]
    fn an_empty_request_has_the_default_parameters_and_one_run() {
        let usual = Parameters { runs: 1, ..Parameters::default() };
        assert_eq!(asked(json!({})), Ok(usual.clone()));
        assert_eq!(asked(json!({"prompt": " \n", "profiles": {}})), Ok(usual.clone()));
        assert_eq!(asked(json!({"profiles": null, "provider_params": null})), Ok(usual));
    }

    #[test]
    fn parameters_of_the_provider_are_the_default() {
        let params = json!({"temperature": 0.5, "max_tokens": 64});
        let parameters = asked(json!({"provider_params": params})).unwrap();
        assert_eq!((parameters.temperature, parameters.max_tokens), (0.5, 64));
        let both = json!({"temperature": 1, "max_tokens": 32, "provider_params": params});
        let parameters = asked(both).unwrap();
        assert_eq!((parameters.temperature, parameters.max_tokens), (1.0, 32));
        let odd = json!({"provider_params": {"temperature": "hot", "max_tokens": -1}});
        let parameters = asked(odd).unwrap();
        assert_eq!((parameters.temperature, parameters.max_tokens), (0.7, 512));
    }

    #[test]
    fn unknown_fields_are_ignored_and_named() {
        let request: BenchmarkRequest = serde_json::from_value(json!({"note": "x", "runs": 2})).unwrap();
        assert_eq!(request.parameters().unwrap().runs, 2);
        assert_eq!(request.warnings(), ["`note` is not known and was ignored."]);
        let json = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<BenchmarkRequest>(json).unwrap(), request);
    }

    #[test]
    fn the_timeout_is_used() {
        let timeouts = asked(json!({"timeout": 7})).unwrap().timeouts;
        assert_eq!(timeouts, Timeouts { connect_s: 7.0, first_token_s: 7.0, total_s: 7.0 });
        assert_eq!(asked(json!({"timeout": 1800})).unwrap().timeouts.first_token_s, 1800.0);
    }

    #[test]
    fn rejects_unsupported_parameters_by_name() {
        let long = "x".repeat(MAX_PROMPT_CHARS + 1);
        for (body, expected) in [
            (json!({"runs": 21}), "runs must be 1 to 20, not 21"),
            (json!({"runs": -1}), "-1"),
            (json!({"max_tokens": 128_001}), "max_tokens must be 1 to 128000"),
            (json!({"temperature": 2.5}), "temperature must be 0 to 2"),
            (json!({"context_tiers": []}), "at least one"),
            (json!({"context_tiers": [-5]}), "-5"),
            (json!({"context_tiers": [1_000_000_000]}), "must be 0 to 2000000"),
            (json!({"timeout": 0}), "timeout must be 1 to 1800"),
            (json!({"prompt": long}), "500001 characters"),
            (json!({"profiles": {"m": "fast"}}), "profiles are not offered"),
            (json!({"provider_params": {"api_base": "http://x"}}), "api_base belongs to the request"),
            (json!({"provider_params": {"passthrough": {"Api-Key": "sk"}}}), "Api-Key belongs"),
            (json!({"provider_params": {"passthrough": {"headers": {}}}}), "headers belongs"),
            (json!({"provider_params": {"passthrough": 7}}), "passthrough has to be an object"),
        ] {
            let error = asked(body).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn limits_the_number_of_runs() {
        let parameters = Parameters { runs: 20, ..Parameters::default() };
        assert_eq!(check_size(200, &parameters), Ok(()));
        let error = check_size(201, &parameters).unwrap_err();
        assert!(error.0.contains("4020 runs"), "{error}");
    }
}
