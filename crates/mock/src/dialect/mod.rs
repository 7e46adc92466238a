//! One file a protocol: how its requests are read and its answers written.

mod anthropic;
mod cohere;
mod gemini;
mod openai;

use serde::Serialize;

use super::presets::Preset;
use super::script::{Ask, Script, Segment};
use super::track::Track;
use endpoint::Protocol;
use endpoint::wire::Usage;

/// What a protocol needs to know of an answer to write it.
pub(super) struct Reply<'a> {
    pub(super) id: &'a str,
    pub(super) model: &'a str,
    /// Unix seconds.
    pub(super) created: u64,
    pub(super) script: &'a Script,
    /// `None` where usage is not reported.
    pub(super) usage: Option<Usage>,
}

/// A protocol from the server's side.
pub(super) trait Dialect {
    fn protocol(&self) -> Protocol;

    /// Reads a request's body.
    ///
    /// # Errors
    /// One sentence that says what is wrong with it.
    fn read(&self, body: &[u8]) -> Result<Ask, String>;

    /// What a stream begins with, before any content.
    fn opening(&self, reply: &Reply<'_>) -> String;

    /// The events of the segment at `index`.
    fn track(&self, reply: &Reply<'_>, index: u32, segment: &Segment) -> Track;

    /// What a stream ends with: finish reason, usage, end mark.
    fn ending(&self, reply: &Reply<'_>) -> String;

    /// An error inside a stream.
    fn stream_error(&self, reply: &Reply<'_>) -> String;

    /// The whole answer as one document.
    fn whole(&self, reply: &Reply<'_>) -> Vec<u8>;

    /// The body of an answer with an error status.
    fn refusal(&self, status: u16, message: &str) -> Vec<u8>;

    /// The list of models.
    fn models(&self, models: &[Preset]) -> Vec<u8>;
}

/// The dialect of `protocol`.
pub(super) fn of(protocol: Protocol) -> &'static dyn Dialect {
    match protocol {
        Protocol::OpenaiChat => &openai::Openai,
        Protocol::AnthropicMessages => &anthropic::Anthropic,
        Protocol::GeminiGenerate => &gemini::Gemini,
        Protocol::CohereChat => &cohere::Cohere,
    }
}

const STREAM_ERROR: &str = "simulated error inside the stream";

/// JSON of a wire type. Those are plain data, which always serialises.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn unreadable(error: serde_json::Error) -> String {
    format!("the request body is not what this protocol expects: {error}")
}

#[cfg(test)]
mod tests;
