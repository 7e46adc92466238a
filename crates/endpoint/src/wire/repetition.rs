//! Recognises events that differ from an earlier one only in the generated text, without parsing them.
//!
//! Nearly all events of most streams are of this kind. Their bytes before and after the text are compared with
//! those of the earlier event; where they are the same and what stands between them is one JSON string, the parser
//! would find the same event with this string as its text. Everything else goes to the parser.

use memchr::memmem;

use super::StreamEvent;

/// Text that is put in place of an event's own to see whether the event consists of it.
const PROBE: &str = "probe";
/// An event that was recognised at least this often was worth learning.
const WORTH: u32 = 4;
/// After so many events that were not worth it, no more are learned: each costs two passes of the parser.
const PATIENCE: u32 = 4;

/// The event that was learned last.
#[derive(Debug)]
pub(super) struct Repetition {
    known: Option<Known>,
    recognised: u32,
    patience: u32,
}

#[derive(Debug)]
struct Known {
    name: String,
    /// To the quotation mark before the text.
    before: Vec<u8>,
    /// From the quotation mark after the text.
    after: Vec<u8>,
    event: fn(String) -> StreamEvent,
}

impl Default for Repetition {
    fn default() -> Self {
        Self { known: None, recognised: 0, patience: PATIENCE }
    }
}

impl Repetition {
    /// Returns what the event says if it differs from the learned one in its text only, and has any.
    pub(super) fn recognise(&mut self, name: &str, data: &[u8]) -> Option<StreamEvent> {
        let known = self.known.as_ref()?;
        let text = data.strip_prefix(known.before.as_slice())?.strip_suffix(known.after.as_slice())?;
        if text.is_empty() || name != known.name {
            return None;
        }
        let text = if text.iter().all(|&byte| is_plain(byte)) {
            std::str::from_utf8(text).ok()?.to_owned()
        } else {
            let start = known.before.len() - 1;
            serde_json::from_slice(&data[start..start + text.len() + 2]).ok()?
        };
        self.recognised = self.recognised.saturating_add(1);
        Some((known.event)(text))
    }

    /// Learns an event for which the parser found nothing but `found`. `parse` is the parser in the state in which
    /// it will be when the next events come.
    pub(super) fn learn(
        &mut self,
        name: &str,
        data: &[u8],
        found: &StreamEvent,
        parse: impl FnOnce(&[u8], &mut Vec<StreamEvent>),
    ) {
        let (text, event): (_, fn(String) -> StreamEvent) = match found {
            StreamEvent::Text(text) => (text, StreamEvent::Text),
            StreamEvent::Reasoning(text) => (text, StreamEvent::Reasoning),
            _ => return,
        };
        if self.patience == 0 || text == PROBE {
            return;
        }
        self.patience = if self.recognised >= WORTH { PATIENCE } else { self.patience - 1 };
        self.recognised = 0;
        let Some((before, after)) = around_text(data, text) else { return };
        let mut out = Vec::new();
        parse(&[before, PROBE.as_bytes(), after].concat(), &mut out);
        if out == [event(PROBE.to_owned())] {
            self.known = Some(Known {
                name: name.to_owned(),
                before: before.to_owned(),
                after: after.to_owned(),
                event,
            });
        }
    }
}

#[cfg(test)]
impl Repetition {
    /// Whether it has not given up.
    pub(super) fn still_learns(&self) -> bool {
        self.patience > 0
    }
}

/// Whether a byte inside a JSON string stands for itself.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Splits the event at its text, the quotation marks excluded; `None` unless the text stands in exactly one place.
fn around_text<'a>(data: &'a [u8], text: &str) -> Option<(&'a [u8], &'a [u8])> {
    let quoted = serde_json::to_vec(text).ok()?;
    let mut places = memmem::find_iter(data, &quoted);
    let place = places.next().filter(|_| places.next().is_none())?;
    Some((&data[..=place], &data[place + quoted.len() - 1..]))
}
