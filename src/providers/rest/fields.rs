//! Fields of requests as scripts of the Python product send them: `""` clears a field like null, and a number may
//! be a text.

use std::str::FromStr;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Returns a text; `None` if it is null, missing or blank.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// Returns a number, which may be in a text; `None` if it is null, missing or a blank text.
pub(super) fn number<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + FromStr,
{
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| D::Error::custom(format!("invalid value: string {text:?}, expected a number"))),
        other => serde_json::from_value(other).map(Some).map_err(D::Error::custom),
    }
}

/// Returns a text that distinguishes a null or blank field (`Some(None)`) from a missing one (`None`).
pub(super) fn present_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    text(from).map(Some)
}

/// Returns a number that distinguishes a null or blank field (`Some(None)`) from a missing one (`None`).
pub(super) fn present_number<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + FromStr,
{
    number(from).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Change {
        #[serde(default, deserialize_with = "present_text")]
        name: Option<Option<String>>,
        #[serde(default, deserialize_with = "present_number")]
        window: Option<Option<u64>>,
    }

    fn change(body: Value) -> Result<Change, String> {
        serde_json::from_value(body).map_err(|error| error.to_string())
    }

    #[test]
    fn blank_is_null_and_missing_is_missing() {
        assert_eq!(change(json!({})), Ok(Change { name: None, window: None }));
        for body in [json!({ "name": null, "window": null }), json!({ "name": " ", "window": "" })] {
            assert_eq!(change(body), Ok(Change { name: Some(None), window: Some(None) }));
        }
        let set = Ok(Change { name: Some(Some("a".into())), window: Some(Some(32_000)) });
        assert_eq!(change(json!({ "name": "a", "window": "32000" })), set);
        assert_eq!(change(json!({ "name": "a", "window": 32000 })), set);
    }

    #[test]
    fn what_is_no_number_is_named() {
        for body in [json!({ "window": "many" }), json!({ "window": [] }), json!({ "window": -1 })] {
            let error = change(body).unwrap_err();
            assert!(error.contains("expected"), "{error}");
        }
    }
}
