use serde_json::json;

use super::*;
use bench::types::{Parameters, Timeouts};
use endpoint::ModelRef;

fn model(provider: &str, model: &str) -> ModelRef {
    ModelRef { provider_key: provider.into(), model_id: model.into() }
}

fn usual() -> SetUpFields {
    SetUpFields::of(&Parameters::default(), &[model("openai", "gpt-5.2")])
}

fn complaints(fields: SetUpFields) -> Vec<String> {
    let complaints = fields.request().expect_err("something is wrong");
    complaints.into_iter().map(|complaint| format!("{}: {}", complaint.field, complaint.sentence)).collect()
}

#[test]
fn the_default_form_becomes_the_default_request() {
    let request = usual().request().unwrap();
    assert_eq!(request.parameters(), Ok(Parameters::default()));
    assert_eq!(request.targets, [model("openai", "gpt-5.2")]);
}

#[test]
fn fills_the_form_from_an_earlier_benchmark() {
    let params = json!({
        "top_p": 0.9, "top_k": 40, "frequency_penalty": -0.5, "presence_penalty": 1, "seed": 7,
        "reasoning_effort": "low", "stop": ["END", "x,y"], "passthrough": {"logit_bias": {"50256": -100}},
    });
    let parameters = Parameters {
        prompt: "Say\nhello".into(),
        runs: 5,
        max_tokens: 64,
        temperature: 1.3,
        context_tiers: vec![0, 7_000],
        warmup: false,
        params: params.as_object().unwrap().clone(),
        timeouts: Timeouts { connect_s: 10.0, first_token_s: 60.0, total_s: 60.0 },
        load: None,
    };
    let models = [model("openrouter", "meta/llama-4"), model("demo", "demo-fast")];
    let request = SetUpFields::of(&parameters, &models).request().unwrap();
    assert_eq!(request.targets, models);
    assert_eq!(request.parameters(), Ok(parameters));
}

#[test]
fn passes_through_parameters_without_a_field() {
    let params = json!({"min_p": 0.1, "passthrough": {"mirostat": 2}});
    let parameters = Parameters { params: params.as_object().unwrap().clone(), ..Parameters::default() };
    let fields = SetUpFields::of(&parameters, &[model("ollama", "m")]);
    assert!(fields.has_advanced() && !usual().has_advanced());
    let sent = fields.request().unwrap().provider_params.unwrap();
    assert_eq!(serde_json::Value::Object(sent), json!({"passthrough": {"min_p": 0.1, "mirostat": 2}}));
}

#[test]
fn adds_custom_context_sizes_to_the_checked_ones() {
    let fields =
        SetUpFields { tiers: vec!["5000".into(), "0".into()], own_tiers: "7000, 5000;300".into(), ..usual() };
    assert_eq!(fields.request().unwrap().context_tiers, [0, 300, 5_000, 7_000]);
}

#[test]
fn every_field_reports_its_error() {
    let fields = SetUpFields {
        models: vec![],
        runs: "21".into(),
        temperature: "warm".into(),
        tiers: vec![],
        own_tiers: "9999999".into(),
        top_k: "1.5".into(),
        passthrough: "[1]".into(),
        ..usual()
    };
    let expected = [
        "models: Choose at least one model.",
        "runs: Enter a whole number from 1 to 20.",
        "temperature: Enter a number from 0 to 2.",
        "tiers: 9999999: context size must be 0–2,000,000 tokens.",
        "tiers: Choose at least one context size; 0 is the bare prompt.",
        "top_k: Enter a whole number from 1 to 1000.",
        "passthrough: Enter a JSON object: names and values in { }.",
    ];
    assert_eq!(complaints(fields), expected);
}

#[test]
fn reports_the_position_of_invalid_json() {
    let found = complaints(SetUpFields { passthrough: "{\"a\": }".into(), ..usual() });
    assert!(
        found[0].starts_with("passthrough: This is not valid JSON") && found[0].contains("column 7"),
        "{found:?}"
    );
}

#[test]
fn empty_fields_mean_defaults() {
    let fields = SetUpFields {
        runs: String::new(),
        max_tokens: " ".into(),
        temperature: String::new(),
        prompt: " \r\n".into(),
        ..usual()
    };
    assert_eq!(fields.request().unwrap().parameters(), Ok(Parameters::default()));
}

fn group(key: &str, simulated: bool, obstacle: Option<Obstacle>, models: &[&str]) -> MenuGroup {
    let models =
        models.iter().map(|id| MenuModel { id: (*id).into(), name: (*id).into(), context_window: None });
    MenuGroup {
        id: key.into(),
        key: key.into(),
        name: key.into(),
        hue: key.into(),
        simulated,
        local: false,
        obstacle,
        models: models.collect(),
    }
}

fn menu() -> ModelMenu {
    ModelMenu {
        groups: vec![
            group("openai", false, None, &["gpt-5.2", "gpt-5.2-mini"]),
            group("groq", false, Some(Obstacle::NeedsKey), &["llama-4"]),
            group("demo", true, None, &["demo-fast", "demo-steady"]),
        ],
    }
}

#[test]
fn selects_the_simulated_models_for_a_new_user() {
    assert_eq!(menu().first_form().models, ["demo/demo-fast", "demo/demo-steady"]);
    assert_eq!(menu().ready_count(), 4);
}

#[test]
fn does_not_select_deleted_models_again() {
    let models = [model("openai", "gpt-5.2"), model("openai", "gpt-4"), model("groq", "llama-4")];
    assert_eq!(menu().form_again(&Parameters::default(), &models).models, ["openai/gpt-5.2"]);
}
