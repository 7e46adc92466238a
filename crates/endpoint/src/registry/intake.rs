//! Collects the requested parameters in order of precedence, and removes those that must not be sent.

use serde_json::{Map, Value};

use super::{AdjustmentAction, Requested, check, draft::Draft, names, protected};
use crate::types::Protocol;

const COMMON: &str = "for all models";
const MODEL: &str = "for this model";
const REQUEST: &str = "in the request's parameters";

/// Adds all requested parameters to the draft: those for all models, the model's, the request's.
pub(super) fn collect(draft: &mut Draft<'_>, model_params: &Map<String, Value>, requested: &Requested<'_>) {
    let common = [
        ("max_tokens", requested.max_tokens.map(Value::from)),
        ("temperature", requested.temperature.map(Value::from)),
    ];
    for (name, value) in common {
        value.into_iter().for_each(|value| wish(draft, name, &value, COMMON));
    }
    layer(draft, model_params, MODEL);
    layer(draft, requested.params, REQUEST);
    forget_nulls(draft);
}

/// Adds one map of parameters. Those in its `passthrough` come last and are checked like the others.
fn layer(draft: &mut Draft<'_>, params: &Map<String, Value>, place: &str) {
    for (name, value) in params.iter().filter(|(name, _)| *name != "passthrough") {
        wish(draft, name, value, place);
    }
    match params.get("passthrough") {
        Some(Value::Object(inner)) => inner.iter().for_each(|(name, value)| wish(draft, name, value, place)),
        Some(other) if !other.is_null() => wish(draft, "passthrough", other, place),
        _ => {}
    }
}

fn wish(draft: &mut Draft<'_>, written_as: &str, value: &Value, place: &str) {
    let name = names::neutral(draft.protocol, written_as);
    if let Some(earlier) = draft.get(&name).filter(|earlier| *earlier != value && !earlier.is_null()).cloned()
    {
        let param = draft.asked_as(&name).to_owned();
        let reason = if value.is_null() {
            format!("{param} {earlier} isn’t sent, because {written_as} is set to null {place}.")
        } else {
            format!("{param} {earlier} is overridden by {value}, set {place}.")
        };
        let winner = (!value.is_null()).then(|| value.clone());
        draft.overridden(&param, earlier, winner, reason);
    }
    draft.ask(&name, written_as, value.clone());
}

fn forget_nulls(draft: &mut Draft<'_>) {
    for name in draft.names() {
        if draft.get(&name).is_some_and(Value::is_null) {
            draft.forget(&name);
        }
    }
}

/// Drops every name that belongs to the request itself.
pub(super) fn drop_protected(draft: &mut Draft<'_>) {
    for name in draft.names() {
        if protected::is_protected(&name) || protected::is_protected(draft.asked_as(&name)) {
            let reason = format!("{name} is part of the request itself and can’t be set as a parameter.");
            draft.drop(&name, reason);
        }
    }
}

/// Drops the parameters in the model's `skip_params`, by any of their names.
pub(super) fn drop_skipped(draft: &mut Draft<'_>, skip_params: &[String]) {
    for skipped in skip_params {
        let name = names::neutral(draft.protocol, skipped);
        let reason =
            format!("{skipped} isn’t sent, because it is in the skipped parameters of {}.", draft.model_id);
        draft.drop(&name, reason);
    }
}

/// The same for parameters that the model's rules have added, such as `thinking` in place of an effort.
pub(super) fn drop_skipped_again(draft: &mut Draft<'_>, skip_params: &[String]) {
    let may_go = |skipped: &&String| !is_required(draft.protocol, &names::neutral(draft.protocol, skipped));
    let skipped: Vec<String> = skip_params.iter().filter(may_go).cloned().collect();
    drop_skipped(draft, &skipped);
}

/// Returns whether a parameter is required: Anthropic's protocol has no default for `max_tokens`.
fn is_required(protocol: Protocol, name: &str) -> bool {
    protocol == Protocol::AnthropicMessages && name == "max_tokens"
}

/// Adds a missing required parameter with the value for all models.
pub(super) fn keep_required(draft: &mut Draft<'_>, max_tokens: Option<u32>) {
    let Some(max_tokens) = max_tokens else { return };
    if is_required(draft.protocol, "max_tokens") && !draft.has("max_tokens") {
        draft.ask("max_tokens", "max_tokens", max_tokens.into());
        let reason = "Anthropic’s API requires max_tokens, so it is sent anyway.";
        draft.note("max_tokens", AdjustmentAction::Warn, reason);
        check::check_one(draft, "max_tokens");
    }
}
