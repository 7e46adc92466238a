//! Tests of the REST API through the router, without a network connection.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::accounts::session::Proof;
use crate::accounts::{Role, Session, User, UserId};
use crate::server::testing::state;
use crate::server::{AppState, router};

const SECRET: &str = "sk-the-secret-of-ada-wxyz";

/// Creates an app with the admin ada and the users anna and ben.
async fn app() -> AppState {
    let (state, database) = state().await;
    for name in ["anna", "ben"] {
        crate::database::testing::add_user(&database, name).await;
    }
    crate::database::testing::add_admin(&database, "ada").await;
    state
}

fn session(name: &str) -> Session {
    let user = User {
        id: UserId::new(name),
        email: format!("{name}@example.org"),
        role: if name == "ada" { Role::Admin } else { Role::User },
        onboarding_completed: true,
    };
    Session { user, id: "session".into(), proof: Proof::Bearer }
}

async fn call(app: &AppState, name: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .extension(session(name))
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = router(app.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(app: &AppState, name: &str, path: &str) -> Value {
    let (status, body) = call(app, name, "GET", path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

/// Sends a request with a body and returns its status.
async fn status(app: &AppState, name: &str, method: &str, path: &str, body: Value) -> u16 {
    call(app, name, method, path, body).await.0.as_u16()
}

/// Gives ada an OpenAI provider with a key and a model, and returns the ids of both rows.
async fn configured(app: &AppState) -> (String, String) {
    let new = json!({ "provider_key": "openai", "api_key": SECRET });
    assert_eq!(status(app, "ada", "POST", "/api/config/provider", new).await, 200);
    let model = json!({ "provider_key": "openai", "id": "gpt-5.5", "display_name": "Five" });
    assert_eq!(status(app, "ada", "POST", "/api/config/model", model).await, 200);
    let models = get(app, "ada", "/api/v2/models").await;
    let id = |field: &str| models[0][field].as_str().unwrap().to_owned();
    (id("provider_id"), id("id"))
}

#[tokio::test]
async fn the_configuration_is_returned() {
    let app = app().await;
    configured(&app).await;
    let change = json!({
        "provider_key": "openai", "model_id": "gpt-5.5", "context_window": 1000, "system_prompt": "Be brief.",
        "params": { "verbosity": "low" }, "custom_fields": { "note": "x" }, "input_cost_per_mtok": 1.5, "output_cost_per_mtok": 6,
        "aliases": ["five"], "skip_params": ["temperature"]
    });
    assert_eq!(status(&app, "ada", "PUT", "/api/config/model", change).await, 200);
    let config = get(&app, "ada", "/api/config").await;
    let provider = &config["providers"]["OpenAI"];
    assert_eq!(provider["api_base"], "https://api.openai.com/v1");
    assert_eq!((&provider["api_key_env"], &provider["api_key"]), (&json!("OPENAI_API_KEY"), &json!("…wxyz")));
    let model = &provider["models"][0];
    assert_eq!((&model["display_name"], &model["context_window"]), (&json!("Five"), &json!(1000)));
    assert_eq!(
        (&model["params"], &model["custom_fields"], &model["system_prompt"]),
        (&json!({ "verbosity": "low" }), &json!({ "note": "x" }), &json!("Be brief."))
    );
    assert_eq!((&model["input_cost_per_mtok"], &model["output_cost_per_mtok"]), (&json!(1.5), &json!(6.0)));
    assert_eq!(config["defaults"]["context_tiers"], json!([0]));
    let cleared = json!({ "provider_key": "openai", "model_id": "gpt-5.5", "context_window": null, "system_prompt": null });
    assert_eq!(status(&app, "ada", "PUT", "/api/config/model", cleared).await, 200);
    let config = get(&app, "ada", "/api/config").await;
    let model = &config["providers"]["OpenAI"]["models"][0];
    assert_ne!(model["context_window"], json!(1000));
    assert_eq!((&model["system_prompt"], &model["aliases"]), (&Value::Null, &json!(["five"])));
}

#[tokio::test]
async fn errors_have_the_documented_status() {
    let app = app().await;
    let (provider, model) = configured(&app).await;
    let renamed = json!({ "provider_key": "openai", "model_id": "gpt-5.5", "new_model_id": "a\nb" });
    for (method, path, body, expected) in [
        ("POST", "/api/config/provider", json!({ "provider_key": "openai" }), 400),
        ("POST", "/api/v2/providers", json!({ "key": "openai", "name": "Twice" }), 409),
        ("POST", "/api/config/provider", json!({ "provider_key": "a b" }), 422),
        ("POST", "/api/config/provider", json!({ "provider_key": "mine" }), 422),
        (
            "POST",
            "/api/config/provider",
            json!({ "provider_key": "mine", "api_base": "file:///etc/passwd" }),
            422,
        ),
        (
            "POST",
            "/api/config/provider",
            json!({ "provider_key": "cohere", "api_key_env": "sk-a-key-and-no-name" }),
            422,
        ),
        ("PUT", "/api/config/provider", json!({ "provider_key": "none" }), 404),
        ("POST", "/api/config/model", json!({ "provider_key": "openai", "id": "gpt-5.5" }), 400),
        (
            "POST",
            "/api/config/model",
            json!({ "provider_key": "openai", "id": "m", "context_window": 0 }),
            422,
        ),
        ("POST", "/api/config/model", json!({ "provider_key": "openai" }), 400),
        ("PUT", "/api/config/model", json!({ "provider_key": "openai", "model_id": "none" }), 404),
        ("PUT", "/api/config/model", renamed, 422),
        ("PUT", "/api/config/model", json!([]), 400),
        ("DELETE", "/api/config/model", json!({ "provider_key": "openai", "model_id": "none" }), 404),
        ("PUT", "/api/keys", json!({ "provider_key": "openai" }), 422),
        ("PUT", "/api/keys", json!({ "provider_key": "openai", "value": "two words" }), 422),
        ("DELETE", "/api/keys", json!({ "provider_key": "none" }), 404),
        ("DELETE", "/api/keys", json!({}), 400),
        ("PUT", "/api/keys", json!({ "provider_key": "shared-openai", "value": "sk-0123456789" }), 422),
        ("PUT", "/api/env", json!({ "name": "OPENAI_API_KEY", "value": "x" }), 400),
        ("DELETE", "/api/env", json!({ "name": "OPENAI_API_KEY" }), 400),
        ("GET", "/api/models/discover", Value::Null, 422),
        ("GET", "/api/models/discover?provider_key=none", Value::Null, 404),
        ("POST", "/api/provider-params/validate", json!({ "provider_key": "openai" }), 422),
    ] {
        assert_eq!(status(&app, "ada", method, path, body.clone()).await, expected, "{method} {path} {body}");
    }
    let path = format!("/api/v2/models/{model}");
    assert_eq!(status(&app, "ada", "DELETE", &path, Value::Null).await, 204);
    assert_eq!(status(&app, "ada", "DELETE", &path, Value::Null).await, 404);
    let path = format!("/api/v2/providers/{provider}");
    assert_eq!(status(&app, "ada", "DELETE", &path, Value::Null).await, 204);
}

#[tokio::test]
async fn other_users_rows_return_404() {
    let app = app().await;
    let (provider, model) = configured(&app).await;
    let (provider, model) = (format!("/api/v2/providers/{provider}"), format!("/api/v2/models/{model}"));
    let models = format!("{provider}/models");
    for (method, path, body) in [
        ("GET", &provider, Value::Null),
        ("PUT", &provider, json!({ "name": "Mine now" })),
        ("DELETE", &provider, Value::Null),
        ("GET", &models, Value::Null),
        ("POST", &models, json!({ "litellm_id": "m" })),
        ("PUT", &model, json!({ "is_active": false })),
        ("DELETE", &model, Value::Null),
    ] {
        assert_eq!(status(&app, "ben", method, path, body).await, 404, "{method} {path}");
    }
    assert_eq!(status(&app, "ben", "GET", "/api/env", Value::Null).await, 403);
    assert_eq!(get(&app, "ada", "/api/v2/models").await[0]["is_active"], true);
}

#[tokio::test]
async fn no_response_contains_a_key() {
    let app = app().await;
    let (provider, _) = configured(&app).await;
    app.providers.share(&session("ada").user, &provider, true).await.unwrap();
    for name in ["ada", "anna"] {
        for path in ["/api/config", "/api/keys", "/api/v2/providers", "/api/v2/models"] {
            let body = get(&app, name, path).await.to_string();
            assert!(!body.contains(SECRET) && !body.contains("the-secret"), "{name} {path}: {body}");
            assert!(name == "ada" || !body.contains("wxyz"), "{path}: {body}");
        }
    }
    let keys = get(&app, "anna", "/api/keys").await;
    assert_eq!((&keys["keys"][0]["has_global_key"], &keys["keys"][0]["last4"]), (&json!(true), &Value::Null));
    let moved = json!({ "api_base": "https://evil.example/v1" });
    assert_eq!(status(&app, "anna", "PUT", &format!("/api/v2/providers/{provider}"), moved).await, 403);
}

#[tokio::test]
async fn a_key_is_locked_by_a_new_url_and_replaced_by_a_new_key() {
    let app = app().await;
    configured(&app).await;
    let moved = json!({ "provider_key": "openai", "api_base": "https://gateway.example/v1" });
    assert_eq!(status(&app, "ada", "PUT", "/api/config/provider", moved).await, 200);
    let key = |keys: Value| keys["keys"][0].clone();
    assert_eq!(key(get(&app, "ada", "/api/keys").await)["locked_to"], "https://api.openai.com");
    let new = json!({ "provider_key": "openai", "value": "sk-of-the-gateway-7777" });
    assert_eq!(status(&app, "ada", "PUT", "/api/keys", new).await, 200);
    let replaced = key(get(&app, "ada", "/api/keys").await);
    assert_eq!((&replaced["locked_to"], &replaced["last4"]), (&Value::Null, &json!("7777")));
    assert_eq!(status(&app, "ada", "DELETE", "/api/keys", json!({ "provider_key": "openai" })).await, 200);
    assert_eq!(key(get(&app, "ada", "/api/keys").await)["has_user_key"], false);
}

#[tokio::test]
async fn parameters_are_validated_like_those_of_a_benchmark() {
    let app = app().await;
    configured(&app).await;
    let question = json!({ "provider_key": "openai", "model_id": "gpt-5.5", "params": { "top_k": 5 } });
    let (status, verdict) = call(&app, "ada", "POST", "/api/provider-params/validate", question).await;
    assert_eq!((status.as_u16(), &verdict["valid"]), (200, &json!(false)));
    assert!(
        verdict["adjustments"].as_array().unwrap().iter().any(|change| change["param"] == "top_k"),
        "{verdict}"
    );
    assert_eq!(verdict["resolved_params"].get("top_k"), None);
    let registry = get(&app, "ada", "/api/provider-params/registry").await;
    assert_eq!(registry["providers"]["anthropic"]["display_name"], "Anthropic");
}

#[tokio::test]
async fn prompt_templates_are_saved_by_key() {
    let app = app().await;
    let new = json!({ "key": "mine", "label": "Mine", "category": "code", "prompt": "Do it." });
    assert_eq!(status(&app, "anna", "POST", "/api/config/prompts", new).await, 200);
    let templates = get(&app, "anna", "/api/config/prompts").await;
    assert_eq!((&templates["mine"]["prompt"], &templates["mine"]["own"]), (&json!("Do it."), &json!(true)));
    for built_in in ["recursion", "code_generation", "creative", "qa"] {
        assert_eq!(templates[built_in]["own"], false, "{built_in}");
    }
    assert_eq!(get(&app, "ben", "/api/config/prompts").await.get("mine"), None);
    let taken = json!({ "key": "qa", "label": "Mine", "prompt": "Do it." });
    assert_eq!(status(&app, "anna", "POST", "/api/config/prompts", taken).await, 400);
    assert_eq!(status(&app, "ben", "DELETE", "/api/config/prompts", json!({ "key": "mine" })).await, 404);
}

/// What the demo or another endpoint is sent is tested with a server process.
#[tokio::test]
async fn an_environment_variable_is_a_label() {
    let app = app().await;
    for name in ["MY_API_KEY", "STUDIO_SECRET", "OPENAI_API_KEY"] {
        let new = json!({ "provider_key": name, "api_base": "http://127.0.0.1:9/v1", "api_key_env": name });
        assert_eq!(status(&app, "anna", "POST", "/api/config/provider", new).await, 200);
        let config = get(&app, "anna", "/api/config").await;
        let provider = &config["providers"][name];
        assert_eq!((&provider["api_key_env"], &provider["api_key"]), (&json!(name), &json!("")));
        let keys = get(&app, "anna", "/api/keys").await["keys"].clone();
        let key = keys.as_array().unwrap().iter().find(|key| key["provider_key"] == name).unwrap().clone();
        assert_eq!((&key["has_global_key"], &key["has_user_key"]), (&json!(false), &json!(false)));
        let cleared = json!({ "provider_key": name, "api_key_env": "" });
        assert_eq!(status(&app, "anna", "PUT", "/api/config/provider", cleared).await, 200);
        assert_eq!(get(&app, "anna", "/api/config").await["providers"][name]["api_key_env"], "");
    }
}

#[tokio::test]
async fn a_key_may_come_before_its_provider() {
    let app = app().await;
    let early = json!({ "provider_key": "mine", "value": SECRET });
    assert_eq!(status(&app, "anna", "PUT", "/api/keys", early).await, 200);
    let key = async |name| get(&app, name, "/api/keys").await["keys"][0].clone();
    let kept = key("anna").await;
    assert_eq!((&kept["standalone"], &kept["last4"]), (&json!(true), &json!("wxyz")));
    // Another user's provider of the same key does not get it.
    let provider = json!({ "provider_key": "mine", "api_base": "https://mine.example/v1" });
    assert_eq!(status(&app, "ben", "POST", "/api/config/provider", provider.clone()).await, 200);
    assert_eq!(key("ben").await["has_user_key"], false);
    assert_eq!(key("anna").await["standalone"], true);
    assert_eq!(status(&app, "anna", "POST", "/api/config/provider", provider).await, 200);
    let bound = key("anna").await;
    assert_eq!((&bound["standalone"], &bound["last4"]), (&json!(false), &json!("wxyz")));
    assert_eq!(get(&app, "anna", "/api/keys").await["keys"].as_array().unwrap().len(), 1);
    // From now on it is bound to that address.
    let moved = json!({ "provider_key": "mine", "api_base": "https://evil.example/v1" });
    assert_eq!(status(&app, "anna", "PUT", "/api/config/provider", moved).await, 200);
    assert_eq!(key("anna").await["locked_to"], "https://mine.example");
}

#[tokio::test]
async fn an_untouched_default_provider_can_be_added_once() {
    let app = app().await;
    app.providers.registered(&UserId::new("anna")).await.unwrap();
    let named = |name: &str| json!({ "provider_key": "openai", "display_name": name });
    assert_eq!(status(&app, "anna", "POST", "/api/config/provider", named("Mine")).await, 200);
    assert_eq!(status(&app, "anna", "POST", "/api/config/provider", named("Again")).await, 400);
    let config = get(&app, "anna", "/api/config").await;
    assert!(config["providers"]["Mine"]["models"].as_array().unwrap().len() > 1, "its models are kept");
    let key = json!({ "provider_key": "groq", "value": "sk-of-groq-0123456789" });
    assert_eq!(status(&app, "anna", "PUT", "/api/keys", key).await, 200);
    let groq = json!({ "provider_key": "groq", "api_base": "https://evil.example/v1" });
    assert_eq!(status(&app, "anna", "POST", "/api/config/provider", groq).await, 400, "it has a key");
}

#[tokio::test]
async fn ids_lose_the_prefix_of_litellm() {
    let app = app().await;
    for (provider, id, bare) in [
        (json!({ "provider_key": "openai" }), "openai/gpt-5.5", "gpt-5.5"),
        (json!({ "provider_key": "openrouter" }), "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        (
            json!({ "provider_key": "mine", "api_base": "http://127.0.0.1:9/v1", "model_id_prefix": "openai" }),
            "openai/m",
            "m",
        ),
        (json!({ "provider_key": "vllm" }), "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
    ] {
        assert_eq!(status(&app, "anna", "POST", "/api/config/provider", provider.clone()).await, 200);
        let key = &provider["provider_key"];
        let model = json!({ "provider_key": key, "id": id });
        let (_, added) = call(&app, "anna", "POST", "/api/config/model", model.clone()).await;
        assert_eq!(added["model_id"], bare);
        assert_eq!(status(&app, "anna", "POST", "/api/config/model", model).await, 400, "it is there");
        // Found with and without.
        for id in [id, bare] {
            let change = json!({ "provider_key": key, "model_id": id, "display_name": "M" });
            assert_eq!(status(&app, "anna", "PUT", "/api/config/model", change).await, 200, "{id}");
        }
    }
}

#[tokio::test]
async fn one_price_and_cleared_fields() {
    let app = app().await;
    let provider = json!({ "provider_key": "mine", "api_base": "http://127.0.0.1:9/v1" });
    assert_eq!(status(&app, "anna", "POST", "/api/config/provider", provider).await, 200);
    let model = json!({ "provider_key": "mine", "id": "m", "context_window": "32000", "display_name": "M" });
    assert_eq!(status(&app, "anna", "POST", "/api/config/model", model).await, 200);
    let change = async |fields: Value| {
        let mut body = json!({ "provider_key": "mine", "model_id": "m" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(status(&app, "anna", "PUT", "/api/config/model", body).await, 200, "{fields}");
        get(&app, "anna", "/api/config").await["providers"]["mine"]["models"][0].clone()
    };
    let priced = change(json!({ "input_cost_per_mtok": 2, "custom_fields": { "a": 1, "b": 2 } })).await;
    assert_eq!((&priced["input_cost_per_mtok"], &priced["output_cost_per_mtok"]), (&json!(2.0), &json!(0.0)));
    assert_eq!(priced["context_window"], 32000);
    let cleared = change(json!({
        "input_cost_per_mtok": null, "display_name": "", "context_window": "", "custom_fields": { "a": null },
    }));
    let cleared = cleared.await;
    assert_eq!((&cleared["input_cost_per_mtok"], &cleared["context_window"]), (&Value::Null, &Value::Null));
    assert_eq!((&cleared["display_name"], &cleared["custom_fields"]), (&json!("m"), &json!({ "b": 2 })));
}
