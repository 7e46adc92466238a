//! Names that no parameter may have: they would redirect the request, contain credentials, or replace fields
//! that the client sets itself.
//!
//! Names are compared without case and separators: `apiBase`, `API-base` and `api_base` are the same. Only
//! top-level names are checked: nested names are data.

/// Fields of the body or of a client's configuration that belong to the request itself.
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

/// Parts of names for URLs, headers and credentials.
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

/// Returns whether a name must never be set as a parameter.
pub fn is_protected(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    plain.is_empty()
        || EXACT.contains(&plain.as_str())
        || CONTAINED.iter().any(|part| plain.contains(part))
        || STARTS.iter().any(|start| plain.starts_with(start))
}
