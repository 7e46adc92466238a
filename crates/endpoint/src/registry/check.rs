//! Checks each parameter against the provider's table: support, type and range.

use serde_json::Value;

use super::{AdjustmentAction, ParamSpec, ParamType, Support, draft::Draft, effort, tables::parameters};
use crate::types::Protocol;

/// The outcome of checking a value.
#[derive(Debug, PartialEq)]
enum Verdict {
    Fits,
    /// The same value in another form.
    Normalised(Value),
    Clamped(Value, String),
    Rejected(String),
}

/// Checks every parameter of the draft.
pub(super) fn apply(draft: &mut Draft<'_>) {
    for name in draft.names() {
        check_one(draft, &name);
    }
}

/// Checks one parameter of the draft.
pub(super) fn check_one(draft: &mut Draft<'_>, name: &str) {
    match parameters(draft.kind).iter().find(|spec| spec.name == name) {
        Some(spec) => check(draft, spec),
        None => pass_through(draft, name),
    }
}

fn pass_through(draft: &mut Draft<'_>, name: &str) {
    let reason = format!("Unknown parameter {name}; sent to {} unchanged.", draft.vendor());
    draft.note(name, AdjustmentAction::Passthrough, reason);
}

fn check(draft: &mut Draft<'_>, spec: &ParamSpec) {
    if spec.support == Support::No {
        let reason = format!("{} doesn’t support {}.", draft.vendor(), spec.name);
        return draft.drop(spec.name, reason);
    }
    let Some(value) = draft.get(spec.name) else { return };
    match check_value(spec, value, draft.protocol) {
        Verdict::Fits => {}
        Verdict::Normalised(value) => draft.normalise(spec.name, value),
        Verdict::Clamped(value, bounds) => {
            let reason = format!("{} accepts {} {bounds}.", draft.vendor(), spec.name);
            draft.clamp(spec.name, value, reason);
        }
        Verdict::Rejected(wanted) => {
            let reason = format!("{} must be {wanted}; not sent.", spec.name);
            draft.drop(spec.name, reason);
        }
    }
    say_support(draft, spec);
}

fn say_support(draft: &mut Draft<'_>, spec: &ParamSpec) {
    if !draft.has(spec.name) {
        return;
    }
    let reason = match spec.support {
        Support::Partial => spec.note.to_owned(),
        Support::Unknown => {
            format!("Unknown whether {} supports {}; sent unchanged.", draft.vendor(), spec.name)
        }
        Support::Yes | Support::No => return,
    };
    draft.note(spec.name, AdjustmentAction::Warn, reason);
}

fn check_value(spec: &ParamSpec, value: &Value, protocol: Protocol) -> Verdict {
    match spec.param_type {
        ParamType::Number { min, max, .. } => check_number(value, min, max),
        ParamType::Integer { min, max } => check_integer(value, min, max),
        ParamType::Boolean => accept(value.is_boolean(), "true or false"),
        ParamType::Choice { values } => check_choice(spec.name, value, values),
        ParamType::Texts { max_items } => check_texts(value, max_items, protocol),
        ParamType::Object => accept(value.is_object(), "an object"),
        ParamType::Any => Verdict::Fits,
    }
}

fn accept(fits: bool, wanted: &str) -> Verdict {
    if fits { Verdict::Fits } else { Verdict::Rejected(wanted.to_owned()) }
}

fn check_number(value: &Value, min: f64, max: f64) -> Verdict {
    let Some(number) = value.as_f64() else { return Verdict::Rejected("a number".to_owned()) };
    let near = number.clamp(min, max);
    if near == number {
        return Verdict::Fits;
    }
    Verdict::Clamped(near.into(), format!("from {min} to {max}"))
}

fn check_integer(value: &Value, min: i64, max: i64) -> Verdict {
    if let Some(number) = value.as_i64() {
        let near = number.clamp(min, max);
        if near == number {
            return Verdict::Fits;
        }
        return Verdict::Clamped(near.into(), bounds(min, max));
    }
    let Some(number) = value.as_f64() else { return Verdict::Rejected("a whole number".to_owned()) };
    // Float to integer casts saturate, so numbers beyond i64 become its bounds.
    let near = (number.round() as i64).clamp(min, max);
    if near as f64 == number && value.is_f64() {
        return Verdict::Normalised(near.into());
    }
    Verdict::Clamped(near.into(), bounds(min, max))
}

fn bounds(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => "as a 64-bit whole number".to_owned(),
        (0, i64::MAX) => "as a whole number of at least 0".to_owned(),
        _ => format!("as a whole number from {min} to {max}"),
    }
}

fn check_choice(name: &str, value: &Value, values: &'static [&'static str]) -> Verdict {
    let Some(asked) = value.as_str() else { return Verdict::Rejected(one_of(values)) };
    if values.contains(&asked) {
        return Verdict::Fits;
    }
    let near = if name == effort::NAME { effort::nearest(asked, values) } else { None };
    match near {
        Some(level) => Verdict::Clamped(level.into(), format!("as {}", one_of(values))),
        None => Verdict::Rejected(one_of(values)),
    }
}

fn one_of(values: &[&str]) -> String {
    format!("one of {}", values.join(", "))
}

/// Accepts a single text as a list of one, which protocols with `stop_sequences` require.
fn check_texts(value: &Value, max_items: usize, protocol: Protocol) -> Verdict {
    let items = match value {
        Value::String(_) if protocol == Protocol::OpenaiChat => return Verdict::Fits,
        Value::String(_) => return Verdict::Normalised(Value::Array(vec![value.clone()])),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => items,
        _ => return Verdict::Rejected("a text or a list of texts".to_owned()),
    };
    if max_items == 0 || items.len() <= max_items {
        return Verdict::Fits;
    }
    let kept = items.iter().take(max_items).cloned().collect();
    Verdict::Clamped(Value::Array(kept), format!("with at most {max_items} texts"))
}
