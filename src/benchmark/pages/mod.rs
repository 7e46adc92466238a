//! The pages of benchmarks: the set-up on the left, on the right what came out.

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

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests;

pub use results::ResultsPage;
pub use workbench::{StartHere, Workbench};

use leptos::prelude::ServerFnError;

/// What a server function refused, without the words around it.
fn sentence(error: &ServerFnError) -> String {
    match error {
        ServerFnError::ServerError(sentence) => sentence.clone(),
        other => other.to_string(),
    }
}
