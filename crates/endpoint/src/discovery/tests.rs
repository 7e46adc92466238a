//! Tests of discovery with a real server.

use std::{convert::Infallible, net::Ipv4Addr};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use futures::stream;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::types::{ErrorKind, Protocol};

const LOCAL: AddressPolicy = AddressPolicy::PUBLIC_AND_LOCAL;

/// Serves `router` until the test ends. Returns the URL without a trailing slash.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn answering(path: &str, list: Value) -> Router {
    Router::new().route(path, get(move || async { Json(list) }))
}

fn ids(models: &[Model]) -> Vec<&str> {
    models.iter().map(|model| model.id.as_str()).collect()
}

#[tokio::test]
async fn an_openai_list_is_filtered_and_completed_from_the_catalog() {
    let list = json!({"object": "list", "data": [
        {"id": "gpt-4o", "object": "model", "owned_by": "system"},
        {"id": "text-embedding-3-small", "object": "model", "owned_by": "system"},
        {"id": "gpt-4o", "object": "model"},
        {"id": "gpt-of-tomorrow", "object": "model"}
    ]});
    let base_url = serve(answering("/v1/models", list)).await + "/v1";
    let models = list_models(LOCAL, &Provider::of_kind(ProviderKind::Openai, &base_url), None).await.unwrap();
    assert_eq!(ids(&models), ["gpt-4o", "gpt-of-tomorrow"]);
    assert_eq!(models[0].context_window, Some(128_000));
    assert_eq!(models[0].price, None, "OpenAI's list price applies only at OpenAI's own URL");
    assert_eq!(models[1], Model::named("gpt-of-tomorrow"));
}

#[tokio::test]
async fn the_other_protocols_lists_are_read_too() {
    let anthropic = json!({"data": [
        {"type": "model", "id": "claude-haiku-4-5", "display_name": "Claude Haiku 4.5"}
    ], "has_more": false});
    let gemini = json!({"models": [
        {"name": "models/gemini-2.5-flash", "displayName": "Gemini 2.5 Flash", "inputTokenLimit": 1_048_576,
         "outputTokenLimit": 65_536, "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]}
    ]});
    let cohere = json!({"models": [
        {"name": "command-r-08-2024", "endpoints": ["chat"], "context_length": 128_000}
    ]});
    for (kind, path, list, id) in [
        (ProviderKind::Anthropic, "/v1/models", anthropic, "claude-haiku-4-5"),
        (ProviderKind::Gemini, "/models", gemini, "gemini-2.5-flash"),
        (ProviderKind::Cohere, "/v1/models", cohere, "command-r-08-2024"),
    ] {
        let base_url = serve(answering(path, list)).await;
        let models = list_models(LOCAL, &Provider::of_kind(kind, &base_url), None).await.unwrap();
        assert_eq!(ids(&models), [id]);
        assert!(models[0].context_window.is_some() && models[0].max_output_tokens.is_some(), "{models:?}");
    }
}

#[tokio::test]
async fn the_key_is_sent_and_never_in_an_error() {
    async fn check(headers: HeaderMap) -> impl IntoResponse {
        let key = headers.get(header::AUTHORIZATION).unwrap().to_str().unwrap().to_owned();
        (StatusCode::UNAUTHORIZED, Json(json!({"error": {"message": format!("bad key {key}")}})))
    }
    let base_url = serve(Router::new().route("/models", get(check))).await;
    let key = SecretString::from("sk-test-1234567890abcdefghij");
    let error = list_models(LOCAL, &Provider::of_kind(ProviderKind::Openai, &base_url), Some(&key))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::AuthFailed, Some(401)));
    assert!(!error.to_string().contains("1234567890"), "{error}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = serve(answering("/models", json!({"data": [{"id": "stolen"}]}))).await;
    let away = format!("{target}/models");
    let redirect = move || async move { (StatusCode::FOUND, [(header::LOCATION, away)]) };
    let base_url = serve(Router::new().route("/models", get(redirect))).await;
    let error =
        list_models(LOCAL, &Provider::of_kind(ProviderKind::Custom, &base_url), None).await.unwrap_err();
    assert_eq!(error.status, Some(302));
}

#[tokio::test]
async fn an_endless_response_is_aborted() {
    let endless = || async {
        let piece = Bytes::from(vec![b' '; 64 * 1024]);
        Body::from_stream(stream::repeat_with(move || Ok::<_, Infallible>(piece.clone())))
    };
    let base_url = serve(Router::new().route("/models", get(endless))).await;
    let error =
        list_models(LOCAL, &Provider::of_kind(ProviderKind::Custom, &base_url), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadResponse);
    assert!(error.message.contains("4194304 bytes"), "{error}");
}

#[tokio::test]
async fn another_response_is_a_bad_response() {
    let page = || async { "<html>It works!</html>" };
    let base_url = serve(Router::new().route("/models", get(page))).await;
    let error =
        list_models(LOCAL, &Provider::of_kind(ProviderKind::Custom, &base_url), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadResponse);
}

#[tokio::test]
async fn a_server_that_hangs_times_out() {
    let hanging = || std::future::pending::<&str>();
    let base_url = serve(Router::new().route("/models", get(hanging))).await;
    let client = fetch::client(LOCAL, LIST_TIMEOUT, Duration::from_millis(50)).unwrap();
    let error =
        fetch::models(&client, &Provider::of_kind(ProviderKind::Custom, &base_url), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TotalTimeout);
}

#[tokio::test]
async fn without_a_server_the_connection_fails() {
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let provider = Provider::of_kind(ProviderKind::Custom, format!("http://{free}"));
    assert_eq!(list_models(LOCAL, &provider, None).await.unwrap_err().kind, ErrorKind::ConnectFailed);
}

#[tokio::test]
async fn local_servers_are_identified_by_their_responses() {
    let list = |owner: &str| json!({"data": [{"id": "some-model", "owned_by": owner}]});
    let llama = serve(answering("/v1/models", list("llamacpp"))).await + "/v1";
    let other_llama = serve(answering("/v1/models", list("llamacpp"))).await + "/v1";
    let unnamed = serve(answering("/v1/models", list("me"))).await + "/v1";
    let ollama = serve(answering("/v1/models", list("somebody"))).await + "/v1";
    let website = serve(Router::new().route("/", get(|| async { "hello" }))).await + "/v1";
    let found = servers_at(
        LOCAL,
        [
            (ProviderKind::Vllm, llama.as_str()),
            (ProviderKind::LlamaCpp, &other_llama),
            (ProviderKind::Vllm, &unnamed),
            (ProviderKind::Ollama, &ollama),
            (ProviderKind::LmStudio, &website),
            (ProviderKind::LmStudio, "http://127.0.0.1:9/v1"),
        ]
        .into_iter(),
    )
    .await;
    let kinds: Vec<_> = found.iter().map(|(provider, _)| provider.kind).collect();
    use ProviderKind::{Custom, LlamaCpp, Ollama};
    assert_eq!(kinds, [LlamaCpp, LlamaCpp, Custom, Ollama]);
    assert_eq!(found[0].0.key, "llama_cpp");
    assert!(found[1].0.key.starts_with("llama_cpp_") && found[1].0.key != "llama_cpp_");
    assert!(found.iter().all(|(_, models)| ids(models) == ["some-model"]));
}

#[tokio::test]
async fn finding_local_servers_never_fails() {
    for (provider, _) in local_servers(LOCAL).await {
        assert!(provider.base_url.starts_with("http://127.0.0.1:"));
    }
}

#[tokio::test]
async fn a_forbidden_address_gets_no_request() {
    let base_url = serve(answering("/models", json!({"data": [{"id": "secret"}]}))).await;
    let provider = Provider::of_kind(ProviderKind::Custom, &base_url);
    let error = list_models(AddressPolicy::PUBLIC, &provider, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AddressRefused);
    let asked = [(ProviderKind::Vllm, base_url.as_str())].into_iter();
    assert!(servers_at(AddressPolicy::PUBLIC, asked).await.is_empty());
}

#[test]
fn providers_with_a_key_are_found_by_their_usual_variables() {
    let env = |name: &str| match name {
        "ANTHROPIC_API_KEY" => Some(" sk-ant \n".to_owned()),
        "GEMINI_API_KEY" => Some(String::new()),
        "GOOGLE_API_KEY" => Some("g-key".to_owned()),
        _ => None,
    };
    let found = keyed_providers(env);
    let keys: Vec<_> =
        found.iter().map(|(provider, key)| (provider.key.as_str(), key.expose_secret())).collect();
    assert_eq!(keys, [("anthropic", "sk-ant"), ("gemini", "g-key")]);
    assert_eq!(found[1].0.protocol, Protocol::GeminiGenerate);
    assert!(keyed_providers(|_| None).is_empty());
}
