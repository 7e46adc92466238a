//! Times in JSON: each has two fields, an ISO 8601 text and, with `_ms` at the end of its name, a number in Unix
//! milliseconds. Scripts of the Python product parse the texts; pages read the numbers.
//!
//! Use as `#[serde(flatten, with = "times::created_at")]`, on `i64` or `Option<i64>`.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serializer};

/// Formats Unix milliseconds as `2026-11-28T02:21:13.077+00:00`, which every version of Python since 3.7 parses;
/// empty if it is out of range.
#[cfg(feature = "ssr")]
pub fn iso(at_ms: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(at_ms).ok();
    moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()).unwrap_or_default()
}

/// Milliseconds, or none.
pub trait Time: Copy {
    fn at_ms(self) -> Option<i64>;
    fn from_ms(at_ms: Option<i64>) -> Option<Self>;
}

impl Time for i64 {
    fn at_ms(self) -> Option<i64> {
        Some(self)
    }

    fn from_ms(at_ms: Option<i64>) -> Option<Self> {
        at_ms
    }
}

impl Time for Option<i64> {
    fn at_ms(self) -> Option<i64> {
        self
    }

    fn from_ms(at_ms: Option<i64>) -> Option<Self> {
        Some(at_ms)
    }
}

/// Only the server writes the text: in the browser it would need a calendar that nothing reads.
fn write<S: Serializer>(
    names: (&'static str, &'static str),
    time: impl Time,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (text, number) = names;
    let mut map = serializer.serialize_map(None)?;
    #[cfg(feature = "ssr")]
    map.serialize_entry(text, &time.at_ms().map(iso))?;
    #[cfg(not(feature = "ssr"))]
    let _ = text;
    map.serialize_entry(number, &time.at_ms())?;
    map.end()
}

macro_rules! time_field {
    ($module:ident, $schema:ident, $text:ident, $number:ident) => {
        pub mod $module {
            use super::*;

            /// A time.
            #[cfg(feature = "ssr")]
            #[derive(Debug, utoipa::ToSchema)]
            pub struct $schema {
                /// ISO 8601, UTC.
                #[schema(format = "date-time")]
                pub $text: Option<String>,
                /// Unix milliseconds.
                pub $number: Option<i64>,
            }

            /// # Errors
            /// If the serializer fails.
            pub fn serialize<T: Time, S: Serializer>(time: &T, serializer: S) -> Result<S::Ok, S::Error> {
                write((stringify!($text), stringify!($number)), *time, serializer)
            }

            /// # Errors
            /// If the number is missing and the time is not optional.
            pub fn deserialize<'de, T: Time, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
                #[derive(Deserialize)]
                struct Number {
                    $number: Option<i64>,
                }
                let Number { $number } = Number::deserialize(from)?;
                T::from_ms($number).ok_or_else(|| serde::de::Error::missing_field(stringify!($number)))
            }
        }
    };
}

time_field!(created_at, CreatedAt, created_at, created_at_ms);
time_field!(updated_at, UpdatedAt, updated_at, updated_at_ms);
time_field!(started_at, StartedAt, started_at, started_at_ms);
time_field!(completed_at, CompletedAt, completed_at, completed_at_ms);
time_field!(finished_at, FinishedAt, finished_at, finished_at_ms);
time_field!(expires_at, ExpiresAt, expires_at, expires_at_ms);
time_field!(last_used_at, LastUsedAt, last_used_at, last_used_at_ms);
time_field!(last_login, LastLogin, last_login, last_login_ms);
time_field!(user_key_updated_at, UserKeyUpdatedAt, user_key_updated_at, user_key_updated_at_ms);

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        id: String,
        #[serde(flatten, with = "super::created_at")]
        created_at: i64,
        #[serde(flatten, with = "super::completed_at")]
        ended: Option<i64>,
    }

    #[test]
    fn a_time_is_a_text_and_a_number() {
        let row = Row { id: "a".into(), created_at: 1_795_832_473_077, ended: None };
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!(
            json,
            json!({
                "id": "a", "created_at": "2026-11-28T02:21:13.077+00:00", "created_at_ms": 1_795_832_473_077_i64,
                "completed_at": null, "completed_at_ms": null,
            })
        );
        assert_eq!(serde_json::from_value::<Row>(json).unwrap(), row);
    }

    #[test]
    fn only_an_optional_time_may_be_missing() {
        let row = json!({ "id": "a", "created_at_ms": 1 });
        assert_eq!(serde_json::from_value::<Row>(row).unwrap().ended, None);
        let error = serde_json::from_value::<Row>(json!({ "id": "a" })).unwrap_err();
        assert!(error.to_string().contains("created_at_ms"), "{error}");
    }
}
