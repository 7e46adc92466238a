//! What must hold for the requests of every protocol: address, key, headers, protected fields.

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{provider, request};
use crate::{
    Protocol, Provider, ProviderKind,
    wire::{ToolChoice, ToolDefinition, WireError, WireRequest, encode, models_request},
};

const KINDS: [ProviderKind; 4] =
    [ProviderKind::Openai, ProviderKind::Anthropic, ProviderKind::Gemini, ProviderKind::Cohere];
const SECRET: &str = "sk-very-secret-1";

fn key() -> SecretString {
    SecretString::from(SECRET)
}

fn body(wire: &WireRequest) -> Value {
    serde_json::from_slice(&wire.body).unwrap()
}

fn at(base_url: &str, kind: ProviderKind) -> Provider {
    Provider { base_url: base_url.to_owned(), ..provider(kind) }
}

#[test]
fn each_protocol_has_its_address_and_its_auth_header() {
    for (kind, url, header, value) in [
        (
            ProviderKind::Openai,
            "https://api.openai.com/v1/chat/completions",
            "authorization",
            "Bearer sk-very-secret-1",
        ),
        (ProviderKind::Anthropic, "https://api.anthropic.com/v1/messages", "x-api-key", SECRET),
        (
            ProviderKind::Gemini,
            "https://generativelanguage.googleapis.com/v1beta/models/some-model:streamGenerateContent?alt=sse",
            "x-goog-api-key",
            SECRET,
        ),
        (ProviderKind::Cohere, "https://api.cohere.com/v2/chat", "authorization", "Bearer sk-very-secret-1"),
    ] {
        let wire = encode(&provider(kind), Some(&key()), &request()).unwrap();
        assert_eq!(wire.url.as_str(), url);
        assert_eq!(wire.headers[header], value);
        assert_eq!(wire.headers["content-type"], "application/json");
        assert_eq!(wire.headers["accept"], "text/event-stream");
        assert_eq!(wire.headers.contains_key("anthropic-version"), kind == ProviderKind::Anthropic);
        assert!(!wire.headers.contains_key("host"));
    }
}

#[test]
fn the_key_never_shows() {
    for kind in KINDS {
        let padded = SecretString::from(format!("{SECRET}\n"));
        for wire in [
            encode(&provider(kind), Some(&padded), &request()).unwrap(),
            models_request(&provider(kind), Some(&padded)).unwrap(),
        ] {
            assert!(!format!("{wire:?}").contains(SECRET));
            assert!(!wire.url.as_str().contains(SECRET));
        }
    }
    let broken = SecretString::from("sk-very\nsecret-1");
    let error = encode(&provider(ProviderKind::Openai), Some(&broken), &request()).unwrap_err();
    assert!(matches!(error, WireError::Key { .. }));
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn without_a_key_no_auth_header_is_sent() {
    let wire = encode(&provider(ProviderKind::Ollama), None, &request()).unwrap();
    assert!(!wire.headers.contains_key("authorization"));
}

#[test]
fn an_answer_in_one_piece_is_asked_for_as_json() {
    let whole = crate::wire::ChatRequest { stream: false, ..request() };
    for kind in KINDS {
        let wire = encode(&provider(kind), None, &whole).unwrap();
        assert_eq!(wire.headers["accept"], "application/json");
        assert!(!wire.url.as_str().contains("stream"));
        assert_ne!(body(&wire).get("stream"), Some(&Value::Bool(true)));
    }
}

#[test]
fn parameters_never_replace_what_is_measured() {
    let reserved = [
        "model",
        "messages",
        "Messages",
        "contents",
        "system",
        "systemInstruction",
        "system_instruction",
        "stream",
        "STREAM",
        "stream_options",
        "tools",
        "tool_choice",
        "toolConfig",
        "tool_config",
    ];
    for kind in KINDS {
        let plain = body(&encode(&provider(kind), None, &request()).unwrap());
        let mut tampered = request();
        tampered.params = reserved.iter().map(|name| ((*name).to_owned(), json!("evil"))).collect();
        assert_eq!(body(&encode(&provider(kind), None, &tampered).unwrap()), plain, "{kind:?}");
    }
}

#[test]
fn tools_and_choices_are_written_in_each_protocols_way() {
    let mut request = request();
    request.tools = vec![
        ToolDefinition { name: "f".into(), description: None, parameters: json!({"type": "object"}) },
        ToolDefinition { name: "g".into(), description: Some("G.".into()), parameters: json!({}) },
    ];
    let mut choice = |kind, choice, pointer: &str| {
        request.tool_choice = Some(choice);
        body(&encode(&provider(kind), None, &request).unwrap()).pointer(pointer).cloned()
    };
    use ProviderKind::{Anthropic, Cohere, Gemini, Openai};
    let named = || ToolChoice::Named("g".into());
    assert_eq!(choice(Openai, ToolChoice::Required, "/tool_choice"), Some(json!("required")));
    assert_eq!(
        choice(Openai, named(), "/tool_choice"),
        Some(json!({"type": "function", "function": {"name": "g"}}))
    );
    assert_eq!(choice(Openai, named(), "/tools/1/function/description"), Some(json!("G.")));
    assert_eq!(choice(Anthropic, ToolChoice::Required, "/tool_choice"), Some(json!({"type": "any"})));
    assert_eq!(choice(Anthropic, ToolChoice::None, "/tool_choice"), Some(json!({"type": "none"})));
    assert_eq!(choice(Anthropic, named(), "/tool_choice"), Some(json!({"type": "tool", "name": "g"})));
    assert_eq!(
        choice(Anthropic, named(), "/tools/0"),
        Some(json!({"name": "f", "input_schema": {"type": "object"}}))
    );
    assert_eq!(
        choice(Gemini, named(), "/toolConfig/functionCallingConfig"),
        Some(json!({"mode": "ANY", "allowedFunctionNames": ["g"]}))
    );
    assert_eq!(
        choice(Gemini, ToolChoice::Auto, "/tools/0/functionDeclarations/0"),
        Some(json!({"name": "f", "parametersJsonSchema": {"type": "object"}}))
    );
    assert_eq!(choice(Cohere, ToolChoice::Auto, "/tool_choice"), None);
    assert_eq!(choice(Cohere, ToolChoice::Required, "/tool_choice"), Some(json!("REQUIRED")));
    assert_eq!(choice(Cohere, named(), "/tools/0/function/name"), Some(json!("g")));
    assert_eq!(choice(Cohere, named(), "/tools/1"), None);
}

#[test]
fn extra_headers_are_sent_but_cannot_touch_ours() {
    let mut gateway = provider(ProviderKind::Custom);
    gateway.headers = vec![("X-Team".into(), "blue".into())];
    let wire = encode(&gateway, Some(&key()), &request()).unwrap();
    assert_eq!(wire.headers["x-team"], "blue");
    assert!(!format!("{wire:?}").contains("blue"));
    for name in ["Authorization", "Host", "content-length", "x-api-key", "Transfer-Encoding", "Content-Type"]
    {
        gateway.headers = vec![(name.into(), "x".into())];
        let error = encode(&gateway, Some(&key()), &request()).unwrap_err();
        assert!(error.to_string().contains("remove it"), "{error}");
    }
    for (name, value) in [("bad name", "x"), ("x-team", "a\r\nb: c")] {
        gateway.headers = vec![(name.into(), value.into())];
        assert!(matches!(encode(&gateway, None, &request()), Err(WireError::Header { .. })));
    }
}

#[test]
fn base_urls_may_end_in_a_slash_or_a_version_and_carry_a_query() {
    let url = |base: &str, kind| encode(&at(base, kind), None, &request()).map(|wire| wire.url.to_string());
    let openai = ProviderKind::Openai;
    assert_eq!(url("http://h:1/v1/", openai).unwrap(), "http://h:1/v1/chat/completions");
    assert_eq!(url("http://h:1", openai).unwrap(), "http://h:1/chat/completions");
    assert_eq!(
        url("http://h/v1?api-version=2#x", openai).unwrap(),
        "http://h/v1/chat/completions?api-version=2"
    );
    assert_eq!(url("http://h/proxy/v1", ProviderKind::Anthropic).unwrap(), "http://h/proxy/v1/messages");
    assert_eq!(url("http://h/v2/", ProviderKind::Cohere).unwrap(), "http://h/v2/chat");
    for bad in ["ftp://h/v1", "localhost:1", "http://user:sk-secret@h/v1", "", "data:x"] {
        let error = url(bad, openai).unwrap_err();
        assert!(error.to_string().contains("provider \"openai\""), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn model_lists_have_their_addresses() {
    for (kind, url) in [
        (ProviderKind::Ollama, "http://127.0.0.1:11434/v1/models"),
        (ProviderKind::Anthropic, "https://api.anthropic.com/v1/models?limit=1000"),
        (ProviderKind::Gemini, "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"),
        (ProviderKind::Cohere, "https://api.cohere.com/v1/models?endpoint=chat&page_size=1000"),
    ] {
        let wire = models_request(&provider(kind), None).unwrap();
        assert_eq!(wire.url.as_str(), url);
        assert!(wire.body.is_empty());
    }
}

proptest! {
    #[test]
    fn a_model_id_never_changes_the_address(model in r"(\.\.|/|\\|\?|#|%2e|:|@|[a-z]|é|\s){0,12}") {
        let expected_suffix = ":streamGenerateContent";
        let request = crate::wire::ChatRequest { model: model.clone(), ..request() };
        let gemini = provider(ProviderKind::Gemini);
        prop_assert_eq!(gemini.protocol, Protocol::GeminiGenerate);
        let url = encode(&gemini, None, &request).unwrap().url;
        prop_assert_eq!(url.host_str(), Some("generativelanguage.googleapis.com"));
        prop_assert_eq!(url.query(), Some("alt=sse"));
        prop_assert_eq!(url.fragment(), None);
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        prop_assert_eq!(segments.len(), 3);
        prop_assert_eq!(&segments[..2], ["v1beta", "models"]);
        let id = segments[2].strip_suffix(expected_suffix).unwrap();
        prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
    }
}
