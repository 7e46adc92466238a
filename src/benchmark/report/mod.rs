//! The texts and numbers of a benchmark's page, calculated from its rows, finished or running. Pure.

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

/// Returns the hue of a row's provider, which is that of the provider kind if its key names one.
pub fn hue_of(row: &ResultRow) -> &'static str {
    if row.simulated {
        return ProviderKind::Demo.facts().key;
    }
    let known = ProviderKind::all().find(|facts| facts.key == row.provider_key);
    known.map_or(ProviderKind::Custom.facts().key, |facts| facts.key)
}

/// Returns the model's name without the suffix for simulated models, which a tag shows instead.
pub fn short_name(row: &ResultRow) -> &str {
    without_simulated(&row.model)
}

/// Removes the suffix for simulated models from a name.
pub fn without_simulated(name: &str) -> &str {
    name.trim_end_matches(" (simulated)")
}
