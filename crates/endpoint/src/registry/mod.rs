//! Parameter rules per provider: support, bounds and names. Pure; also compiled for the browser.
//!
//! Rules depend on the [`ProviderKind`], names on the [`Protocol`], and some rules on the model's id. Each
//! change is recorded in an [`Adjustment`] with a readable explanation. Rules were checked against the
//! providers' documentation in November 2026.

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

/// A change that the rules made to a requested parameter, with an explanation for the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Adjustment {
    /// The parameter's name in the request.
    pub param: String,
    /// The requested value.
    pub original: Value,
    /// The value that is sent; `None` if nothing is sent. For a rename: an object of the sent names and values.
    pub adjusted: Option<Value>,
    /// The kind of change.
    pub action: AdjustmentAction,
    /// A sentence for the user who set the parameter.
    pub reason: String,
}

/// The kind of change to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentAction {
    /// Nothing is sent.
    Drop,
    /// The nearest accepted value is sent.
    Clamp,
    /// The value is sent under the provider's own name.
    Rename,
    /// The value is sent unchanged, with a warning.
    Warn,
    /// The parameter is not in the registry; it is sent unchanged.
    Passthrough,
}

/// The parameters that a caller asks for.
#[derive(Debug, Clone, Copy)]
pub struct Requested<'a> {
    /// Limit of output tokens; `None` if none is asked for.
    pub max_tokens: Option<u32>,
    /// Sampling temperature; `None` if none is asked for.
    pub temperature: Option<f64>,
    /// Parameters under provider-independent names (`top_p`, `stop`, …) or provider-specific ones, and
    /// `passthrough: {…}`. `null` means that the parameter is not sent.
    pub params: &'a Map<String, Value>,
}

/// The parameters that are sent, and the changes made to them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Resolved {
    /// The parameters under the provider's own names; snake_case for Gemini, whose encoder converts names to
    /// camelCase.
    pub params: Map<String, Value>,
    /// The changes.
    pub adjustments: Vec<Adjustment>,
}

/// Converts the requested parameters into those that this model of this provider accepts.
///
/// Where the same parameter is set more than once, `requested.params` win over `model_params`, and
/// those over `requested.max_tokens` and `requested.temperature`. Names in `skip_params` are never
/// sent. Never fails: a parameter that cannot be sent is left out and listed in `adjustments`.
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
