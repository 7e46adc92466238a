//! The shape of what goes over the WebSocket; what it means is the business of the room it is from.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// One message from the server: a JSON object with a `type` and, when it is about a job, a `job_id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    #[serde(rename = "type")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl Frame {
    /// The frame of a serializable event (a serde-tagged enum, for example).
    ///
    /// # Errors
    /// When the event is no JSON object with a `type`.
    pub fn of(event: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::from_value(serde_json::to_value(event)?)
    }

    /// Reads the frame as one of a room's own events; `None` when it is not one of them.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(serde_json::to_value(self).ok()?).ok()
    }
}

/// What a tab may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    Ping,
    Cancel { job_id: String },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::JobEvent;

    #[test]
    fn an_event_goes_there_and_back() {
        let event = JobEvent::JobFailed { job_id: "j".into(), error: "It broke.".into() };
        let frame = Frame::of(&event).unwrap();
        assert_eq!((frame.name.as_str(), frame.job_id.as_deref()), ("job_failed", Some("j")));
        assert_eq!(frame.read::<JobEvent>(), Some(event));
        assert_eq!(frame.read::<ClientMessage>(), None);
    }
}
