//! Tests of the rules.

use serde_json::json;

use super::*;

pub(super) fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

struct Ask {
    kind: ProviderKind,
    model: &'static str,
    max_tokens: u32,
    skip: Vec<String>,
    model_params: Value,
}

impl Ask {
    fn of(kind: ProviderKind, model: &'static str) -> Self {
        Self { kind, model, max_tokens: 512, skip: Vec::new(), model_params: json!({}) }
    }

    fn max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    fn skip(mut self, name: &str) -> Self {
        self.skip.push(name.to_owned());
        self
    }

    fn model_params(mut self, params: Value) -> Self {
        self.model_params = params;
        self
    }

    /// Resolves with temperature 0.7, the product's default.
    fn with(self, params: Value) -> Resolved {
        let requested =
            Requested { max_tokens: Some(self.max_tokens), temperature: Some(0.7), params: &map(params) };
        let protocol = self.kind.facts().protocol;
        resolve(self.kind, protocol, self.model, &self.skip, &map(self.model_params), &requested)
    }
}

fn openai(model: &'static str) -> Ask {
    Ask::of(ProviderKind::Openai, model)
}

fn anthropic(model: &'static str) -> Ask {
    Ask::of(ProviderKind::Anthropic, model)
}

fn gemini(model: &'static str) -> Ask {
    Ask::of(ProviderKind::Gemini, model)
}

fn sent(resolved: &Resolved) -> Value {
    Value::Object(resolved.params.clone())
}

fn adjustment<'a>(resolved: &'a Resolved, param: &str) -> &'a Adjustment {
    resolved.adjustments.iter().rfind(|adjustment| adjustment.param == param).unwrap()
}

#[test]
fn valid_parameters_are_sent_unchanged_without_a_note() {
    let resolved = openai("gpt-4.1-mini").with(json!({"top_p": 0.9, "stop": ["a"]}));
    assert_eq!(sent(&resolved), json!({"max_tokens": 512, "temperature": 0.7, "top_p": 0.9, "stop": ["a"]}));
    assert_eq!(resolved.adjustments, []);
}

#[test]
fn every_table_names_the_neutral_parameters() {
    let neutral = [
        "temperature",
        "max_tokens",
        "stop",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "reasoning_effort",
    ];
    for facts in ProviderKind::all() {
        let names: Vec<_> = parameters(facts.kind).iter().map(|spec| spec.name).collect();
        for name in neutral {
            assert!(names.contains(&name), "{} lacks {name}", facts.key);
        }
        let unique: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{} names one twice", facts.key);
    }
}

#[test]
fn a_table_is_serialised_for_forms() {
    let spec = serde_json::to_value(parameters(ProviderKind::Cohere)[0]).unwrap();
    assert_eq!(
        spec,
        json!({"name": "temperature", "type": "number", "min": 0.0, "max": 1.0, "step": 0.1,
               "default": 0.3, "support": "yes"})
    );
}

#[test]
fn gpt_5_fixes_the_temperature_and_renames_the_limit() {
    let resolved = openai("gpt-5.2").with(json!({"top_p": 0.5}));
    assert_eq!(sent(&resolved), json!({"max_completion_tokens": 512, "temperature": 1}));
    let temperature = adjustment(&resolved, "temperature");
    assert_eq!(temperature.reason, "OpenAI fixes the temperature of gpt-5.2 at 1.");
    assert_eq!((&temperature.original, temperature.action), (&json!(0.7), AdjustmentAction::Clamp));
    let limit = adjustment(&resolved, "max_tokens");
    assert_eq!(limit.action, AdjustmentAction::Rename);
    assert_eq!(limit.adjusted, Some(json!({"max_completion_tokens": 512})));
    assert_eq!(adjustment(&resolved, "top_p").action, AdjustmentAction::Drop);
}

#[test]
fn gpt_5_1_and_later_sample_freely_without_reasoning() {
    let resolved = openai("gpt-5.1").with(json!({"reasoning_effort": "none", "top_p": 0.5}));
    assert_eq!(
        sent(&resolved),
        json!({"max_completion_tokens": 512, "temperature": 0.7, "top_p": 0.5, "reasoning_effort": "none"})
    );
    let first = openai("gpt-5").with(json!({"reasoning_effort": "none"}));
    assert_eq!(first.params["reasoning_effort"], "minimal");
    assert_eq!(first.params["temperature"], 1);
}

#[test]
fn gpt_5_rules_do_not_apply_to_other_names() {
    for model in ["gpt-50", "gpt-5-chat-latest", "gpt-4o", "my-gpt-5-clone"] {
        let resolved = openai(model).with(json!({}));
        assert_eq!(sent(&resolved), json!({"max_tokens": 512, "temperature": 0.7}), "{model}");
    }
    let elsewhere = Ask::of(ProviderKind::Vllm, "gpt-5").with(json!({}));
    assert_eq!(elsewhere.params["temperature"], 0.7);
}

#[test]
fn o_series_drops_stop_and_renames_the_limit() {
    for model in ["o1", "o3", "o4-mini", "o5-pro", "ft:o4-mini-2025-04-16"] {
        let resolved = openai(model).with(json!({"stop": ["x"], "presence_penalty": 1}));
        assert_eq!(sent(&resolved), json!({"max_completion_tokens": 512, "temperature": 1}), "{model}");
        assert_eq!(adjustment(&resolved, "stop").action, AdjustmentAction::Drop);
    }
}

#[test]
fn openai_has_no_top_k_and_at_most_four_stops() {
    let resolved = openai("gpt-4o").with(json!({"top_k": 5, "stop": ["a", "b", "c", "d", "e"]}));
    assert_eq!(resolved.params.get("top_k"), None);
    assert_eq!(resolved.params["stop"], json!(["a", "b", "c", "d"]));
    assert_eq!(adjustment(&resolved, "top_k").reason, "OpenAI doesn’t support top_k.");
}

#[test]
fn newer_claudes_support_one_sampler_and_the_newest_none() {
    for (model, expected) in [
        ("claude-sonnet-4-20250514", json!({"temperature": 0.7, "top_p": 0.9, "top_k": 5})),
        ("claude-3-5-haiku-20241022", json!({"temperature": 0.7, "top_p": 0.9, "top_k": 5})),
        ("claude-opus-4-1", json!({"temperature": 0.7, "top_k": 5})),
        ("claude-sonnet-4-5-20250929", json!({"temperature": 0.7, "top_k": 5})),
        ("claude-haiku-4-5", json!({"temperature": 0.7, "top_k": 5})),
        ("claude-opus-4-7", json!({})),
        ("claude-sonnet-5", json!({})),
    ] {
        let mut expected = map(expected);
        expected.insert("max_tokens".into(), 512.into());
        let resolved = anthropic(model).with(json!({"top_p": 0.9, "top_k": 5}));
        assert_eq!(sent(&resolved), Value::Object(expected), "{model}");
    }
}

#[test]
fn top_p_can_be_measured_on_anthropic_without_a_temperature() {
    let by_null = anthropic("claude-haiku-4-5").with(json!({"temperature": null, "top_p": 0.9}));
    assert_eq!(sent(&by_null), json!({"max_tokens": 512, "top_p": 0.9}));
    let by_skip = anthropic("claude-haiku-4-5").skip("temperature").with(json!({"top_p": 0.9}));
    assert_eq!(sent(&by_skip), json!({"max_tokens": 512, "top_p": 0.9}));
    assert_eq!(
        adjustment(&by_skip, "temperature").reason,
        "temperature isn’t sent, because it is in the skipped parameters of claude-haiku-4-5."
    );
}

#[test]
fn anthropic_clamps_the_temperature_renames_stop_and_drops_what_it_lacks() {
    let resolved = anthropic("claude-haiku-4-5").with(json!({
        "temperature": 1.8, "stop": "END", "seed": 1, "frequency_penalty": 0.5
    }));
    assert_eq!(sent(&resolved), json!({"max_tokens": 512, "temperature": 1.0, "stop_sequences": ["END"]}));
    assert_eq!(adjustment(&resolved, "stop").adjusted, Some(json!({"stop_sequences": ["END"]})));
    assert_eq!(adjustment(&resolved, "seed").action, AdjustmentAction::Drop);
}

#[test]
fn skip_params_apply_to_a_translated_effort() {
    let effort = || json!({"reasoning_effort": "none"});
    let resolved = Ask::of(ProviderKind::Deepseek, "deepseek-v4-pro").skip("thinking").with(effort());
    assert_eq!(resolved.params.get("thinking"), None);
    let adjustment = adjustment(&resolved, "thinking");
    assert_eq!(
        adjustment.reason,
        "thinking isn’t sent, because it is in the skipped parameters of deepseek-v4-pro."
    );
}

#[test]
fn anthropic_always_gets_max_tokens() {
    let resolved = anthropic("claude-haiku-4-5").skip("max_tokens").with(json!({}));
    assert_eq!(resolved.params["max_tokens"], 512);
    assert!(resolved.adjustments.iter().any(|a| a.action == AdjustmentAction::Warn));
}

#[test]
fn effort_becomes_anthropics_thinking() {
    let resolved = anthropic("claude-haiku-4-5")
        .max_tokens(4096)
        .with(json!({"reasoning_effort": "high", "top_k": 3, "temperature": 0.2}));
    assert_eq!(
        sent(&resolved),
        json!({"max_tokens": 4096, "temperature": 1, "thinking": {"type": "enabled", "budget_tokens": 4095}})
    );
    let short = anthropic("claude-haiku-4-5").with(json!({"reasoning_effort": "high"}));
    assert_eq!(sent(&short), json!({"max_tokens": 512, "temperature": 0.7}));
    assert!(adjustment(&short, "reasoning_effort").reason.contains("raise max_tokens"));
    let adaptive = anthropic("claude-opus-4-6").with(json!({"reasoning_effort": "xhigh"}));
    assert_eq!(adaptive.params["thinking"], json!({"type": "adaptive"}));
    assert_eq!(adaptive.params["output_config"], json!({"effort": "high"}));
    let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 2000}});
    let converted = anthropic("claude-opus-4-7").max_tokens(4096).with(budget);
    assert_eq!(converted.params["thinking"], json!({"type": "adaptive"}));
}

#[test]
fn a_given_thinking_budget_is_kept_below_max_tokens() {
    let ask = |budget: u64| {
        anthropic("claude-sonnet-4-5")
            .max_tokens(3000)
            .with(json!({"thinking": {"type": "enabled", "budget_tokens": budget}}))
    };
    assert_eq!(ask(2000).params["thinking"]["budget_tokens"], 2000);
    assert_eq!(ask(5000).params["thinking"]["budget_tokens"], 2999);
    assert_eq!(ask(10).params["thinking"]["budget_tokens"], 1024);
    assert_eq!(ask(2000).params["temperature"], 1);
}

#[test]
fn gemini_3_has_a_floor_of_1() {
    let resolved = gemini("gemini-3-pro-preview").with(json!({"stop": "x"}));
    assert_eq!(sent(&resolved), json!({"max_output_tokens": 512, "temperature": 1, "stop_sequences": ["x"]}));
    assert_eq!(gemini("models/gemini-3-flash-preview").with(json!({})).params["temperature"], 1);
    assert_eq!(gemini("gemini-3-pro").with(json!({"temperature": 1.5})).params["temperature"], 1.5);
    assert_eq!(gemini("gemini-2.5-flash").with(json!({})).params["temperature"], 0.7);
    for model in ["gemini-3.6-flash", "gemini-3.5-flash-lite", "gemini-4-argon"] {
        assert_eq!(gemini(model).with(json!({})).params.get("temperature"), None, "{model}");
    }
}

#[test]
fn effort_becomes_googles_thinking_config() {
    let config = |model, level| {
        gemini(model).with(json!({"reasoning_effort": level})).params["thinking_config"].clone()
    };
    assert_eq!(config("gemini-2.5-flash", "none"), json!({"thinkingBudget": 0}));
    assert_eq!(config("gemini-2.5-pro", "none"), json!({"thinkingBudget": 128}));
    assert_eq!(config("gemini-2.5-pro", "medium"), json!({"thinkingBudget": 8192}));
    assert_eq!(config("gemini-3-flash-preview", "none"), json!({"thinkingLevel": "minimal"}));
    assert_eq!(config("gemini-3-pro-preview", "none"), json!({"thinkingLevel": "low"}));
    let old = gemini("gemini-2.0-flash").with(json!({"reasoning_effort": "low"}));
    assert_eq!(old.params.get("thinking_config"), None);
}

#[test]
fn effort_stays_effort_at_googles_openai_endpoint() {
    let params = map(json!({"reasoning_effort": "low"}));
    let requested = Requested { max_tokens: Some(64), temperature: Some(1.0), params: &params };
    let (kind, protocol) = (ProviderKind::Gemini, Protocol::OpenaiChat);
    let resolved = resolve(kind, protocol, "gemini-2.5-flash", &[], &Map::new(), &requested);
    assert_eq!(sent(&resolved), json!({"max_tokens": 64, "temperature": 1.0, "reasoning_effort": "low"}));
}

#[test]
fn deepseek_drops_sampling_while_it_thinks() {
    let deepseek = |model| Ask::of(ProviderKind::Deepseek, model);
    let reasoner = deepseek("deepseek-reasoner").with(json!({"top_p": 0.5, "presence_penalty": 1}));
    assert_eq!(sent(&reasoner), json!({"max_tokens": 512}));
    assert_eq!(deepseek("deepseek-chat").with(json!({})).params["temperature"], 0.7);
    assert_eq!(deepseek("deepseek-v4-pro").with(json!({})).params.get("temperature"), None);
    let quiet = deepseek("deepseek-v4-pro").with(json!({"reasoning_effort": "none"}));
    assert_eq!(
        sent(&quiet),
        json!({"max_tokens": 512, "temperature": 0.7, "thinking": {"type": "disabled"}})
    );
    let low = deepseek("deepseek-v4-flash").with(json!({"reasoning_effort": "low"}));
    assert_eq!(low.params["reasoning_effort"], "high");
    assert_eq!(low.params["thinking"], json!({"type": "enabled"}));
}

#[test]
fn xai_reasoning_models_refuse_penalties_and_stop() {
    let grok = |model| {
        Ask::of(ProviderKind::Xai, model)
            .with(json!({"stop": ["x"], "presence_penalty": 1, "reasoning_effort": "medium"}))
    };
    assert_eq!(sent(&grok("grok-4")), json!({"max_tokens": 512, "temperature": 0.7}));
    assert_eq!(grok("grok-4.20-reasoning").params.get("reasoning_effort"), None);
    assert_eq!(grok("grok-4.5").params["reasoning_effort"], "medium");
    assert_eq!(grok("grok-3-mini").params["reasoning_effort"], "low");
    assert_eq!(grok("grok-4.20-non-reasoning").params["stop"], json!(["x"]));
}

#[test]
fn mistral_and_cohere_have_their_own_names_and_bounds() {
    let mistral = Ask::of(ProviderKind::Mistral, "ministral-8b-latest")
        .with(json!({"seed": 7, "temperature": 2, "top_k": 3}));
    assert_eq!(sent(&mistral), json!({"max_tokens": 512, "temperature": 1.5, "random_seed": 7}));
    let cohere = Ask::of(ProviderKind::Cohere, "command-r-08-2024").max_tokens(9000).with(json!({
        "top_p": 1.0, "top_k": 900, "frequency_penalty": -1, "stop": "x"
    }));
    assert_eq!(
        sent(&cohere),
        json!({"max_tokens": 4096, "temperature": 0.7, "p": 0.99, "k": 500, "frequency_penalty": 0.0,
               "stop_sequences": ["x"]})
    );
}

#[test]
fn ceilings_of_max_tokens_are_enforced() {
    for (kind, model, expected) in [
        (ProviderKind::Gemini, "gemini-2.5-flash", json!({"max_output_tokens": 65_536})),
        (ProviderKind::Ollama, "llama3.2", json!({"max_tokens": 32_768})),
        (ProviderKind::Openai, "gpt-4.1", json!({"max_tokens": 128_000})),
    ] {
        let resolved = Ask::of(kind, model).max_tokens(2_000_000).with(json!({"temperature": null}));
        assert_eq!(sent(&resolved), expected, "{model}");
    }
    assert_eq!(openai("gpt-4.1").max_tokens(0).with(json!({})).params["max_tokens"], 1);
}

#[test]
fn wrong_types_and_unknown_words_are_left_out() {
    let resolved = openai("gpt-4o").with(json!({
        "top_p": "much", "seed": "x", "service_tier": "gold", "stop": [1], "response_format": 3
    }));
    assert_eq!(sent(&resolved), json!({"max_tokens": 512, "temperature": 0.7}));
    assert_eq!(resolved.adjustments.len(), 5);
    let rounded = Ask::of(ProviderKind::Vllm, "x").with(json!({"top_k": 40.0, "seed": 1.5}));
    assert_eq!((&rounded.params["top_k"], &rounded.params["seed"]), (&json!(40), &json!(2)));
    assert_eq!(rounded.adjustments.len(), 1);
}

#[test]
fn the_request_takes_precedence_over_the_model_and_that_over_the_rest() {
    let model_params = json!({"temperature": 0.2, "top_p": 0.3, "seed": 5});
    let resolved = openai("gpt-4o").model_params(model_params).with(json!({"top_p": 0.4}));
    assert_eq!(sent(&resolved), json!({"max_tokens": 512, "temperature": 0.2, "seed": 5, "top_p": 0.4}));
    assert_eq!(
        adjustment(&resolved, "temperature").reason,
        "temperature 0.7 is overridden by 0.2, set for this model."
    );
}

#[test]
fn synonyms_are_one_parameter() {
    let resolved = openai("gpt-5").with(json!({"max_completion_tokens": 900}));
    assert_eq!(sent(&resolved), json!({"temperature": 1, "max_completion_tokens": 900}));
    let other_way = openai("gpt-4o").with(json!({"max_completion_tokens": 900}));
    assert_eq!(other_way.params["max_tokens"], 900);
    let camel = gemini("gemini-2.5-flash").with(json!({"topP": 5.0, "maxOutputTokens": 9}));
    assert_eq!(sent(&camel), json!({"temperature": 0.7, "top_p": 1.0, "max_output_tokens": 9}));
}

#[test]
fn passthrough_sends_unknown_names_with_a_note() {
    let resolved = openai("gpt-4o").with(json!({
        "passthrough": {"metadata": {"model": "nested names are data", "url": "http://x"}},
        "logprobs": true
    }));
    assert_eq!(resolved.params["metadata"]["url"], "http://x");
    assert_eq!(resolved.params["logprobs"], true);
    assert_eq!(adjustment(&resolved, "metadata").action, AdjustmentAction::Passthrough);
    assert_eq!(adjustment(&resolved, "logprobs").action, AdjustmentAction::Passthrough);
}

#[test]
fn passthrough_cannot_set_url_key_headers_or_the_requests_own_fields() {
    let names = [
        "model",
        "messages",
        "contents",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "system",
        "systemInstruction",
        "system_instruction",
        "prompt",
        "base_url",
        "baseURL",
        "api_base",
        "apiBase",
        "API-KEY",
        "api_key",
        "x-api-key",
        "openai_api_key",
        "headers",
        "extra_headers",
        "default_headers",
        "Authorization",
        "auth_token",
        "extra_body",
        "extra_query",
        "generationConfig",
        "endpoint",
        "proxy",
        "http_proxy",
        "passthrough",
        "functions",
        "key",
        "host",
        "n",
        "",
        "_",
    ];
    for name in names {
        for params in [json!({name: "evil"}), json!({"passthrough": {name: "evil"}})] {
            let resolved = openai("gpt-4o").with(params.clone());
            assert_eq!(sent(&resolved), json!({"max_tokens": 512, "temperature": 0.7}), "{params}");
            assert_eq!(adjustment(&resolved, name).action, AdjustmentAction::Drop, "{params}");
        }
    }
}

#[test]
fn legitimate_names_are_not_protected() {
    for name in
        ["prompt_cache_key", "metadata", "user", "store", "parallel_tool_calls", "min_tokens", "top_a"]
    {
        assert!(!protected::is_protected(name), "{name}");
    }
}

#[test]
fn an_unknown_endpoint_gets_everything_with_a_warning() {
    let resolved = Ask::of(ProviderKind::Custom, "x").with(json!({"top_k": 5, "foo": 1}));
    assert_eq!(sent(&resolved), json!({"max_tokens": 512, "temperature": 0.7, "top_k": 5, "foo": 1}));
    assert_eq!(adjustment(&resolved, "top_k").action, AdjustmentAction::Warn);
    assert_eq!(adjustment(&resolved, "foo").action, AdjustmentAction::Passthrough);
    assert_eq!(Ask::of(ProviderKind::Custom, "x").with(json!({})).adjustments, []);
}

#[test]
fn names_follow_the_protocol_and_rules_the_provider() {
    let params = map(json!({"stop": "x", "top_k": 4}));
    let requested = Requested { max_tokens: Some(64), temperature: Some(1.4), params: &params };
    let kind = ProviderKind::LlamaCpp;
    let resolved = resolve(kind, Protocol::AnthropicMessages, "smollm2", &[], &Map::new(), &requested);
    assert_eq!(
        sent(&resolved),
        json!({"max_tokens": 64, "temperature": 1.4, "top_k": 4, "stop_sequences": ["x"]})
    );
}
