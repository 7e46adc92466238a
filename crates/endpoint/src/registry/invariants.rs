//! Property tests of the rules: bounds, protected names, and that every change is recorded.

use proptest::prelude::*;
use serde_json::json;

use super::{tests::map, *};

const MODELS: [&str; 30] = [
    "gpt-4o",
    "gpt-5",
    "gpt-5.2",
    "gpt-5-chat-latest",
    "gpt-6-sol",
    "gpt-4o-search-preview",
    "o3-mini",
    "o1",
    "claude-3-5-haiku-20241022",
    "claude-opus-4-1",
    "claude-haiku-4-5",
    "claude-opus-4-6",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-sonnet-5-5",
    "claude-mythos-5",
    "gemini-2.0-flash",
    "gemini-2.5-pro",
    "gemini-3-flash-preview",
    "gemini-3.7-flash",
    "gemini-flash-latest",
    "deepseek-reasoner",
    "deepseek-v4-pro",
    "deepseek-chat",
    "grok-4",
    "grok-4.3",
    "mistral-small-latest",
    "magistral-medium-latest",
    "command-r-08-2024",
    "command-a-reasoning-08-2025",
];

const NAMES: [&str; 44] = [
    "temperature",
    "max_tokens",
    "stop",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "reasoning_effort",
    "max_completion_tokens",
    "max_output_tokens",
    "stop_sequences",
    "random_seed",
    "p",
    "k",
    "topP",
    "maxOutputTokens",
    "thinking",
    "thinking_config",
    "output_config",
    "min_p",
    "mirostat",
    "logprobs",
    "logit_bias",
    "service_tier",
    "safety_mode",
    "verbosity",
    "num_ctx",
    "best_of",
    "repetition_penalty",
    "metadata",
    "whatever",
    "model",
    "messages",
    "stream",
    "Stream_Options",
    "apiKey",
    "base_url",
    "headers",
    "authorization",
    "tools",
    "contents",
    "passthrough",
    "x",
];

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3.0..3.0f64).prop_map(Value::from),
        (0..6000i64).prop_map(Value::from),
        prop::sample::select(vec!["none", "minimal", "low", "high", "max", "enabled", "OFF", "word"])
            .prop_map(Value::from),
        prop::collection::vec("[a-c]{1,2}", 0..7).prop_map(Value::from),
        (prop::sample::select(vec!["enabled", "disabled", "adaptive", "odd"]), any::<i32>())
            .prop_map(|(kind, budget)| json!({"type": kind, "budget_tokens": budget})),
        Just(json!({"model": "m", "api_key": "k", "top_p": 9, "temperature": -4})),
    ]
}

fn any_params() -> impl Strategy<Value = Map<String, Value>> {
    let entry = (prop::sample::select(NAMES.to_vec()), any_value());
    prop::collection::vec(entry, 0..8)
        .prop_map(|entries| entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn any_kind() -> impl Strategy<Value = ProviderKind> {
    prop::sample::select(ProviderKind::all().map(|facts| facts.kind).collect::<Vec<_>>())
}

fn any_protocol() -> impl Strategy<Value = Protocol> {
    prop::sample::select(vec![
        Protocol::OpenaiChat,
        Protocol::AnthropicMessages,
        Protocol::GeminiGenerate,
        Protocol::CohereChat,
    ])
}

/// Returns the last requested name and value of each parameter.
fn last_requested(protocol: Protocol, layers: &[&Map<String, Value>]) -> Vec<(String, Value)> {
    let mut last = std::collections::HashMap::new();
    for layer in layers {
        let inner = layer.get("passthrough").and_then(Value::as_object);
        let outer = layer.iter().filter(|(name, value)| *name != "passthrough" || !value.is_object());
        for (name, value) in outer.chain(inner.into_iter().flatten()) {
            last.insert(names::neutral(protocol, name), (name.clone(), value.clone()));
        }
    }
    last.into_values().filter(|(_, value)| !value.is_null()).collect()
}

fn equal(a: &Value, b: &Value) -> bool {
    a == b
        || a.is_number() && b.is_number() && a.as_f64() == b.as_f64()
        || b.as_array().is_some_and(|list| list.len() == 1 && list[0] == *a)
}

fn in_range(spec: &ParamSpec, value: &Value) -> bool {
    match spec.param_type {
        ParamType::Number { min, max, .. } => value.as_f64().is_some_and(|n| (min..=max).contains(&n)),
        ParamType::Integer { min, max } => value.as_i64().is_some_and(|n| (min..=max).contains(&n)),
        ParamType::Boolean => value.is_boolean(),
        ParamType::Choice { values } => value.as_str().is_some_and(|text| values.contains(&text)),
        ParamType::Texts { max_items } => {
            value.is_string()
                || value.as_array().is_some_and(|list| max_items == 0 || list.len() <= max_items)
        }
        ParamType::Object => value.is_object(),
        ParamType::Any => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_result_is_valid_for_any_request(
        kind in any_kind(),
        protocol in any_protocol(),
        model in prop_oneof![prop::sample::select(MODELS.to_vec()).prop_map(str::to_owned), "\\PC{0,12}"],
        skip in prop::collection::vec(prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 0..2),
        model_params in any_params(),
        params in any_params(),
        max_tokens in any::<u32>(),
        temperature in any::<f64>(),
    ) {
        let requested = Requested { max_tokens: Some(max_tokens), temperature: Some(temperature), params: &params };
        let resolved = resolve(kind, protocol, &model, &skip, &model_params, &requested);

        for name in resolved.params.keys() {
            let plain = name.replace(['_', '-'], "").to_lowercase();
            let forbidden = ["model", "messages", "stream", "streamoptions", "apikey", "baseurl", "headers",
                             "authorization", "tools", "contents", "passthrough"];
            prop_assert!(!forbidden.contains(&plain.as_str()), "{name} was sent");
        }
        for (name, value) in &resolved.params {
            let neutral = names::neutral(protocol, name);
            if let Some(spec) = parameters(kind).iter().find(|spec| spec.name == neutral) {
                prop_assert!(in_range(spec, value), "{name} = {value}");
                prop_assert_ne!(spec.support, Support::No, "{} was sent", name);
            }
        }

        let common = map(json!({"max_tokens": max_tokens, "temperature": temperature}));
        for (name, value) in last_requested(protocol, &[&common, &model_params, &params]) {
            let as_asked = resolved.params.iter().any(|(sent, now)| {
                sent.replace('_', "").eq_ignore_ascii_case(&name.replace('_', "")) && equal(&value, now)
            });
            let said = resolved.adjustments.iter().any(|adjustment| adjustment.param == name);
            prop_assert!(as_asked || said, "no adjustment for {name} = {value}: {resolved:?}");
        }

        let mut again = resolved.params.clone();
        for base in ["max_tokens", "temperature"] {
            if !resolved.params.keys().any(|name| names::neutral(protocol, name) == base) {
                again.insert(base.to_owned(), Value::Null);
            }
        }
        let requested = Requested { max_tokens: Some(max_tokens), temperature: Some(temperature), params: &again };
        let second = resolve(kind, protocol, &model, &skip, &Map::new(), &requested);
        prop_assert_eq!(second.params, resolved.params);
    }
}
