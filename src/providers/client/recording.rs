//! What one response said and when: the recorder turns stamped bytes into a [`Recording`], away from
//! the task that reads.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc::UnboundedReceiver};

use super::{sse::SseParser, stream::Arrival};
use crate::providers::{
    ApiError, ErrorKind,
    wire::{ChatResponse, Decoder, StreamEvent, Usage},
};

/// Bytes of a body with the moment when the last of them arrived.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) arrival: Arrival,
    pub(super) bytes: Bytes,
}

/// What the reader has to know of what the recorder sees.
#[derive(Debug, Default)]
pub(super) struct Milestones {
    first_content: AtomicBool,
    /// The protocol's end mark or an error has been seen: nothing worth waiting for will follow.
    pub(super) ended: Notify,
}

impl Milestones {
    pub(super) fn has_content(&self) -> bool {
        self.first_content.load(Relaxed)
    }
}

/// One response, unjudged: arrivals, text and what the server reported.
#[derive(Debug, Default)]
pub struct Recording {
    pub response_id: Option<String>,
    /// Arrival of each content chunk, monotonic ns.
    pub arrivals_ns: Vec<u64>,
    /// Arrival of the first visible text, monotonic ns.
    pub first_text_ns: Option<u64>,
    /// Everything generated: visible text, reasoning and tool calls, in order of arrival.
    pub content: String,
    /// Bytes of `content` that came with the first chunk.
    pub first_chunk_bytes: usize,
    /// Bytes of `content` that are reasoning.
    pub reasoning_bytes: usize,
    pub usage: Usage,
    pub finish_reason: Option<String>,
    /// An error that came inside the stream.
    pub error: Option<ApiError>,
    /// The end mark, or a finish reason, was seen.
    pub complete: bool,
    /// User-space stamp minus kernel stamp of each read, µs; empty on the user clock.
    pub lateness_us: Vec<u32>,
    /// Reads that only user space could stamp.
    pub user_clock_reads: u64,
}

/// Records the pieces of an event stream until there are no more.
pub(super) async fn record(
    mut pieces: UnboundedReceiver<Piece>,
    decoder: Decoder,
    milestones: Arc<Milestones>,
) -> Recording {
    let mut recorder = Recorder { decoder, milestones, events: Vec::new(), recording: Recording::default() };
    let mut parser = SseParser::default();
    let mut last_ns = 0;
    while let Some(piece) = pieces.recv().await {
        last_ns = piece.arrival.at_ns;
        recorder.recording.count_read(piece.arrival);
        let fed = parser.feed(&piece.bytes, |name, data| recorder.take(name, data, last_ns));
        if let Err(error) = fed {
            recorder.fail(bad_response(error.to_string()));
            break;
        }
    }
    parser.finish(|name, data| recorder.take(name, data, last_ns));
    recorder.finish(last_ns)
}

/// A whole answer that came in one piece although a stream was asked for.
pub(super) fn record_whole(response: ChatResponse, arrival: Arrival) -> Recording {
    let tool_calls = response.tool_calls.iter().map(|call| format!("{}{}", call.name, call.arguments));
    let content: String =
        [response.reasoning.clone(), response.text.clone()].into_iter().chain(tool_calls).collect();
    let mut recording = Recording {
        response_id: response.id,
        arrivals_ns: if content.is_empty() { Vec::new() } else { vec![arrival.at_ns] },
        first_text_ns: (!response.text.is_empty()).then_some(arrival.at_ns),
        first_chunk_bytes: content.len(),
        reasoning_bytes: response.reasoning.len(),
        content,
        usage: response.usage,
        finish_reason: response.finish.map(|reason| reason.to_string()),
        complete: true,
        ..Recording::default()
    };
    recording.count_read(arrival);
    recording
}

struct Recorder {
    decoder: Decoder,
    milestones: Arc<Milestones>,
    events: Vec<StreamEvent>,
    recording: Recording,
}

impl Recorder {
    fn take(&mut self, name: &str, data: &[u8], at_ns: u64) {
        self.decoder.decode(name, data, &mut self.events);
        self.apply(at_ns);
    }

    fn finish(mut self, last_ns: u64) -> Recording {
        self.decoder.end(&mut self.events);
        self.apply(last_ns);
        self.recording.complete |= self.decoder.finished();
        self.recording
    }

    fn fail(&mut self, error: ApiError) {
        self.recording.error.get_or_insert(error);
        self.milestones.ended.notify_one();
    }

    fn apply(&mut self, at_ns: u64) {
        let before = self.recording.content.len();
        for event in std::mem::take(&mut self.events) {
            self.apply_event(event, at_ns);
        }
        if self.recording.content.len() == before {
            return;
        }
        if self.recording.arrivals_ns.is_empty() {
            self.recording.first_chunk_bytes = self.recording.content.len();
            self.milestones.first_content.store(true, Relaxed);
        }
        self.recording.arrivals_ns.push(at_ns);
    }

    fn apply_event(&mut self, event: StreamEvent, at_ns: u64) {
        let recording = &mut self.recording;
        match event {
            StreamEvent::Id(id) => {
                recording.response_id.get_or_insert(id);
            }
            StreamEvent::Text(text) => {
                recording.content.push_str(&text);
                recording.first_text_ns.get_or_insert(at_ns);
            }
            StreamEvent::Reasoning(text) => {
                recording.content.push_str(&text);
                recording.reasoning_bytes += text.len();
            }
            StreamEvent::ToolCall(call) => {
                recording.content.push_str(call.name.as_deref().unwrap_or_default());
                recording.content.push_str(&call.arguments);
            }
            StreamEvent::Finish(reason) => recording.finish_reason = Some(reason.to_string()),
            StreamEvent::Usage(usage) => recording.usage.update(usage),
            StreamEvent::Error(error) => self.fail(error),
            StreamEvent::Done => {
                recording.complete = true;
                self.milestones.ended.notify_one();
            }
        }
    }
}

impl Recording {
    fn count_read(&mut self, arrival: Arrival) {
        match arrival.lateness_ns {
            Some(lateness) => self.lateness_us.push(u32::try_from(lateness / 1_000).unwrap_or(u32::MAX)),
            None => self.user_clock_reads += 1,
        }
    }
}

pub(super) fn bad_response(message: String) -> ApiError {
    ApiError { kind: ErrorKind::BadResponse, status: None, message, retry_after_s: None }
}
