//! What one response said and when: the recorder turns stamped bytes into a [`Recording`], away from
//! the task that reads.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use tokio::sync::{Notify, mpsc::UnboundedReceiver, oneshot};

use super::{sse::SseParser, stream::Arrival};
use crate::{
    ApiError, ErrorKind,
    printable::is_printable,
    wire::{ChatResponse, Decoder, StreamEvent, Usage},
};

/// A whole answer is never larger.
const MAX_WHOLE_BYTES: usize = 8 * 1024 * 1024;
/// More than a model could write within the tokens that can be asked for.
const MAX_CONTENT_BYTES: usize = 2 * 1024 * 1024;
/// Longest id or finish reason that is kept, in characters.
const MAX_LABEL: usize = 200;

/// A batch is recorded when it holds this many reads or bytes. Recording many reads at once costs a fraction of
/// recording each as it comes. Where the kernel does not stamp them, it would delay the stamps of other streams.
const MAX_BATCH_READS: usize = if cfg!(target_os = "linux") { 16 } else { 1 };
const MAX_BATCH_BYTES: usize = 16 * 1024;
/// A batch is recorded when it is this old and another read arrives.
const MAX_BATCH_AGE_NS: u64 = 100_000_000;

/// What the reader sends to the recorder.
#[derive(Debug)]
pub(super) enum Message {
    /// Record these reads.
    Reads(Batch),
    /// Confirm that everything before this message has been recorded.
    Confirm(oneshot::Sender<()>),
}

/// Content of a body as several reads brought it, each with its arrival.
#[derive(Debug)]
pub(super) struct Batch {
    content: Vec<u8>,
    /// The arrival of each read and the end of its content.
    reads: Vec<(Arrival, usize)>,
}

impl Default for Batch {
    /// Returns an empty batch with room for the usual events, so that it seldom has to grow.
    fn default() -> Self {
        const USUAL_READ: usize = 256;
        Self {
            content: Vec::with_capacity(MAX_BATCH_READS * USUAL_READ),
            reads: Vec::with_capacity(MAX_BATCH_READS),
        }
    }
}

impl Batch {
    /// Adds content of the read that is under way; [`Self::end_read`] closes it.
    pub(super) fn push(&mut self, content: &[u8]) {
        self.content.extend_from_slice(content);
    }

    /// Says that what was pushed last arrived then; a read without content counts for nothing.
    pub(super) fn end_read(&mut self, arrival: Arrival) {
        if self.content.len() > self.reads.last().map_or(0, |(_, end)| *end) {
            self.reads.push((arrival, self.content.len()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    /// Returns when its first read arrived, monotonic ns.
    pub(super) fn began_ns(&self) -> Option<u64> {
        self.reads.first().map(|(arrival, _)| arrival.at_ns)
    }

    /// Returns whether it is time to record it.
    pub(super) fn is_due(&self) -> bool {
        let age_ns = match self.reads.as_slice() {
            [(first, _), .., (last, _)] => last.at_ns.saturating_sub(first.at_ns),
            _ => 0,
        };
        self.reads.len() >= MAX_BATCH_READS
            || self.content.len() >= MAX_BATCH_BYTES
            || age_ns >= MAX_BATCH_AGE_NS
    }

    /// Takes the reads out and leaves an empty batch.
    pub(super) fn take(&mut self) -> Self {
        let next = Self {
            content: Vec::with_capacity(self.content.len()),
            reads: Vec::with_capacity(MAX_BATCH_READS),
        };
        std::mem::replace(self, next)
    }

    fn reads(&self) -> impl Iterator<Item = (Arrival, &[u8])> {
        let mut start = 0;
        self.reads
            .iter()
            .map(move |&(arrival, end)| (arrival, &self.content[std::mem::replace(&mut start, end)..end]))
    }
}

/// What the reader has to know of what the recorder sees.
#[derive(Debug, Default)]
pub(super) struct Milestones {
    first_content: AtomicBool,
    /// The body broke off: its last line may be half an event.
    cut: AtomicBool,
    /// The protocol's end mark or an error has been seen: nothing worth waiting for will follow.
    pub(super) ended: Notify,
    /// Arrival of that end mark or error, monotonic ns.
    ended_at_ns: AtomicU64,
}

impl Milestones {
    pub(super) fn has_content(&self) -> bool {
        self.first_content.load(Relaxed)
    }

    /// When what was notified as `ended` arrived, monotonic ns; 0 until then.
    #[inline]
    pub(super) fn ended_at_ns(&self) -> u64 {
        self.ended_at_ns.load(Relaxed)
    }

    pub(super) fn cut(&self) {
        self.cut.store(true, Relaxed);
    }
}

/// The recording of one response: arrivals, text and the server's reports, without any evaluation.
#[derive(Debug, Default)]
pub struct Recording {
    /// The provider's id of the response.
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
    /// Token counts as the server reports them.
    pub usage: Usage,
    /// Why generation stopped, as the provider reports it.
    pub finish_reason: Option<String>,
    /// An error inside the stream.
    pub error: Option<ApiError>,
    /// Whether the end mark or a finish reason was received.
    pub complete: bool,
    /// User-space stamp minus kernel stamp of each read, µs; empty on the user clock.
    pub lateness_us: Vec<u32>,
    /// Number of reads without a kernel stamp.
    pub user_clock_reads: u64,
}

/// What came of a body.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) recording: Recording,
    /// The body, where it held no event at all.
    pub(super) without_events: Option<Vec<u8>>,
    /// Arrival of the last byte, monotonic ns.
    pub(super) last_ns: u64,
}

/// Records the reads of an event stream until there are no more.
pub(super) async fn record(
    mut messages: UnboundedReceiver<Message>,
    decoder: Decoder,
    milestones: Arc<Milestones>,
) -> Recorded {
    let mut recorder = Recorder::new(decoder, milestones);
    let mut parser = SseParser::default();
    let mut without_events = Some(Vec::new());
    let mut last_ns = 0;
    while let Some(message) = messages.recv().await {
        let batch = match message {
            Message::Reads(batch) => batch,
            Message::Confirm(confirmed) => {
                // The reader may have given up meanwhile.
                let _ = confirmed.send(());
                continue;
            }
        };
        for (arrival, content) in batch.reads() {
            last_ns = arrival.at_ns;
            recorder.recording.count_read(arrival);
            if recorder.over {
                continue;
            }
            let fed = parser.feed(content, |name, data| recorder.take(name, data, last_ns));
            if let Err(error) = fed {
                recorder.fail(bad_response(error.to_string()), last_ns);
            }
            without_events =
                without_events.filter(|_| !recorder.saw_event).and_then(|body| joined(body, content));
        }
    }
    if !recorder.milestones.cut.load(Relaxed) {
        parser.finish(|name, data| recorder.take_last(name, data, last_ns));
    }
    let without_events = without_events.filter(|_| !recorder.saw_event && !recorder.over);
    Recorded { recording: recorder.finish(last_ns), without_events, last_ns }
}

/// Keeps a body that may be a whole answer; none is as large as all that.
fn joined(mut body: Vec<u8>, piece: &[u8]) -> Option<Vec<u8>> {
    body.extend_from_slice(piece);
    (body.len() <= MAX_WHOLE_BYTES).then_some(body)
}

struct Recorder {
    decoder: Decoder,
    milestones: Arc<Milestones>,
    events: Vec<StreamEvent>,
    recording: Recording,
    saw_event: bool,
    /// The end mark or an error has come: what follows belongs to no answer.
    over: bool,
}

impl Recorder {
    fn new(decoder: Decoder, milestones: Arc<Milestones>) -> Self {
        Self {
            decoder,
            milestones,
            events: Vec::new(),
            recording: Recording::default(),
            saw_event: false,
            over: false,
        }
    }

    fn take(&mut self, name: &str, data: &[u8], at_ns: u64) {
        self.decode(name, data);
        self.apply(at_ns);
    }

    /// An event whose end never came. Where it cannot be read, the stream was cut inside it.
    fn take_last(&mut self, name: &str, data: &[u8], at_ns: u64) {
        self.decode(name, data);
        self.events.retain(
            |event| !matches!(event, StreamEvent::Error(error) if error.kind == ErrorKind::BadResponse),
        );
        self.apply(at_ns);
    }

    fn decode(&mut self, name: &str, data: &[u8]) {
        if !self.over {
            self.saw_event = true;
            self.decoder.decode(name, data, &mut self.events);
        }
    }

    fn finish(mut self, last_ns: u64) -> Recording {
        self.decoder.end(&mut self.events);
        self.apply(last_ns);
        self.recording.complete |= self.decoder.finished();
        self.recording
    }

    fn fail(&mut self, error: ApiError, at_ns: u64) {
        self.recording.error.get_or_insert(error);
        self.end(at_ns);
    }

    fn end(&mut self, at_ns: u64) {
        self.over = true;
        self.milestones.ended_at_ns.store(at_ns, Relaxed);
        self.milestones.ended.notify_one();
    }

    fn apply(&mut self, at_ns: u64) {
        let before = self.recording.content.len();
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            self.apply_event(event, at_ns);
        }
        self.events = events;
        if self.recording.content.len() == before {
            return;
        }
        if self.recording.arrivals_ns.is_empty() {
            self.recording.first_chunk_bytes = self.recording.content.len();
            self.milestones.first_content.store(true, Relaxed);
        }
        self.recording.arrivals_ns.push(at_ns);
        if self.recording.content.len() > MAX_CONTENT_BYTES {
            let error = "the answer is longer than 2 MiB; no model was asked for that much";
            self.fail(bad_response(error.into()), at_ns);
        }
    }

    fn apply_event(&mut self, event: StreamEvent, at_ns: u64) {
        let recording = &mut self.recording;
        match event {
            StreamEvent::Id(id) => {
                recording.response_id.get_or_insert_with(|| label(&id));
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
            StreamEvent::Finish(reason) => recording.finish_reason = Some(label(&reason.to_string())),
            StreamEvent::Usage(usage) => recording.usage.update(usage),
            StreamEvent::Error(error) => self.fail(error, at_ns),
            StreamEvent::Done => {
                recording.complete = true;
                self.end(at_ns);
            }
        }
    }
}

impl Recording {
    /// Whether the server said how much it generated; a zero beside text says nothing.
    pub fn reports_output(&self) -> bool {
        self.usage.output_tokens.is_some_and(|tokens| tokens > 0 || self.content.is_empty())
    }

    /// Takes in an answer that came in one piece although a stream was asked for.
    pub(super) fn take_whole(&mut self, response: ChatResponse, at_ns: u64) {
        let tool_calls = response.tool_calls.iter().map(|call| format!("{}{}", call.name, call.arguments));
        let generated = [response.reasoning.clone(), response.text.clone()].into_iter().chain(tool_calls);
        self.content = generated.collect();
        self.arrivals_ns = if self.content.is_empty() { Vec::new() } else { vec![at_ns] };
        self.first_text_ns = (!response.text.is_empty()).then_some(at_ns);
        self.first_chunk_bytes = self.content.len();
        self.reasoning_bytes = response.reasoning.len();
        self.usage = response.usage;
        self.response_id = response.id.map(|id| label(&id));
        self.finish_reason = response.finish.map(|reason| label(&reason.to_string()));
        self.complete = true;
    }

    fn count_read(&mut self, arrival: Arrival) {
        match arrival.lateness_ns {
            Some(lateness) => self.lateness_us.push(u32::try_from(lateness / 1_000).unwrap_or(u32::MAX)),
            None => self.user_clock_reads += 1,
        }
    }
}

/// An endpoint's own word for something: bounded, and nothing in it that a terminal would obey.
fn label(text: &str) -> String {
    text.chars().filter(|&c| is_printable(c)).take(MAX_LABEL).collect()
}

pub(super) fn bad_response(message: String) -> ApiError {
    ApiError { kind: ErrorKind::BadResponse, status: None, message, retry_after_s: None }
}
