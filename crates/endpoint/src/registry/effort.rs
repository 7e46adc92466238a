//! The scale of `reasoning_effort`, from not thinking at all to thinking without bounds.

use super::draft::Draft;

pub(super) const NAME: &str = "reasoning_effort";

const SCALE: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

fn rank(level: &str) -> Option<usize> {
    SCALE.iter().position(|known| *known == level)
}

/// The allowed level nearest to what was asked; the lower one of two that are equally near. A wish
/// for reasoning is never turned into none while there is another level. `None` for a word that is
/// not on the scale.
pub(super) fn nearest(asked: &str, allowed: &[&'static str]) -> Option<&'static str> {
    let wanted = rank(asked)?;
    let thinks = |level: &&&'static str| asked == "none" || **level != "none";
    allowed
        .iter()
        .filter(thinks)
        .filter_map(|level| rank(level).map(|rank| (rank.abs_diff(wanted), rank, *level)))
        .min()
        .map(|(_, _, level)| level)
}

/// Brings the effort to a level that the model knows, or drops it.
pub(super) fn fit(draft: &mut Draft<'_>, allowed: &[&'static str]) {
    let Some(asked) = draft.text(NAME).map(str::to_owned) else { return };
    if allowed.contains(&asked.as_str()) {
        return;
    }
    let reason = format!("{} knows reasoning_effort {}.", draft.model_id, allowed.join(", "));
    match nearest(&asked, allowed) {
        Some(level) => draft.clamp(NAME, level.into(), reason),
        None => draft.drop(NAME, reason),
    }
}
