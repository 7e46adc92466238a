//! What the tests of all protocols need.

use serde_json::Map;

use crate::{
    Provider, ProviderKind,
    wire::{ChatRequest, Decoder, Message, Role, StreamEvent},
};

/// A provider of this kind at its usual address.
pub(in crate::wire) fn provider(kind: ProviderKind) -> Provider {
    Provider::of_kind(kind, kind.facts().base_url.unwrap_or("http://127.0.0.1:9/v1"))
}

pub(in crate::wire) fn user(content: &str) -> Message {
    Message { role: Role::User, content: content.to_owned(), tool_calls: Vec::new(), tool_call_id: None }
}

/// A streamed request that says "hi".
pub(in crate::wire) fn request() -> ChatRequest {
    ChatRequest {
        model: "some-model".to_owned(),
        messages: vec![user("hi")],
        tools: Vec::new(),
        tool_choice: None,
        params: Map::new(),
        stream: true,
        include_usage: true,
    }
}

/// What these events of one stream say, and whether the stream then was finished.
pub(in crate::wire) fn decode_all(kind: ProviderKind, events: &[(&str, &str)]) -> (Vec<StreamEvent>, bool) {
    let mut decoder = Decoder::new(&provider(kind));
    let mut out = Vec::new();
    for (name, data) in events {
        decoder.decode(name, data.as_bytes(), &mut out);
    }
    decoder.end(&mut out);
    (out, decoder.finished())
}
