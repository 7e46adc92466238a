//! Mistral: reasoning and its efforts per model.
//!
//! <https://docs.mistral.ai/capabilities/reasoning>

use crate::registry::{AdjustmentAction, draft::Draft, effort};

/// Families whose reasoning can be turned on and off.
const ADJUSTABLE: [&str; 5] =
    ["mistral-small", "mistral-medium", "mistral-large-4", "devstral", "mistral-vibe"];

/// Families that never reason, and those that always reason without an effort.
const FIXED: [&str; 7] =
    ["codestral", "magistral", "ministral", "mistral-tiny", "open-", "pixtral", "voxtral"];

pub(super) fn apply(draft: &mut Draft<'_>) {
    let model = draft.model_id;
    let is = |families: &[&str]| families.iter().any(|family| draft.bare_id.starts_with(family));
    if is(&ADJUSTABLE) {
        effort::fit(draft, &["none", "high"]);
    } else if is(&FIXED) {
        draft.drop(effort::NAME, format!("{model} doesn’t support reasoning_effort."));
    } else if draft.has(effort::NAME) {
        let reason = format!("Unknown whether {model} supports reasoning_effort; sent unchanged.");
        draft.note(effort::NAME, AdjustmentAction::Warn, reason);
    }
}
