//! Parameter rules per provider: what may be sent, within which bounds and under which name. Pure;
//! compiled for the browser too.
//!
//! The rules are chosen by [`ProviderKind`], names by [`Protocol`], and what differs between models
//! by the model's id under that provider. Whatever is changed is said in an [`Adjustment`] that a
//! person can read. Rules were checked against the providers' documentation in November 2026.

mod check;
mod draft;
mod effort;
mod intake;
#[cfg(test)]
mod invariants;
mod models;
mod names;
mod protected;
mod spec;
mod tables;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::types::{Protocol, ProviderKind};

pub use protected::is_protected;
pub use spec::{ParamSpec, ParamType, Support};
pub use tables::parameters;

/// One change that the rules made to what the user asked for, readable by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Adjustment {
    /// The parameter's name as it was asked for.
    pub param: String,
    pub original: Value,
    /// What is sent instead; `None` when nothing is sent. For a rename: an object of the names that
    /// are sent and their values.
    pub adjusted: Option<Value>,
    pub action: AdjustmentAction,
    /// A sentence for the person who set the parameter.
    pub reason: String,
}

/// What was done to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentAction {
    /// Nothing is sent.
    Drop,
    /// The nearest value that the provider accepts is sent.
    Clamp,
    /// The provider knows the same thing under another name.
    Rename,
    /// Sent as it is, but there is something to know about it.
    Warn,
    /// Unknown here; sent as it is.
    Passthrough,
}

/// What a benchmark or another caller asks for.
#[derive(Debug, Clone, Copy)]
pub struct Requested<'a> {
    pub max_tokens: u32,
    pub temperature: f64,
    /// Neutral names (`top_p`, `stop`, …), provider-specific ones, and `passthrough: {…}`. A `null`
    /// means: do not send this parameter.
    pub params: &'a Map<String, Value>,
}

/// What is sent, and what was changed on the way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Resolved {
    /// Under the provider's own names; snake_case for Gemini, whose wire file turns names into
    /// camelCase.
    pub params: Map<String, Value>,
    pub adjustments: Vec<Adjustment>,
}

/// Turns what was asked for into what this model of this provider accepts.
///
/// Where the same parameter is set more than once, `requested.params` win over `model_params`, and
/// those over `requested.max_tokens` and `requested.temperature`. Names in `skip_params` are never
/// sent. Never fails: what cannot be sent is left out and said so.
pub fn resolve(
    kind: ProviderKind,
    protocol: Protocol,
    model_id: &str,
    skip_params: &[String],
    model_params: &Map<String, Value>,
    requested: &Requested<'_>,
) -> Resolved {
    let mut draft = draft::Draft::new(kind, protocol, model_id);
    intake::collect(&mut draft, model_params, requested);
    intake::drop_protected(&mut draft);
    intake::drop_skipped(&mut draft, skip_params);
    check::apply(&mut draft);
    intake::keep_required(&mut draft, requested.max_tokens);
    models::apply(&mut draft);
    intake::drop_skipped_again(&mut draft, skip_params);
    names::apply(&mut draft);
    draft.finish()
}
