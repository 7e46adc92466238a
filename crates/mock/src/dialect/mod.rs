//! One file per protocol: reads its requests and writes its responses.

mod anthropic;
mod cohere;
mod gemini;
mod openai;

use serde::Serialize;

use super::presets::Preset;
use super::script::{ChatRequest, Script, Segment};
use super::track::Track;
use endpoint::Protocol;
use endpoint::wire::Usage;

/// Everything a protocol needs to write a response.
pub(super) struct Reply<'a> {
    pub(super) id: &'a str,
    pub(super) model: &'a str,
    /// Unix seconds.
    pub(super) created: u64,
    pub(super) script: &'a Script,
    /// `None` if usage is not reported.
    pub(super) usage: Option<Usage>,
}

/// The server side of a protocol.
pub(super) trait Dialect {
    fn protocol(&self) -> Protocol;

    /// Reads a request's body.
    ///
    /// # Errors
    /// One sentence that describes what is wrong with it.
    fn read(&self, body: &[u8]) -> Result<ChatRequest, String>;

    /// Returns the events at the start of a stream, before any content.
    fn opening(&self, reply: &Reply<'_>) -> String;

    /// Returns the events of the segment at `index`.
    fn track(&self, reply: &Reply<'_>, index: u32, segment: &Segment) -> Track;

    /// Returns the events at the end of a stream: finish reason, usage, end mark.
    fn ending(&self, reply: &Reply<'_>) -> String;

    /// Returns an error event.
    fn stream_error(&self, reply: &Reply<'_>) -> String;

    /// Returns the complete response as one document.
    fn document(&self, reply: &Reply<'_>) -> Vec<u8>;

    /// Returns the body of a response with an error status.
    fn refusal(&self, status: u16, message: &str) -> Vec<u8>;

    /// Returns the list of models.
    fn models(&self, models: &[Preset]) -> Vec<u8>;
}

/// Returns the dialect of `protocol`.
pub(super) fn of(protocol: Protocol) -> &'static dyn Dialect {
    match protocol {
        Protocol::OpenaiChat => &openai::Openai,
        Protocol::AnthropicMessages => &anthropic::Anthropic,
        Protocol::GeminiGenerate => &gemini::Gemini,
        Protocol::CohereChat => &cohere::Cohere,
    }
}

const STREAM_ERROR: &str = "simulated error inside the stream";

/// Serialises a wire type. Wire types are plain data, so this cannot fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn unreadable(error: serde_json::Error) -> String {
    format!("invalid request body: {error}")
}

#[cfg(test)]
mod tests;
