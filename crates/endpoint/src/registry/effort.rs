//! The levels of `reasoning_effort`, from none to unlimited.

use super::draft::Draft;

pub(super) const NAME: &str = "reasoning_effort";

const SCALE: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

fn rank(level: &str) -> Option<usize> {
    SCALE.iter().position(|known| *known == level)
}

/// Returns the allowed level closest to the requested one, and the lower of two equally close ones. Requested
/// reasoning never becomes `none` if there is another level. `None` for an unknown level.
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

/// Changes the effort to a level that the model supports, or drops it.
pub(super) fn fit(draft: &mut Draft<'_>, allowed: &[&'static str]) {
    let Some(asked) = draft.text(NAME).map(str::to_owned) else { return };
    if allowed.contains(&asked.as_str()) {
        return;
    }
    let reason = format!("{} supports reasoning_effort {}.", draft.model_id, allowed.join(", "));
    match nearest(&asked, allowed) {
        Some(level) => draft.clamp(NAME, level.into(), reason),
        None => draft.drop(NAME, reason),
    }
}
