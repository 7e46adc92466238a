//! A benchmark as its page shows it, finished or under way. Pure: rows in, words and figures out.

pub mod charts;
pub mod columns;
pub mod highlights;
pub mod progress;
pub mod remarks;
pub mod state;

#[cfg(test)]
pub mod testing;

use bench::types::ResultRow;
use endpoint::ProviderKind;

/// The hue of a row's provider: that of its kind where its key names one.
pub fn hue_of(row: &ResultRow) -> &'static str {
    if row.simulated {
        return ProviderKind::Demo.facts().key;
    }
    let known = ProviderKind::all().find(|facts| facts.key == row.provider_key);
    known.map_or(ProviderKind::Custom.facts().key, |facts| facts.key)
}

/// The model's name where there is little room and something else says that it is simulated.
pub fn short_name(row: &ResultRow) -> &str {
    without_simulated(&row.model)
}

/// A model's or provider's name without what a tag beside it says.
pub fn without_simulated(name: &str) -> &str {
    name.trim_end_matches(" (simulated)")
}
