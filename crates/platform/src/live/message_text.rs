//! A message in its wire format.

use std::ops::Deref;

use axum::extract::ws::{Message, Utf8Bytes};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::value::RawValue;

use crate::messages::ServerMessage;

/// A message as JSON: serialised once, and then shared by all tabs and processes it is sent to. Cheap to
/// clone. Within JSON it is an object, not a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageText(Utf8Bytes);

impl MessageText {
    /// Serialises a message.
    ///
    /// # Errors
    /// When it holds something that JSON has no form for.
    pub fn of(message: &ServerMessage) -> serde_json::Result<Self> {
        serde_json::to_string(message).map(Self::stored)
    }

    /// A message that a process of this server has serialised before.
    pub fn stored(json: String) -> Self {
        Self(json.into())
    }
}

impl Deref for MessageText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<MessageText> for Message {
    fn from(text: MessageText) -> Self {
        Self::Text(text.0)
    }
}

impl Serialize for MessageText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(self).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MessageText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|json| Self::stored(Box::<str>::from(json).into()))
    }
}
