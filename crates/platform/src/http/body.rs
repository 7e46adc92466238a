//! JSON bodies of requests.

use axum::body::Bytes;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::AppError;

/// A JSON body, whatever its `Content-Type` says: scripts leave it out, and `curl -d` sends another one. CSRF
/// protection does not depend on it. An invalid body is rejected with 422.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

/// A [`Body`] whose rejection is 400. On a few routes the Python product answers 400 where a field is missing.
#[derive(Debug, Clone, Copy)]
pub struct BodyOr400<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let bytes = Bytes::from_request(request, state).await?;
        parse(&bytes).map(Self).map_err(AppError::Invalid)
    }
}

/// `None` if the body is empty.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Body<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, AppError> {
        let bytes = Bytes::from_request(request, state).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        parse(&bytes).map(Self).map(Some).map_err(AppError::Invalid)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for BodyOr400<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let bytes = Bytes::from_request(request, state).await?;
        parse(&bytes).map(Self).map_err(AppError::BadRequest)
    }
}

/// Parses a body; the error is a sentence.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.trim_ascii().is_empty() {
        return Err("The body is empty. Send a JSON object.".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json);
    let value = parsed.map_err(|error| sentence(bytes, &error))?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn sentence(bytes: &[u8], error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let (path, inner) = (error.path(), error.inner());
    if inner.classify() != Category::Data {
        return not_json(inner);
    }
    let text = inner.to_string();
    // The position does not help where the field is named.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let is_root = path.iter().next().is_none();
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return if is_root {
            format!("`{name}` is missing.")
        } else {
            format!("`{path}.{name}` is missing.")
        };
    }
    // Structs can be parsed from arrays, whose errors speak of their length.
    if is_root && !bytes.trim_ascii_start().starts_with(b"{") {
        return "The body must be a JSON object.".to_owned();
    }
    if is_root { format!("The body is invalid: {text}.") } else { format!("`{path}`: {text}.") }
}

fn not_json(error: &serde_json::Error) -> String {
    format!("The body is not valid JSON: {error}.")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        item: String,
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Part {
        count: u32,
    }

    #[test]
    fn an_error_names_the_field() {
        let error = |body: &str| parse::<Order>(body.as_bytes()).unwrap_err();
        assert_eq!(error("{}"), "`item` is missing.");
        assert_eq!(error(r#"{"item": "a", "parts": [{"count": 1}, {}]}"#), "`parts[1].count` is missing.");
        assert_eq!(error(r#"{"item": null}"#), "`item`: invalid type: null, expected a string.");
        assert_eq!(
            error(r#"{"item": "a", "parts": [{"count": -1}]}"#),
            "`parts[0].count`: invalid value: integer `-1`, expected u32."
        );
        assert_eq!(error("7"), "The body must be a JSON object.");
        assert_eq!(error(" "), "The body is empty. Send a JSON object.");
        for broken in ["{", r#"{"item": "a"} {"#, "\u{0}", "item=a"] {
            assert!(error(broken).starts_with("The body is not valid JSON: "), "{broken}");
        }
    }

    #[test]
    fn a_valid_body_is_parsed() {
        assert_eq!(parse(br#" {"item": "a"} "#), Ok(Order { item: "a".into(), parts: Vec::new() }));
    }
}
