//! The request's parameters while rules are applied, and the recorded changes.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Adjustment, AdjustmentAction, Resolved};
use crate::types::{Protocol, ProviderKind};

/// A parameter as the user wrote it.
struct Asked {
    name: String,
    value: Value,
}

/// Parameters under neutral names. Every change goes through a method that records it.
pub(super) struct Draft<'a> {
    pub kind: ProviderKind,
    pub protocol: Protocol,
    pub model_id: &'a str,
    /// The model's id in lower case without path and fine-tuning prefix, for the model rules.
    pub bare_id: String,
    values: Map<String, Value>,
    asked: HashMap<String, Asked>,
    adjustments: Vec<Adjustment>,
}

impl<'a> Draft<'a> {
    pub fn new(kind: ProviderKind, protocol: Protocol, model_id: &'a str) -> Self {
        Self {
            kind,
            protocol,
            model_id,
            bare_id: bare_id(model_id),
            values: Map::new(),
            asked: HashMap::new(),
            adjustments: Vec::new(),
        }
    }

    /// Returns the provider's name for use in a sentence.
    pub fn vendor(&self) -> &'static str {
        match self.kind {
            ProviderKind::Gemini => "Google",
            ProviderKind::Custom => "this endpoint",
            ProviderKind::Demo => "the demo model",
            kind => kind.facts().display_name,
        }
    }

    pub fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.values.get(name)?.as_f64()
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }

    /// Returns the name with which the user set this parameter.
    pub fn asked_as<'b>(&'b self, name: &'b str) -> &'b str {
        self.asked.get(name).map_or(name, |asked| &asked.name)
    }

    /// Adds a requested parameter; a later value replaces an earlier one.
    pub fn ask(&mut self, name: &str, written_as: &str, value: Value) {
        self.values.insert(name.to_owned(), value.clone());
        self.asked.insert(name.to_owned(), Asked { name: written_as.to_owned(), value });
    }

    /// Removes a parameter without recording a change.
    pub fn forget(&mut self, name: &str) {
        self.values.shift_remove(name);
    }

    /// Drops a parameter. Does nothing if it is not set.
    pub fn drop(&mut self, name: &str, reason: impl Into<String>) {
        if self.values.shift_remove(name).is_some() {
            self.record(name, None, AdjustmentAction::Drop, reason.into());
        }
    }

    /// Changes a value. Does nothing if the parameter is not set or already has it.
    pub fn clamp(&mut self, name: &str, value: Value, reason: impl Into<String>) {
        let Some(current) = self.values.get_mut(name) else { return };
        if same(current, &value) {
            return;
        }
        current.clone_from(&value);
        self.record(name, Some(value), AdjustmentAction::Clamp, reason.into());
    }

    /// Renames a parameter or replaces it by others.
    pub fn rename(&mut self, name: &str, sent: Map<String, Value>, reason: impl Into<String>) {
        if self.values.shift_remove(name).is_none() {
            return;
        }
        self.values.extend(sent.clone());
        self.record(name, Some(Value::Object(sent)), AdjustmentAction::Rename, reason.into());
    }

    /// Sends a parameter under the name that the user wrote, without recording a change.
    pub fn restore_name(&mut self, name: &str, sent_as: &str) {
        if let Some(value) = self.values.shift_remove(name) {
            self.values.insert(sent_as.to_owned(), value);
        }
    }

    /// Formats a number as the provider expects (`40`, not `40.0`) without recording a change.
    pub fn normalise(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// Records a note about a parameter that is sent unchanged.
    pub fn note(&mut self, name: &str, action: AdjustmentAction, reason: impl Into<String>) {
        let value = self.values.get(name).cloned();
        self.record(name, value, action, reason.into());
    }

    /// Records that one value was overridden by another.
    pub fn overridden(&mut self, param: &str, original: Value, winner: Option<Value>, reason: String) {
        self.adjustments.push(Adjustment {
            param: param.to_owned(),
            original,
            adjusted: winner,
            action: AdjustmentAction::Warn,
            reason,
        });
    }

    pub fn finish(self) -> Resolved {
        Resolved { params: self.values, adjustments: self.adjustments }
    }

    /// Records a change. Two changes of a value are merged into one, from the requested to the sent value.
    fn record(&mut self, name: &str, adjusted: Option<Value>, action: AdjustmentAction, reason: String) {
        let (param, original) = match self.asked.get(name) {
            Some(asked) => (asked.name.clone(), asked.value.clone()),
            None => (name.to_owned(), Value::Null),
        };
        if matches!(action, AdjustmentAction::Clamp | AdjustmentAction::Drop) {
            self.adjustments.retain(|earlier| earlier.param != param || !is_superseded(earlier.action));
        }
        self.adjustments.push(Adjustment { param, original, adjusted, action, reason });
    }
}

fn is_superseded(action: AdjustmentAction) -> bool {
    matches!(action, AdjustmentAction::Clamp | AdjustmentAction::Passthrough)
}

/// Returns whether two values are equal; `1` and `1.0` are. Whole numbers are compared exactly, because large
/// floats are rounded.
fn same(a: &Value, b: &Value) -> bool {
    a == b || (a.is_f64() != b.is_f64() && a.is_number() && a.as_f64() == b.as_f64())
}

fn bare_id(model_id: &str) -> String {
    let id = model_id.rsplit('/').next().unwrap_or(model_id).to_ascii_lowercase();
    id.strip_prefix("ft:").map(str::to_owned).unwrap_or(id)
}
