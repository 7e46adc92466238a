//! DeepSeek: sampling parameters have no effect while thinking.
//!
//! <https://api-docs.deepseek.com/guides/thinking_mode>: thinking is on by default from V4 on, and controlled
//! by `thinking.type`; its effort is high or max.

use serde_json::{Map, Value, json};

use super::version;
use crate::registry::{draft::Draft, effort};

pub(super) fn apply(draft: &mut Draft<'_>) {
    translate_effort(draft);
    if !is_thinking(draft) {
        return;
    }
    for name in ["temperature", "top_p", "frequency_penalty", "presence_penalty"] {
        draft.drop(name, format!("{} ignores {name} while thinking.", draft.model_id));
    }
    for name in ["logprobs", "top_logprobs"] {
        draft.drop(name, format!("{} rejects {name} while thinking.", draft.model_id));
    }
}

fn translate_effort(draft: &mut Draft<'_>) {
    let Some(level) = draft.text(effort::NAME).map(str::to_owned) else { return };
    if only_thinks(&draft.bare_id) {
        let reason = format!("{} always thinks and doesn’t support an effort.", draft.model_id);
        return draft.drop(effort::NAME, reason);
    }
    if draft.has("thinking") && matches!(level.as_str(), "none" | "enabled") {
        return draft.drop(effort::NAME, "thinking is already set.");
    }
    if draft.has("thinking") {
        return;
    }
    let kind = if level == "none" { "disabled" } else { "enabled" };
    let mut sent = Map::from_iter([("thinking".to_owned(), json!({"type": kind}))]);
    if matches!(level.as_str(), "high" | "max") {
        sent.insert(effort::NAME.to_owned(), level.into());
    }
    draft.rename(effort::NAME, sent, "DeepSeek calls it thinking.type.");
}

fn only_thinks(id: &str) -> bool {
    id.contains("reasoner") || id.split('-').any(|word| word == "r1")
}

fn is_thinking(draft: &Draft<'_>) -> bool {
    let switch = draft.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    match switch {
        _ if only_thinks(&draft.bare_id) => true,
        Some(kind) => kind != "disabled",
        None => thinks_by_default(&draft.bare_id),
    }
}

fn thinks_by_default(id: &str) -> bool {
    let versioned = version::after(id, "deepseek-v").is_some_and(|version| version >= (4, 0));
    versioned || id == "deepseek-flash" || id == "deepseek-pro"
}
