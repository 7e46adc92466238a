//! The pages of benchmarks: the form on the left, the results on the right.

pub mod api;
mod charts;
mod estimate;
mod highlights_row;
mod live;
mod model_choice;
mod parameters;
mod provider_progress;
mod remarks_list;
mod result_head;
mod result_table;
mod results;
mod set_up_form;
mod timeline;
mod workbench;

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests;

pub use results::ResultsPage;
pub use workbench::{StartHere, Workbench};

use leptos::prelude::ServerFnError;

/// Returns the message of a server function's error, without the prefix.
fn sentence(error: &ServerFnError) -> String {
    match error {
        ServerFnError::ServerError(sentence) => sentence.clone(),
        other => other.to_string(),
    }
}
