//! Cohere: the output limit per family, and thinking of the reasoning models.
//!
//! <https://docs.cohere.com/docs/models>, <https://docs.cohere.com/docs/reasoning>

use serde_json::{Map, Value, json};

use crate::{
    registry::{draft::Draft, effort},
    types::Protocol,
};

pub(super) fn apply(draft: &mut Draft<'_>) {
    limit_output(draft);
    translate_effort(draft);
}

fn limit_output(draft: &mut Draft<'_>) {
    let ceiling = match draft.bare_id.as_str() {
        id if id.starts_with("command-a-plus") => 64_000,
        id if id.starts_with("command-a-reasoning") => 32_000,
        id if id.starts_with("command-a") => 8_000,
        id if id.starts_with("command") => 4_096,
        id if id.starts_with("c4ai") => 4_000,
        _ => return,
    };
    if draft.number("max_tokens").is_some_and(|asked| asked > f64::from(ceiling)) {
        let reason = format!("{} generates at most {ceiling} tokens.", draft.model_id);
        draft.clamp("max_tokens", ceiling.into(), reason);
    }
}

/// Cohere's OpenAI-compatible endpoint accepts the effort unchanged.
fn translate_effort(draft: &mut Draft<'_>) {
    if draft.protocol != Protocol::CohereChat {
        return;
    }
    let Some(level) = draft.text(effort::NAME) else { return };
    let thinking = match level {
        "none" => json!({"type": "disabled"}),
        "low" => json!({"type": "enabled", "token_budget": 2_000}),
        "medium" => json!({"type": "enabled", "token_budget": 5_000}),
        _ => json!({"type": "enabled", "token_budget": 10_000}),
    };
    if draft.has("thinking") {
        return draft.drop(effort::NAME, "thinking is already set.");
    }
    if !thinks(&draft.bare_id) {
        let reason = format!("{} cannot think.", draft.model_id);
        return draft.drop(effort::NAME, reason);
    }
    let sent: Map<String, Value> = Map::from_iter([("thinking".to_owned(), thinking)]);
    draft.rename(effort::NAME, sent, "Cohere calls it thinking.");
}

fn thinks(id: &str) -> bool {
    id.starts_with("command-a-reasoning") || id.starts_with("command-a-plus")
}
