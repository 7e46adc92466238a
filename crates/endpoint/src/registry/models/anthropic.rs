//! Anthropic: sampling parameters and thinking of each Claude generation.
//!
//! <https://platform.claude.com/docs/en/about-claude/models/migration-guide>: from Opus 4.1 on a request may
//! have temperature or top_p, not both; from Opus 4.7 on neither, nor top_k. Thinking has a token budget until
//! 4.6 and is adaptive, with an effort, from then on.

use serde_json::{Map, Value, json};

use crate::registry::{draft::Draft, effort};

/// Anthropic's minimum thinking budget in tokens.
const MIN_BUDGET: u64 = 1024;

const NO_ROOM: &str = "Thinking needs at least 1024 tokens below max_tokens; raise max_tokens to use it.";

/// A Claude's generation; (4, 5) for Sonnet 4.5. Models without a version number count as the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Generation(u32, u32);

const NEWEST: Generation = Generation(u32::MAX, 0);

impl Generation {
    /// Parses both forms of Anthropic's ids, `claude-3-5-haiku-20241022` and `claude-opus-4-1`.
    fn of(id: &str) -> Option<Self> {
        let words = id.strip_prefix("claude-")?;
        if ["mythos", "fable"].iter().any(|tier| words.starts_with(tier)) {
            return Some(NEWEST);
        }
        let mut numbers = words
            .split(['-', '.', '@'])
            .skip_while(|word| !is_version_part(word))
            .take_while(|word| is_version_part(word))
            .filter_map(|word| word.parse().ok());
        Some(Self(numbers.next()?, numbers.next().unwrap_or(0)))
    }

    fn thinks(self) -> bool {
        self >= Self(3, 7)
    }

    fn rejects_sampling(self) -> bool {
        self >= Self(4, 7)
    }

    fn takes_one_sampler(self) -> bool {
        self >= Self(4, 1)
    }

    fn thinks_adaptively(self) -> bool {
        self >= Self(4, 6)
    }

    fn effort_levels(self) -> &'static [&'static str] {
        if self >= Self(4, 7) {
            &["low", "medium", "high", "xhigh", "max"]
        } else {
            &["low", "medium", "high", "max"]
        }
    }
}

/// Version parts have at most two digits; eight digits are a date.
fn is_version_part(word: &str) -> bool {
    (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
}

/// Returns whether thinking cannot be turned off.
fn always_thinks(id: &str, generation: Generation) -> bool {
    generation == NEWEST || (generation >= Generation(5, 5) && !id.contains("haiku"))
}

pub(super) fn apply(draft: &mut Draft<'_>) {
    let Some(generation) = Generation::of(&draft.bare_id) else { return };
    translate_effort(draft, generation);
    fit_thinking(draft, generation);
    if generation.rejects_sampling() {
        for name in ["temperature", "top_p", "top_k"] {
            draft.drop(name, format!("{} doesn’t support {name}.", draft.model_id));
        }
        return;
    }
    if is_thinking(draft) {
        yield_to_thinking(draft);
    }
    if generation.takes_one_sampler() && draft.has("temperature") {
        let reason = format!(
            "{} supports temperature or top_p, not both. Set temperature to null to send top_p.",
            draft.model_id
        );
        draft.drop("top_p", reason);
    }
}

fn translate_effort(draft: &mut Draft<'_>, generation: Generation) {
    let Some(level) = draft.text(effort::NAME).map(str::to_owned) else { return };
    let model = draft.model_id;
    if draft.has("thinking") {
        return draft.drop(effort::NAME, "thinking is already set.");
    }
    if !generation.thinks() {
        return draft.drop(effort::NAME, format!("{model} cannot think."));
    }
    let may_stop = !always_thinks(&draft.bare_id, generation);
    if level == "none" && may_stop {
        return stop_thinking(draft, generation);
    }
    if generation.thinks_adaptively() { adapt(draft, generation) } else { budget(draft, &level) }
}

/// Turns thinking off. Before Claude 5 it is off by default.
fn stop_thinking(draft: &mut Draft<'_>, generation: Generation) {
    let model = draft.model_id;
    if generation < Generation(5, 0) {
        return draft
            .drop(effort::NAME, format!("Reasoning is off by default for {model}, so nothing is sent."));
    }
    let sent = object([("thinking", json!({"type": "disabled"}))]);
    draft.rename(effort::NAME, sent, "Anthropic calls it thinking.");
}

fn adapt(draft: &mut Draft<'_>, generation: Generation) {
    effort::fit(draft, generation.effort_levels());
    let Some(level) = draft.text(effort::NAME).map(str::to_owned) else { return };
    let mut output = draft.get("output_config").and_then(Value::as_object).cloned().unwrap_or_default();
    output.insert("effort".to_owned(), level.into());
    let sent = object([("thinking", json!({"type": "adaptive"})), ("output_config", output.into())]);
    draft.rename(effort::NAME, sent, "Anthropic calls it thinking with an output_config.effort.");
}

fn budget(draft: &mut Draft<'_>, level: &str) {
    let wanted = match level {
        "minimal" | "low" => 2_000,
        "medium" => 5_000,
        _ => 10_000,
    };
    let Some(tokens) = fitting_budget(draft, wanted) else {
        return draft.drop(effort::NAME, NO_ROOM);
    };
    let sent = object([("thinking", json!({"type": "enabled", "budget_tokens": tokens}))]);
    draft.rename(effort::NAME, sent, "Anthropic calls it thinking with a token budget.");
}

/// Converts `thinking` to the form of this generation.
fn fit_thinking(draft: &mut Draft<'_>, generation: Generation) {
    let Some(thinking) = draft.get("thinking").and_then(Value::as_object).cloned() else { return };
    let model = draft.model_id;
    match thinking.get("type").and_then(Value::as_str) {
        _ if !generation.thinks() => draft.drop("thinking", format!("{model} cannot think.")),
        Some("disabled") if always_thinks(&draft.bare_id, generation) => {
            draft.drop("thinking", format!("{model} always thinks."));
        }
        Some("disabled") => {}
        Some("adaptive") if generation.thinks_adaptively() => {}
        Some("enabled") if generation.rejects_sampling() => {
            let reason = format!("{model} doesn’t support a thinking budget; its thinking is adaptive.");
            draft.clamp("thinking", json!({"type": "adaptive"}), reason);
        }
        Some("enabled") => fit_budget(draft, thinking),
        _ => draft.drop("thinking", format!("{model} doesn’t support this type of thinking.")),
    }
}

fn fit_budget(draft: &mut Draft<'_>, mut thinking: Map<String, Value>) {
    let wanted = thinking.get("budget_tokens").and_then(Value::as_f64).unwrap_or(f64::MAX);
    let Some(tokens) = fitting_budget(draft, wanted as u64) else {
        return draft.drop("thinking", NO_ROOM);
    };
    thinking.insert("budget_tokens".to_owned(), tokens.into());
    let reason = format!("The thinking budget must be a whole number from {MIN_BUDGET} to below max_tokens.");
    draft.clamp("thinking", thinking.into(), reason);
}

/// Returns a budget that fits: it is part of `max_tokens` and must leave tokens for an answer. `None` if it
/// cannot.
fn fitting_budget(draft: &Draft<'_>, wanted: u64) -> Option<u64> {
    let limit = draft.get("max_tokens").and_then(Value::as_u64)?;
    (limit > MIN_BUDGET).then(|| wanted.clamp(MIN_BUDGET, limit - 1))
}

fn is_thinking(draft: &Draft<'_>) -> bool {
    let kind = draft.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    matches!(kind, Some("enabled" | "adaptive"))
}

fn yield_to_thinking(draft: &mut Draft<'_>) {
    let model = draft.model_id;
    draft.clamp("temperature", 1.into(), format!("{model} requires temperature 1 while thinking."));
    draft.drop("top_k", format!("{model} doesn’t support top_k while thinking."));
    if draft.number("top_p").is_some_and(|top_p| top_p < 0.95) {
        draft.clamp("top_p", 0.95.into(), format!("{model} supports top_p 0.95 to 1 while thinking."));
    }
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_parsed_from_both_forms_of_ids() {
        let generation = |id| Generation::of(id).map(|Generation(major, minor)| (major, minor));
        assert_eq!(generation("claude-3-5-sonnet-20241022"), Some((3, 5)));
        assert_eq!(generation("claude-3-opus-20240229"), Some((3, 0)));
        assert_eq!(generation("claude-2.1"), Some((2, 1)));
        assert_eq!(generation("claude-opus-4-20250514"), Some((4, 0)));
        assert_eq!(generation("claude-opus-4-1-20250805"), Some((4, 1)));
        assert_eq!(generation("claude-haiku-4-5"), Some((4, 5)));
        assert_eq!(generation("claude-sonnet-5-5"), Some((5, 5)));
        assert_eq!(generation("claude-mythos-preview"), Some((u32::MAX, 0)));
        assert_eq!(generation("claude-next"), None);
        assert_eq!(generation("llama-3"), None);
    }
}
