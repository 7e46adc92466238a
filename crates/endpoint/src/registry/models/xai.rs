//! xAI: reasoning models reject penalties and stop, and efforts differ by model.
//!
//! <https://docs.x.ai/docs/guides/reasoning>

use super::version;
use crate::registry::{draft::Draft, effort};

pub(super) fn apply(draft: &mut Draft<'_>) {
    let model = draft.model_id;
    match effort_levels(&draft.bare_id) {
        Some([]) => draft.drop(effort::NAME, format!("{model} doesn’t support reasoning_effort.")),
        Some(levels) => effort::fit(draft, levels),
        None => {}
    }
    let reasons = reasons(&draft.bare_id) && draft.text(effort::NAME) != Some("none");
    if reasons {
        for name in ["frequency_penalty", "presence_penalty", "stop"] {
            draft.drop(name, format!("{model} is a reasoning model and doesn’t support {name}."));
        }
    }
}

/// Returns the version of a Grok, a decimal number: 4.20 comes before 4.3.
fn generation(id: &str) -> Option<f64> {
    version::text_after(id, "grok-")?.parse().ok()
}

fn reasons(id: &str) -> bool {
    let since_4 = generation(id).is_some_and(|generation| generation >= 4.0);
    let named = ["grok-3-mini", "grok-code", "grok-build"].iter().any(|name| id.starts_with(name));
    (since_4 || named) && !id.contains("non-reasoning")
}

/// Returns the supported efforts; `None` if unknown, empty if the parameter is rejected.
fn effort_levels(id: &str) -> Option<&'static [&'static str]> {
    if id.starts_with("grok-3-mini") {
        return Some(&["low", "high"]);
    }
    if id.starts_with("grok-code") {
        return Some(&[]);
    }
    let generation = generation(id)?;
    Some(match generation {
        _ if id.contains("non-reasoning") || generation < 4.3 => &[],
        _ if generation < 4.5 => &["none", "low", "medium", "high"],
        _ => &["low", "medium", "high"],
    })
}
