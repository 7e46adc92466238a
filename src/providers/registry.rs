//! Parameter rules per provider. Pure; compiled for the browser too.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One change that the rules made to what the user asked for, readable by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    pub param: String,
    pub original: Value,
    /// What is sent instead; `None` when nothing is sent.
    pub adjusted: Option<Value>,
    pub action: AdjustmentAction,
    /// A sentence for the person who set the parameter.
    pub reason: String,
}

/// What was done to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentAction {
    Drop,
    Clamp,
    Rename,
    Warn,
    Passthrough,
}
