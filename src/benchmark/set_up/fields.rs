//! The form's fields as submitted text, and their conversion to a request.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::benchmark::submission::{BenchmarkRequest, MAX_PROMPT_CHARS};
use bench::types::{MAX_TIER, Parameters};
use endpoint::ModelRef;
use ui::form::{Bounds, submitted_text};
use ui::format::integer;

/// The context sizes of the form, in tokens.
pub const TIERS: [u64; 8] = [0, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 150_000];

/// The bounds of the form's numbers.
pub mod bounds {
    use std::ops::RangeInclusive;

    use crate::benchmark::submission::RUN_TIMEOUT_RANGE;
    use bench::types::{MAX_TOKENS_RANGE, RUNS_RANGE, TEMPERATURE_RANGE};
    use ui::form::Bounds;

    pub const RUNS: Bounds = whole(RUNS_RANGE);
    pub const MAX_TOKENS: Bounds = whole(MAX_TOKENS_RANGE);
    pub const TEMPERATURE: Bounds = Bounds { step: Some(0.1), ..between(TEMPERATURE_RANGE) };
    pub const TIMEOUT: Bounds = between(RUN_TIMEOUT_RANGE);
    pub const TOP_P: Bounds = Bounds { step: Some(0.05), ..Bounds::between(0.0, 1.0) };
    pub const TOP_K: Bounds = Bounds::whole(1.0, 1_000.0);
    pub const PENALTY: Bounds = Bounds { step: Some(0.1), ..Bounds::between(-2.0, 2.0) };
    pub const SEED: Bounds = Bounds::whole(0.0, 2_147_483_647.0);

    const fn whole(range: RangeInclusive<u32>) -> Bounds {
        Bounds::whole(*range.start() as f64, *range.end() as f64)
    }

    const fn between(range: RangeInclusive<f64>) -> Bounds {
        Bounds::between(*range.start(), *range.end())
    }
}

/// All fields of the form. An empty text means the default or no value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetUpFields {
    /// Chosen models, each as `provider/model`.
    pub models: Vec<String>,
    pub runs: String,
    pub max_tokens: String,
    pub temperature: String,
    /// The chosen template; its text is used if `prompt` is empty.
    pub template: String,
    pub prompt: String,
    /// Checked context sizes, in tokens.
    pub tiers: Vec<String>,
    /// Further context sizes, separated by commas or spaces.
    pub own_tiers: String,
    /// A check box: empty means no.
    pub warmup: String,
    /// Seconds.
    pub timeout: String,
    pub top_p: String,
    pub top_k: String,
    pub frequency_penalty: String,
    pub presence_penalty: String,
    pub seed: String,
    pub reasoning_effort: String,
    /// One sequence per line.
    pub stop: String,
    /// A JSON object.
    pub passthrough: String,
}

/// An error of a field, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The field's name; `models` if none is chosen.
    pub field: String,
    pub sentence: String,
}

impl SetUpFields {
    /// Creates the form for these parameters and models.
    pub fn of<'a>(parameters: &Parameters, models: impl IntoIterator<Item = &'a ModelRef>) -> Self {
        let params = &parameters.params;
        let text = |name: &str| params.get(name).map(text_of).unwrap_or_default();
        let usual = Parameters::default().timeouts;
        let timeout = (parameters.timeouts != usual).then(|| parameters.timeouts.total_s.to_string());
        Self {
            models: models.into_iter().map(ModelRef::to_string).collect(),
            runs: parameters.runs.to_string(),
            max_tokens: parameters.max_tokens.to_string(),
            temperature: parameters.temperature.to_string(),
            template: String::new(),
            prompt: parameters.prompt.clone(),
            tiers: parameters.context_tiers.iter().map(u64::to_string).collect(),
            own_tiers: String::new(),
            warmup: if parameters.warmup { "true".to_owned() } else { String::new() },
            timeout: timeout.unwrap_or_default(),
            top_p: text("top_p"),
            top_k: text("top_k"),
            frequency_penalty: text("frequency_penalty"),
            presence_penalty: text("presence_penalty"),
            seed: text("seed"),
            reasoning_effort: text("reasoning_effort"),
            stop: text("stop"),
            passthrough: passthrough_text(params),
        }
    }

    /// Returns whether an advanced parameter is set, so that its section is open.
    pub fn has_advanced(&self) -> bool {
        self.advanced().into_iter().any(|text| !text.trim().is_empty())
    }

    fn advanced(&self) -> [&str; 8] {
        [
            &self.top_p,
            &self.top_k,
            &self.frequency_penalty,
            &self.presence_penalty,
            &self.seed,
            &self.reasoning_effort,
            &self.stop,
            &self.passthrough,
        ]
    }

    /// Converts the form to a request.
    ///
    /// # Errors
    /// Returns the errors of all fields.
    pub fn request(&self) -> Result<BenchmarkRequest, Vec<Complaint>> {
        let mut reader = Reader::default();
        let usual = BenchmarkRequest::default();
        let request = BenchmarkRequest {
            targets: reader.models(&self.models),
            prompt: reader.prompt(&self.prompt),
            runs: reader.number("runs", &self.runs, bounds::RUNS).map_or(usual.runs, |runs| runs as u32),
            max_tokens: reader
                .number("max_tokens", &self.max_tokens, bounds::MAX_TOKENS)
                .map(|tokens| tokens as u32),
            temperature: reader.number("temperature", &self.temperature, bounds::TEMPERATURE),
            context_tiers: reader.tiers(&self.tiers, &self.own_tiers),
            timeout: reader.number("timeout", &self.timeout, bounds::TIMEOUT),
            warmup: !self.warmup.is_empty(),
            provider_params: reader.params(self),
            ..usual
        };
        if reader.complaints.is_empty() { Ok(request) } else { Err(reader.complaints) }
    }
}

/// Parses fields and collects their errors.
#[derive(Default)]
struct Reader {
    complaints: Vec<Complaint>,
}

impl Reader {
    fn add_error(&mut self, field: &str, sentence: impl Into<String>) {
        self.complaints.push(Complaint { field: field.to_owned(), sentence: sentence.into() });
    }

    fn number(&mut self, field: &str, text: &str, bounds: Bounds) -> Option<f64> {
        bounds.parse(text).unwrap_or_else(|sentence| {
            self.add_error(field, sentence);
            None
        })
    }

    fn models(&mut self, names: &[String]) -> Vec<ModelRef> {
        if names.is_empty() {
            self.add_error("models", "Choose at least one model.");
        }
        let split = names.iter().filter_map(|name| name.split_once('/'));
        split
            .map(|(provider, model)| ModelRef { provider_key: provider.into(), model_id: model.into() })
            .collect()
    }

    fn prompt(&mut self, text: &str) -> Option<String> {
        let length = text.chars().count();
        if length > MAX_PROMPT_CHARS {
            self.add_error(
                "prompt",
                format!("Shorten the prompt to {MAX_PROMPT_CHARS} characters; it has {length}."),
            );
        }
        (!text.trim().is_empty()).then(|| submitted_text(text))
    }

    fn tiers(&mut self, checked: &[String], own: &str) -> Vec<u64> {
        let own = own.split([',', ';', ' ']).filter(|text| !text.is_empty());
        let mut tiers = Vec::new();
        for text in checked.iter().map(String::as_str).chain(own) {
            match text.trim().parse::<u64>() {
                Ok(tier) if tier <= MAX_TIER => tiers.push(tier),
                _ => self.add_error(
                    "tiers",
                    format!("{text}: context size must be 0–{} tokens.", integer(MAX_TIER)),
                ),
            }
        }
        tiers.sort_unstable();
        tiers.dedup();
        if tiers.is_empty() {
            self.add_error("tiers", "Choose at least one context size; 0 is the bare prompt.");
        }
        tiers
    }

    fn params(&mut self, fields: &SetUpFields) -> Option<Map<String, Value>> {
        let mut params = Map::new();
        for (name, text, bounds) in [
            ("top_p", &fields.top_p, bounds::TOP_P),
            ("top_k", &fields.top_k, bounds::TOP_K),
            ("frequency_penalty", &fields.frequency_penalty, bounds::PENALTY),
            ("presence_penalty", &fields.presence_penalty, bounds::PENALTY),
            ("seed", &fields.seed, bounds::SEED),
        ] {
            if let Some(number) = self.number(name, text, bounds) {
                params.insert(name.to_owned(), json_number(number));
            }
        }
        if !fields.reasoning_effort.is_empty() {
            params.insert("reasoning_effort".to_owned(), fields.reasoning_effort.clone().into());
        }
        let stops: Vec<&str> = fields.stop.lines().filter(|line| !line.is_empty()).collect();
        if !stops.is_empty() {
            params.insert("stop".to_owned(), stops.into());
        }
        if let Some(object) = self.passthrough(&fields.passthrough) {
            params.insert("passthrough".to_owned(), object.into());
        }
        (!params.is_empty()).then_some(params)
    }

    fn passthrough(&mut self, text: &str) -> Option<Map<String, Value>> {
        if text.trim().is_empty() {
            return None;
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => return Some(object),
            Ok(_) => self.add_error("passthrough", "Enter a JSON object: names and values in { }."),
            Err(error) => self.add_error("passthrough", format!("This is not valid JSON: {error}.")),
        }
        None
    }
}

/// Writes whole numbers without a decimal point, because providers reject a seed of 7.0.
fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

/// Parameters that have their own field.
const WITH_FIELD: [&str; 8] = [
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "reasoning_effort",
    "stop",
    "passthrough",
];

/// Returns all parameters without a field as JSON, e.g. of a benchmark that was started over REST.
fn passthrough_text(params: &Map<String, Value>) -> String {
    let inner = params.get("passthrough").and_then(Value::as_object).into_iter().flatten();
    let others = params.iter().filter(|(name, _)| !WITH_FIELD.contains(&name.as_str()));
    let all: Map<String, Value> =
        others.chain(inner).map(|(name, value)| (name.clone(), value.clone())).collect();
    if all.is_empty() { String::new() } else { Value::Object(all).to_string() }
}
