//! Scenarios: timing, size and failures of responses. The server has one scenario from its flags; each request
//! can change it by the model's name.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::presets::Preset;
use super::values::{Failure, Millis, Share, Think, UsageReport, count};

/// A description of answers. Times are in milliseconds and may have fractions.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Scenario {
    /// From the receipt of a request to its first token.
    #[arg(long = "ttft-ms", value_name = "MS", default_value_t = DEFAULT.ttft)]
    pub ttft: Millis,
    /// Draw the time to the first token evenly between --ttft-ms and this; 0: always --ttft-ms.
    #[arg(long = "ttft-max-ms", value_name = "MS", default_value_t = DEFAULT.ttft_max)]
    pub ttft_max: Millis,
    /// Between two socket writes; 0: as fast as the client reads.
    #[arg(long = "gap-ms", value_name = "MS", default_value_t = DEFAULT.gap)]
    pub gap: Millis,
    /// Each gap differs evenly by up to this, both ways.
    #[arg(long = "jitter-ms", value_name = "MS", default_value_t = DEFAULT.jitter)]
    pub jitter: Millis,
    /// From the last token to the usage and the end mark.
    #[arg(long = "tail-ms", value_name = "MS", default_value_t = DEFAULT.tail)]
    pub tail: Millis,
    /// From the receipt of a request to the status line.
    #[arg(long = "headers-ms", value_name = "MS", default_value_t = DEFAULT.headers)]
    pub headers: Millis,
    /// Tokens of visible text; the request's own maximum cuts them short.
    #[arg(long, value_name = "N", value_parser = count::<MAX_TOKENS>, default_value_t = DEFAULT.tokens)]
    pub tokens: u32,
    /// Tokens in one event of the stream.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.tokens_per_chunk)]
    pub tokens_per_chunk: NonZeroU32,
    /// Events in one socket write.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.burst)]
    pub burst: NonZeroU32,
    /// Tokens of reasoning before the text.
    #[arg(long, value_name = "N", value_parser = count::<MAX_TOKENS>, default_value_t = DEFAULT.reasoning_tokens)]
    pub reasoning_tokens: u32,
    /// Place of the reasoning: a separate `field`, or inline in <think> `tags`.
    #[arg(long, value_name = "HOW", default_value_t = DEFAULT.think)]
    pub think: Think,
    /// Number of tool calls made instead of text, to the tools in the request.
    #[arg(long, value_name = "N", value_parser = count::<MAX_TOOL_CALLS>, default_value_t = DEFAULT.tool_calls)]
    pub tool_calls: u32,
    /// Token usage: `reported`, `none`, or `rejected` (none, and 400 when `stream_options` asks for it).
    #[arg(long, value_name = "HOW", default_value_t = DEFAULT.usage)]
    pub usage: UsageReport,
    /// Input tokens reported as read from a prompt cache.
    #[arg(long, value_name = "N", value_parser = count::<MAX_TOKENS>, default_value_t = DEFAULT.cached_tokens)]
    pub cached_tokens: u32,
    /// Failure mode: `none`, a status from 400 to 599, `stream` (error event), `stall`, `cut`, `hang`.
    #[arg(long, value_name = "HOW", default_value_t = DEFAULT.error)]
    pub error: Failure,
    /// Tokens sent before `stream`, `stall` and `cut` happen.
    #[arg(long, value_name = "N", value_parser = count::<MAX_TOKENS>, default_value_t = DEFAULT.error_after)]
    pub error_after: u32,
    /// Share of requests that fail, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = DEFAULT.error_rate)]
    pub error_rate: Share,
    /// Seed of all random values.
    #[arg(long, value_name = "N", default_value_t = DEFAULT.seed)]
    pub seed: u64,
}

/// Larger than any context window, and small enough to hold in memory.
const MAX_TOKENS: u32 = 1_000_000;
const MAX_TOOL_CALLS: u32 = 1_000;
const ONE: NonZeroU32 = NonZeroU32::MIN;

/// The scenario without any flag.
pub(super) const DEFAULT: Scenario = Scenario {
    ttft: Millis::of(200),
    ttft_max: Millis::of(0),
    gap: Millis::of(10),
    jitter: Millis::of(0),
    tail: Millis::of(0),
    headers: Millis::of(0),
    tokens: 64,
    tokens_per_chunk: ONE,
    burst: ONE,
    reasoning_tokens: 0,
    think: Think::Field,
    tool_calls: 0,
    usage: UsageReport::Reported,
    cached_tokens: 0,
    error: Failure::None,
    error_after: 5,
    error_rate: Share::new(1.0),
    seed: 0,
};

impl Default for Scenario {
    fn default() -> Self {
        DEFAULT
    }
}

/// The settings allowed in a model name, each with its description.
pub const SETTINGS: [(&str, &str); 18] = [
    ("ttft", "time to first token, ms"),
    ("ttft_max", "upper end of a range that begins at ttft, ms"),
    ("gap", "between socket writes, ms"),
    ("jitter", "how much a gap differs, ms"),
    ("tail", "from the last token to usage and end mark, ms"),
    ("headers", "delay before the status line, ms"),
    ("tokens", "tokens of text"),
    ("chunk", "tokens per event"),
    ("burst", "events per socket write"),
    ("reasoning", "tokens of reasoning"),
    ("think", "field, tags"),
    ("tools", "number of tool calls"),
    ("usage", "reported, none, rejected"),
    ("cached", "cached input tokens"),
    ("error", "none, 400 to 599, stream, stall, cut, hang"),
    ("error_after", "tokens before stream, stall, cut"),
    ("error_rate", "share of requests that fail, 0 to 1"),
    ("seed", "seed of all random values"),
];

/// An invalid scenario in a model name. The message is one sentence for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Unknown setting; holds its name.
    #[error("unknown setting `{0}` in the model name; valid settings: {known}", known = known_settings())]
    UnknownSetting(String),
    /// A part of the name is not of the form `setting=value`; holds that part.
    #[error("`{0}` in the model name is not of the form setting=value")]
    NotASetting(String),
    /// The value of a setting is invalid.
    #[error("`{setting}={value}` in the model name: {reason}")]
    BadValue {
        /// Name of the setting.
        setting: String,
        /// The invalid value.
        value: String,
        /// Why it is invalid.
        reason: String,
    },
}

fn known_settings() -> String {
    SETTINGS.map(|(setting, _)| setting).join(", ")
}

impl Scenario {
    /// Returns the scenario for a model name: a preset's or this one, changed by the settings after the last
    /// `/`. A name without a `=` there has no settings.
    ///
    /// # Errors
    /// If a setting is unknown or its value is invalid.
    pub fn for_model(&self, model: &str) -> Result<Self, ScenarioError> {
        let (name, settings) = split_model(model);
        let base = Preset::named(name).map_or_else(|| self.clone(), |preset| preset.scenario());
        base.with(settings)
    }

    /// Returns this scenario changed by `settings`, comma-separated `setting=value` pairs.
    ///
    /// # Errors
    /// If a setting is unknown or its value is invalid.
    pub fn with(mut self, settings: &str) -> Result<Self, ScenarioError> {
        for pair in settings.split(',').filter(|pair| !pair.is_empty()) {
            let (setting, value) =
                pair.split_once('=').ok_or_else(|| ScenarioError::NotASetting(pair.to_owned()))?;
            self.set(setting.trim(), value.trim())?;
        }
        Ok(self)
    }

    fn set(&mut self, setting: &str, value: &str) -> Result<(), ScenarioError> {
        let outcome = match setting {
            "ttft" => assign(&mut self.ttft, value),
            "ttft_max" => assign(&mut self.ttft_max, value),
            "gap" => assign(&mut self.gap, value),
            "jitter" => assign(&mut self.jitter, value),
            "tail" => assign(&mut self.tail, value),
            "headers" => assign(&mut self.headers, value),
            "tokens" => count::<MAX_TOKENS>(value).map(|count| self.tokens = count),
            "chunk" => assign(&mut self.tokens_per_chunk, value),
            "burst" => assign(&mut self.burst, value),
            "reasoning" => count::<MAX_TOKENS>(value).map(|count| self.reasoning_tokens = count),
            "think" => assign(&mut self.think, value),
            "tools" => count::<MAX_TOOL_CALLS>(value).map(|count| self.tool_calls = count),
            "usage" => assign(&mut self.usage, value),
            "cached" => count::<MAX_TOKENS>(value).map(|count| self.cached_tokens = count),
            "error" => assign(&mut self.error, value),
            "error_after" => count::<MAX_TOKENS>(value).map(|count| self.error_after = count),
            "error_rate" => assign(&mut self.error_rate, value),
            "seed" => assign(&mut self.seed, value),
            _ => return Err(ScenarioError::UnknownSetting(setting.to_owned())),
        };
        outcome.map_err(|reason| ScenarioError::BadValue {
            setting: setting.to_owned(),
            value: value.to_owned(),
            reason,
        })
    }
}

fn split_model(model: &str) -> (&str, &str) {
    match model.rsplit_once('/') {
        Some((name, settings)) if settings.contains('=') => (name, settings),
        None if model.contains('=') => ("", model),
        _ => (model, ""),
    }
}

fn assign<T: FromStr<Err: fmt::Display>>(place: &mut T, value: &str) -> Result<(), String> {
    *place = value.parse().map_err(|error: T::Err| error.to_string())?;
    Ok(())
}

/// All settings in the form that [`Scenario::with`] reads.
impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ttft, ttft_max, gap, jitter, tail, headers, .. } = self;
        write!(f, "ttft={ttft},ttft_max={ttft_max},gap={gap},jitter={jitter},tail={tail},headers={headers}")?;
        let Self { tokens, tokens_per_chunk, burst, reasoning_tokens, think, tool_calls, .. } = self;
        write!(f, ",tokens={tokens},chunk={tokens_per_chunk},burst={burst}")?;
        write!(f, ",reasoning={reasoning_tokens},think={think},tools={tool_calls}")?;
        let Self { usage, cached_tokens, error, error_after, error_rate, seed, .. } = self;
        write!(f, ",usage={usage},cached={cached_tokens}")?;
        write!(f, ",error={error},error_after={error_after},error_rate={error_rate},seed={seed}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_scenario() -> impl Strategy<Value = Scenario> {
        let millis = || (0..=86_400_000_000_000_u64).prop_map(Millis::of_nanos);
        let positive = || (1..=u32::MAX).prop_map(|count| NonZeroU32::new(count).unwrap());
        let error = prop_oneof![
            (400_u16..600).prop_map(Failure::Status),
            prop::sample::select(vec![
                Failure::None,
                Failure::Stream,
                Failure::Stall,
                Failure::Cut,
                Failure::Hang
            ]),
        ];
        let usage =
            prop::sample::select(vec![UsageReport::Reported, UsageReport::None, UsageReport::Rejected]);
        let think = prop::sample::select(vec![Think::Field, Think::Tags]);
        let times = (millis(), millis(), millis(), millis(), millis(), millis());
        let tokens = || 0..=MAX_TOKENS;
        let sizes = (tokens(), positive(), positive(), tokens(), 0..=MAX_TOOL_CALLS, tokens());
        let rest = (think, usage, error, tokens(), 0.0..=1.0, any::<u64>());
        (times, sizes, rest).prop_map(|(times, sizes, rest)| Scenario {
            ttft: times.0,
            ttft_max: times.1,
            gap: times.2,
            jitter: times.3,
            tail: times.4,
            headers: times.5,
            tokens: sizes.0,
            tokens_per_chunk: sizes.1,
            burst: sizes.2,
            reasoning_tokens: sizes.3,
            tool_calls: sizes.4,
            cached_tokens: sizes.5,
            think: rest.0,
            usage: rest.1,
            error: rest.2,
            error_after: rest.3,
            error_rate: Share::new(rest.4),
            seed: rest.5,
        })
    }

    proptest! {
        #[test]
        fn every_scenario_can_be_written_as_a_model_name(scenario in any_scenario()) {
            prop_assert_eq!(DEFAULT.for_model(&format!("mock/{scenario}")), Ok(scenario));
        }

        #[test]
        fn no_model_name_panics(name in ".*") {
            let _ = DEFAULT.for_model(&name);
        }
    }

    #[test]
    fn writes_every_setting() {
        let written = DEFAULT.to_string();
        let settings: Vec<_> =
            written.split(',').filter_map(|pair| pair.split_once('=')).map(|p| p.0).collect();
        assert_eq!(settings, SETTINGS.map(|(setting, _)| setting));
    }

    #[test]
    fn a_model_name_changes_only_the_settings_it_contains() {
        let scenario = DEFAULT.for_model("mock/ttft=50,gap=0.5,tokens=40,error=429").unwrap();
        let expected = Scenario {
            ttft: Millis::of(50),
            gap: Millis::of_nanos(500_000),
            tokens: 40,
            error: Failure::Status(429),
            ..DEFAULT
        };
        assert_eq!(scenario, expected);
    }

    #[test]
    fn a_preset_can_be_changed() {
        let preset = Preset::named("demo-fast").unwrap().scenario();
        let changed = DEFAULT.for_model("demo-fast/tokens=7").unwrap();
        assert_eq!(changed, Scenario { tokens: 7, ..preset });
    }

    #[test]
    fn names_without_settings_change_nothing() {
        for name in ["mock", "gpt-4o", "meta-llama/llama-3.1-8b", ""] {
            assert_eq!(DEFAULT.for_model(name), Ok(DEFAULT), "{name}");
        }
    }

    #[test]
    fn an_invalid_name_is_reported() {
        let message = |name| DEFAULT.for_model(name).unwrap_err().to_string();
        assert!(message("mock/speed=9").contains("`speed`"));
        assert!(message("mock/speed=9").contains("ttft, ttft_max, gap"));
        assert!(message("mock/ttft=-1").contains("`ttft=-1`"));
        assert!(message("mock/tokens=1000001").contains("0 to 1000000"));
        assert!(message("mock/burst=0").contains("`burst=0`"));
        assert!(message("mock/error=200").contains("400 to 599"));
        assert!(message("mock/ttft=5,fast").contains("`fast`"));
    }
}
