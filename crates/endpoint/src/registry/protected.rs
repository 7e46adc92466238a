//! Names that no parameter may have: they would redirect the request, carry credentials, or replace
//! what the product itself puts into the body.
//!
//! Names are compared without case and separators, so that `apiBase`, `API-base` and `api_base` are
//! one. Only top-level names count: whatever is nested in a value is data.

/// Parts of a body or a client's set-up that belong to the request itself.
const EXACT: [&str; 29] = [
    "apiversion",
    "candidatecount",
    "chathistory",
    "content",
    "contents",
    "cookie",
    "cookies",
    "customllmprovider",
    "extrabody",
    "extraquery",
    "functioncall",
    "functions",
    "generationconfig",
    "host",
    "input",
    "key",
    "message",
    "messages",
    "model",
    "models",
    "n",
    "organization",
    "passthrough",
    "preamble",
    "prompt",
    "system",
    "systeminstruction",
    "token",
    "tools",
];

/// Anything around addresses, headers and credentials, whatever a client calls it.
const CONTAINED: [&str; 15] = [
    "accesstoken",
    "apibase",
    "apihost",
    "apikey",
    "bearer",
    "credential",
    "endpoint",
    "header",
    "hostname",
    "password",
    "proxies",
    "proxy",
    "secret",
    "toolchoice",
    "url",
];

const STARTS: [&str; 3] = ["auth", "stream", "toolconfig"];

/// True for a name that must never be set as a parameter.
pub fn is_protected(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    plain.is_empty()
        || EXACT.contains(&plain.as_str())
        || CONTAINED.iter().any(|part| plain.contains(part))
        || STARTS.iter().any(|start| plain.starts_with(start))
}
