//! Google Gemini: temperature of Gemini 3, and thinking by level or by budget.
//!
//! <https://ai.google.dev/gemini-api/docs/gemini-3> asks for temperature 1 (below it the model may loop);
//! <https://ai.google.dev/gemini-api/docs/whats-new-gemini-3.6> ends sampling parameters;
//! <https://ai.google.dev/gemini-api/docs/openai> maps efforts to budgets before Gemini 3.

use serde_json::{Map, Value, json};

use super::version::{self, Version};
use crate::{
    registry::{draft::Draft, effort},
    types::Protocol,
};

pub(super) fn apply(draft: &mut Draft<'_>) {
    let Some(version) = version_of(&draft.bare_id) else { return };
    translate_effort(draft, version);
    let model = draft.model_id;
    if ignores_sampling(&draft.bare_id, version) {
        for name in ["temperature", "top_p", "top_k"] {
            draft.drop(name, format!("{model} ignores {name}."));
        }
    }
    if version >= (3, 0) && draft.number("temperature").is_some_and(|temperature| temperature < 1.0) {
        draft.clamp("temperature", 1.into(), format!("{model} requires temperature ≥ 1."));
    }
}

/// Returns the version; aliases such as `gemini-flash-latest` mean Gemini 3 or later.
fn version_of(id: &str) -> Option<Version> {
    let alias = id.starts_with("gemini-") && id.ends_with("-latest");
    version::after(id, "gemini-").or(alias.then_some((3, 0)))
}

/// Returns whether sampling parameters are deprecated and without effect: from Gemini 3.6 on (Flash-Lite: 3.5).
fn ignores_sampling(id: &str, version: Version) -> bool {
    version >= if id.contains("flash-lite") { (3, 5) } else { (3, 6) }
}

/// Google's OpenAI-compatible endpoint accepts the effort unchanged.
fn translate_effort(draft: &mut Draft<'_>, version: Version) {
    if !draft.has(effort::NAME) || draft.protocol != Protocol::GeminiGenerate {
        return;
    }
    if draft.has("thinking_config") {
        return draft.drop(effort::NAME, "thinking_config is already set.");
    }
    if version < (2, 5) {
        let reason = format!("{} cannot think.", draft.model_id);
        return draft.drop(effort::NAME, reason);
    }
    if version >= (3, 0) {
        let levels = levels(&draft.bare_id, version);
        effort::fit(draft, levels);
    }
    let Some(level) = draft.text(effort::NAME).map(str::to_owned) else { return };
    let config = if version >= (3, 0) {
        json!({"thinkingLevel": level})
    } else {
        json!({"thinkingBudget": budget(&draft.bare_id, &level)})
    };
    let sent: Map<String, Value> = Map::from_iter([("thinking_config".to_owned(), config)]);
    draft.rename(effort::NAME, sent, "Google calls it thinking_config.");
}

fn levels(id: &str, version: Version) -> &'static [&'static str] {
    match version {
        (3, 0) if id.contains("pro") => &["low", "high"],
        (3, 0..=6) if id.contains("flash") => &["minimal", "low", "medium", "high"],
        _ => &["low", "medium", "high"],
    }
}

/// Returns the thinking tokens of Gemini 2.5; its Pro requires at least 128.
fn budget(id: &str, level: &str) -> u32 {
    match level {
        "none" if id.contains("pro") => 128,
        "none" => 0,
        "minimal" | "low" => 1_024,
        "medium" => 8_192,
        _ => 24_576,
    }
}
