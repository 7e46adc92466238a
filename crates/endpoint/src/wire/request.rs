//! What the requests of all protocols have in common: the address, the headers, and which of a
//! user's parameters may enter the body.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, USER_AGENT,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::{ToolCall, WireError};
use crate::{Protocol, Provider};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Headers that say how a body is sent or who sends it; no user setting may touch them.
const RESERVED_HEADERS: [HeaderName; 8] = [
    HOST,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
    CONNECTION,
    AUTHORIZATION,
    X_API_KEY,
    X_GOOG_API_KEY,
];

/// Body fields that say what is measured, in lower case and without underscores: parameters never
/// set them. (Some servers, Ollama's among them, match field names without regard to case.)
const RESERVED_FIELDS: [&str; 12] = [
    "model",
    "messages",
    "contents",
    "system",
    "systeminstruction",
    "stream",
    "streamoptions",
    "tools",
    "toolchoice",
    "toolconfig",
    "functions",
    "functioncall",
];

/// The provider's base URL with `path` added, segment by segment, each percent-encoded. A leading
/// version that the base URL already ends with (`…/v1`) is not repeated.
pub(super) fn endpoint(provider: &Provider, path: &[&str]) -> Result<Url, WireError> {
    let mut url = base_url(provider)?;
    let path = if ends_with_version(&url, path) { &path[1..] } else { path };
    let Ok(mut segments) = url.path_segments_mut() else {
        return Err(bad_base_url(provider, "it cannot have a path"));
    };
    segments.pop_if_empty().extend(path);
    drop(segments);
    Ok(url)
}

/// Whether `path` begins with an API version and the URL ends with the same one.
fn ends_with_version(url: &Url, path: &[&str]) -> bool {
    let last = url.path().trim_end_matches('/').rsplit('/').next();
    matches!(path, ["v1" | "v2", ..]) && last == path.first().copied()
}

fn base_url(provider: &Provider) -> Result<Url, WireError> {
    let mut url =
        Url::parse(&provider.base_url).map_err(|error| bad_base_url(provider, &error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad_base_url(provider, "it must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad_base_url(provider, "it carries credentials; give the API key apart from it"));
    }
    url.set_fragment(None);
    Ok(url)
}

fn bad_base_url(provider: &Provider, reason: &str) -> WireError {
    WireError::BaseUrl { provider: provider.key.clone(), reason: reason.to_owned() }
}

/// The headers of a request: the provider's extra ones first, then ours, then the key. Values that
/// may be secret are marked so and never show in `Debug`.
pub(super) fn headers(
    provider: &Provider,
    key: Option<&SecretString>,
    accept: &'static str,
) -> Result<HeaderMap, WireError> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("llm-studio/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    if provider.protocol == Protocol::AnthropicMessages {
        headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
    }
    for (name, value) in &provider.headers {
        let (name, value) = extra_header(provider, name, value)?;
        headers.insert(name, value);
    }
    if let Some(key) = key {
        let (name, value) = auth_header(provider, key)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// [`headers`] of a request with a JSON body.
pub(super) fn json_headers(
    provider: &Provider,
    key: Option<&SecretString>,
    stream: bool,
) -> Result<HeaderMap, WireError> {
    let accept = if stream { "text/event-stream" } else { "application/json" };
    let mut headers = headers(provider, key, accept)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(headers)
}

fn extra_header(
    provider: &Provider,
    name: &str,
    value: &str,
) -> Result<(HeaderName, HeaderValue), WireError> {
    let refused =
        |reason| WireError::Header { provider: provider.key.clone(), name: name.to_owned(), reason };
    let header =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("is not a valid header name"))?;
    if RESERVED_HEADERS.contains(&header) {
        return Err(refused("is set by the protocol; remove it"));
    }
    let mut value =
        HeaderValue::from_str(value).map_err(|_| refused("has a value that no header can carry"))?;
    value.set_sensitive(true);
    Ok((header, value))
}

fn auth_header(provider: &Provider, key: &SecretString) -> Result<(HeaderName, HeaderValue), WireError> {
    let key = key.expose_secret().trim();
    let (name, value) = match provider.protocol {
        Protocol::OpenaiChat | Protocol::CohereChat => {
            (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {key}")))
        }
        Protocol::AnthropicMessages => (X_API_KEY, HeaderValue::from_str(key)),
        Protocol::GeminiGenerate => (X_GOOG_API_KEY, HeaderValue::from_str(key)),
    };
    let mut value = value.map_err(|_| WireError::Key { provider: provider.key.clone() })?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// The parameters that may enter a body: all but those that would change what is measured.
pub(super) fn free_params(params: &Map<String, Value>) -> Map<String, Value> {
    params
        .iter()
        .filter(|(name, _)| !is_reserved(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether a body field of this name is the protocol's own.
pub(super) fn is_reserved(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    RESERVED_FIELDS.contains(&plain.as_str())
}

/// Moves parameters to the protocol's own names, unless something stands there already.
pub(super) fn rename(params: &mut Map<String, Value>, names: &[(&str, &str)]) {
    for (from, to) in names {
        if let Some(value) = params.shift_remove(*from) {
            params.entry(*to).or_insert(value);
        }
    }
}

/// Puts a single value where the protocol wants a list.
pub(super) fn listed(params: &mut Map<String, Value>, name: &str) {
    if let Some(value) = params.get_mut(name).filter(|value| value.is_string()) {
        *value = Value::Array(vec![value.take()]);
    }
}

/// A call's arguments as the object that some protocols want. Text that is no JSON object is kept
/// under `arguments`, so that the model sees what it wrote.
pub(super) fn arguments_object(call: &ToolCall) -> Value {
    if call.arguments.trim().is_empty() {
        return Value::Object(Map::new());
    }
    object_or(&call.arguments, "arguments")
}

/// `text` as a JSON object; anything else is put into one under `name`.
pub(super) fn object_or(text: &str, name: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Value::Object(object),
        _ => Value::Object(Map::from_iter([(name.to_owned(), Value::from(text))])),
    }
}
