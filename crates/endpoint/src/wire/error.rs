//! Turns what endpoints say when something fails into an [`ApiError`] that is safe to show:
//! key-like strings are masked, control characters are gone, the text is bounded.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ApiError, ErrorKind};
use crate::Provider;

/// Longest piece of an endpoint's own text that is shown, in characters.
const MAX_TEXT: usize = 300;

/// Runs of letters and digits from this length on are taken for keys.
const KEY_RUN: usize = 24;

/// How the keys of well-known services begin.
const KEY_PREFIXES: [&str; 16] = [
    "sk-", "sk_", "pk-", "pk_", "rk_", "gsk_", "xai-", "AIza", "AQ.", "hf_", "tgp_", "csk-", "fw_", "nvapi-",
    "ghp_", "eyJ",
];

/// What an answer with an error status means.
pub(super) fn from_http(
    provider: &Provider,
    status: u16,
    retry_after: Option<&str>,
    body: &[u8],
) -> ApiError {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let kind = kind_of(status, json.as_ref());
    let text = match json.as_ref().and_then(text_in) {
        Some(text) => safe(&text),
        None => plain_text(body),
    };
    ApiError {
        kind,
        status: Some(status),
        message: format!(
            "{} answered HTTP {status}{text}{}",
            provider.display_name,
            advice(provider, kind),
            text = told(&text)
        ),
        retry_after_s: retry_after
            .and_then(|value| seconds(value, Timestamp::now()))
            .or_else(|| json.as_ref().and_then(retry_delay)),
    }
}

/// A redirect. Following it would carry the key to whoever is named there.
pub(super) fn redirect(provider: &Provider, status: u16, location: Option<&str>) -> ApiError {
    let to = location.and_then(|to| to.split(['?', '#']).next()).map(safe).filter(|to| !to.is_empty());
    let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
    let message = format!(
        "{} answered HTTP {status}, a redirect{to} that is not followed, to keep the key where it belongs; \
         set the base URL to the final address",
        provider.display_name
    );
    ApiError { kind: ErrorKind::BadResponse, status: Some(status), message, retry_after_s: None }
}

/// A body with a success status that is neither events nor JSON.
pub(super) fn no_answer(provider: &Provider, body: &[u8]) -> ApiError {
    let name = &provider.display_name;
    let body = body.trim_ascii();
    let message = match body.first() {
        None => format!("{name} answered with an empty body; check the base URL"),
        Some(b'<') => format!(
            "{name} answered with a web page instead of the model's answer; check the base URL, and whether \
             a proxy or a login page stands before it"
        ),
        Some(_) => {
            let excerpt = plain_text(&body[..body.len().min(4 * MAX_TEXT)]);
            format!("{name} answered with neither events nor JSON{}", told(&excerpt))
        }
    };
    ApiError { kind: ErrorKind::BadResponse, status: None, message, retry_after_s: None }
}

/// An error that came inside a stream which began well.
pub(super) fn in_stream(data: &[u8]) -> ApiError {
    match serde_json::from_slice::<Value>(data) {
        Ok(json) => in_stream_value(&json),
        Err(_) => in_stream_text(&String::from_utf8_lossy(data)),
    }
}

/// The same, read already.
pub(super) fn in_stream_value(json: &Value) -> ApiError {
    let status = status_in(json);
    let text = text_in(json).unwrap_or_else(|| json.to_string());
    ApiError { status, ..in_stream_text(&text) }
}

/// The same, where the protocol's types hold the text.
pub(super) fn in_stream_text(text: &str) -> ApiError {
    let text = safe(text);
    let message =
        if text.is_empty() { "the stream reported an error without a reason".to_owned() } else { text };
    ApiError { kind: ErrorKind::InStream, status: None, message, retry_after_s: None }
}

/// The error that an event holds which has nothing of a chunk, if it is one.
pub(super) fn find_in_stream(data: &[u8]) -> Option<ApiError> {
    let json: Value = serde_json::from_slice(data).ok()?;
    text_in(&json).map(|_| in_stream_value(&json))
}

/// Reads an event of a protocol that names its errors' events `error`.
///
/// # Errors
/// What the error event says, or what is wrong with an event that the protocol's types cannot read.
pub(super) fn read_event<T: DeserializeOwned>(name: &str, data: &[u8]) -> Result<T, ApiError> {
    if name == "error" {
        return Err(in_stream(data));
    }
    serde_json::from_slice(data).map_err(|error| unreadable(data, &error))
}

/// An event that the protocol's types cannot read: an error in a shape of its own, or garbage.
pub(super) fn unreadable(data: &[u8], error: &serde_json::Error) -> ApiError {
    find_in_stream(data).unwrap_or_else(|| bad_response(data, error))
}

/// An answer that is not what the protocol says.
pub(super) fn bad_response(data: &[u8], error: &serde_json::Error) -> ApiError {
    let excerpt = plain_text(&data[..data.len().min(4 * MAX_TEXT)]);
    ApiError {
        kind: ErrorKind::BadResponse,
        status: None,
        message: format!(
            "the endpoint sent something that its protocol does not know ({error}){}",
            told(&excerpt)
        ),
        retry_after_s: None,
    }
}

/// An error in the body of a 200 answer.
pub(super) fn in_body(provider: &Provider, json: &Value) -> ApiError {
    let status = status_in(json);
    let kind = status.map_or(ErrorKind::Server, |status| kind_of(status, Some(json)));
    let text = safe(&text_in(json).unwrap_or_else(|| json.to_string()));
    ApiError {
        kind,
        status,
        message: format!("{} answered with an error{}", provider.display_name, told(&text)),
        retry_after_s: None,
    }
}

fn told(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn kind_of(status: u16, body: Option<&Value>) -> ErrorKind {
    match status {
        // Gemini answers 400 to a wrong key.
        400 if body.is_some_and(|body| body.to_string().contains("API_KEY_INVALID")) => ErrorKind::AuthFailed,
        401 | 403 => ErrorKind::AuthFailed,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::RateLimited,
        // 498 is Groq's "capacity exceeded", 529 Anthropic's "overloaded".
        498 | 503 | 529 => ErrorKind::Overloaded,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    }
}

fn advice(provider: &Provider, kind: ErrorKind) -> String {
    match kind {
        ErrorKind::AuthFailed => match provider.kind.facts().key_env.first() {
            Some(name) => format!(" – check the API key in {name}"),
            None => " – check the API key".to_owned(),
        },
        ErrorKind::NotFound => " – check the model's id and the base URL".to_owned(),
        _ => String::new(),
    }
}

/// The text in an error body, wherever the many dialects put it.
fn text_in(json: &Value) -> Option<String> {
    match json {
        // Gemini wraps errors into a list when it was not asked for SSE.
        Value::Array(list) => list.first().and_then(text_in),
        Value::Object(object) => {
            if let Some(error) = object.get("error").filter(|error| !error.is_null()) {
                return Some(error_text(error));
            }
            ["message", "detail", "msg"].iter().find_map(|name| object.get(*name).and_then(detail_text))
        }
        _ => None,
    }
}

/// The text of an `error` field: a string, or an object with a message and a kind.
fn error_text(error: &Value) -> String {
    let Some(object) = error.as_object() else {
        return detail_text(error).unwrap_or_else(|| error.to_string());
    };
    let message = object.get("message").and_then(detail_text).unwrap_or_else(|| error.to_string());
    // OpenRouter keeps what the provider behind it said in here.
    let upstream = error.pointer("/metadata/raw").and_then(Value::as_str).map(|raw| format!(" ({raw})"));
    let kind = ["type", "status"].iter().find_map(|name| object.get(*name).and_then(Value::as_str));
    let kind =
        kind.filter(|kind| !message.contains(*kind)).map(|kind| format!("{kind}: ")).unwrap_or_default();
    format!("{kind}{message}{}", upstream.unwrap_or_default())
}

/// Text, or FastAPI's list of `{loc, msg}`.
fn detail_text(detail: &Value) -> Option<String> {
    match detail {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let texts: Vec<String> = list.iter().filter_map(text_in).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        Value::Object(_) => text_in(detail),
        _ => None,
    }
}

/// An HTTP status given inside a body.
fn status_in(json: &Value) -> Option<u16> {
    let error = json.get("error").unwrap_or(json);
    let code =
        ["code", "status_code", "status"].iter().find_map(|name| error.get(*name).and_then(Value::as_u64))?;
    u16::try_from(code).ok().filter(|code| (400..600).contains(code))
}

/// A body that is no JSON, made fit to show.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') {
        return "a web page came instead of JSON; is the base URL right?".to_owned();
    }
    safe(text)
}

/// Makes an endpoint's text fit to show: one line, keys masked, at most [`MAX_TEXT`] characters.
pub(super) fn safe(text: &str) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    bounded(&mask(&line.collect::<Vec<_>>().join(" ")))
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Replaces everything that looks like a key by `***`.
fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word_len = rest.find(|c| !is_key_char(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(word_len);
        masked.push_str(if looks_like_key(word, &masked) { "***" } else { word });
        let gap_len = tail.find(is_key_char).unwrap_or(tail.len());
        let (gap, tail) = tail.split_at(gap_len);
        masked.push_str(gap);
        rest = tail;
    }
    masked
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*')
}

/// Whether `word`, which follows `before`, may be a key or a part of one.
fn looks_like_key(word: &str, before: &str) -> bool {
    let has_prefix =
        KEY_PREFIXES.iter().any(|prefix| word.len() >= prefix.len() + 4 && word.starts_with(prefix));
    has_prefix || word.split(['-', '_', '.', '*']).any(is_key_run) || (announced(before) && is_mixed(word, 8))
}

fn is_key_run(run: &str) -> bool {
    is_mixed(run, KEY_RUN)
}

fn is_mixed(word: &str, min_len: usize) -> bool {
    word.len() >= min_len
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Whether what stands before announces a key: `Bearer `, `api_key=`, `key: "`.
fn announced(before: &str) -> bool {
    let words = before.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let last = words.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    ["bearer", "key", "apikey", "token", "provided", "authorization"]
        .iter()
        .any(|name| last.eq_ignore_ascii_case(name))
}

/// `Retry-After` in seconds from `now`: a number, or a date.
fn seconds(value: &str, now: Timestamp) -> Option<u64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| seconds.ceil() as u64);
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(u64::try_from(date.as_second() - now.as_second()).unwrap_or(0))
}

/// Gemini says in the body how long to wait: `"retryDelay": "34s"`.
fn retry_delay(json: &Value) -> Option<u64> {
    let json = json.as_array().and_then(|list| list.first()).unwrap_or(json);
    let details = json.pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    seconds(delay.strip_suffix('s')?, Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
