//! The request's parameters while the rules work on them, and the record of what they change.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Adjustment, AdjustmentAction, Resolved};
use crate::types::{Protocol, ProviderKind};

/// How a person wrote a parameter.
struct Asked {
    name: String,
    value: Value,
}

/// Parameters under neutral names. Every change goes through a method that records it.
pub(super) struct Draft<'a> {
    pub kind: ProviderKind,
    pub protocol: Protocol,
    pub model_id: &'a str,
    /// The model's id in lower case without path and fine-tuning mark: what the model rules read.
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

    /// The provider's name for use in a sentence.
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

    /// The name under which a person set this parameter.
    pub fn asked_as<'b>(&'b self, name: &'b str) -> &'b str {
        self.asked.get(name).map_or(name, |asked| &asked.name)
    }

    /// Puts in what a person asked for; a later wish replaces an earlier one.
    pub fn ask(&mut self, name: &str, written_as: &str, value: Value) {
        self.values.insert(name.to_owned(), value.clone());
        self.asked.insert(name.to_owned(), Asked { name: written_as.to_owned(), value });
    }

    /// Removes a parameter that was never meant to be sent.
    pub fn forget(&mut self, name: &str) {
        self.values.shift_remove(name);
    }

    /// Leaves a parameter out. Nothing happens where it is not set.
    pub fn drop(&mut self, name: &str, reason: impl Into<String>) {
        if self.values.shift_remove(name).is_some() {
            self.record(name, None, AdjustmentAction::Drop, reason.into());
        }
    }

    /// Sends another value. Nothing happens where the parameter is not set or has that value.
    pub fn clamp(&mut self, name: &str, value: Value, reason: impl Into<String>) {
        let Some(current) = self.values.get_mut(name) else { return };
        if same(current, &value) {
            return;
        }
        current.clone_from(&value);
        self.record(name, Some(value), AdjustmentAction::Clamp, reason.into());
    }

    /// Sends a parameter under another name or as other parameters.
    pub fn rename(&mut self, name: &str, sent: Map<String, Value>, reason: impl Into<String>) {
        if self.values.shift_remove(name).is_none() {
            return;
        }
        self.values.extend(sent.clone());
        self.record(name, Some(Value::Object(sent)), AdjustmentAction::Rename, reason.into());
    }

    /// Sends a parameter under the name in which the person wrote it, which needs no record.
    pub fn restore_name(&mut self, name: &str, sent_as: &str) {
        if let Some(value) = self.values.shift_remove(name) {
            self.values.insert(sent_as.to_owned(), value);
        }
    }

    /// Writes a number in the form the provider expects (`40`, not `40.0`); not a change.
    pub fn normalise(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// Sends a parameter as it is and says something about it.
    pub fn note(&mut self, name: &str, action: AdjustmentAction, reason: impl Into<String>) {
        let value = self.values.get(name).cloned();
        self.record(name, value, action, reason.into());
    }

    /// Says that one wish gave way to another.
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

    /// A value changed twice is one change: from what was asked to what is sent.
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

/// Equal as values: `1` and `1.0` are the same number. Whole numbers are compared as such, because
/// large ones would be rounded.
fn same(a: &Value, b: &Value) -> bool {
    a == b || (a.is_f64() != b.is_f64() && a.is_number() && a.as_f64() == b.as_f64())
}

fn bare_id(model_id: &str) -> String {
    let id = model_id.rsplit('/').next().unwrap_or(model_id).to_ascii_lowercase();
    id.strip_prefix("ft:").map(str::to_owned).unwrap_or(id)
}
