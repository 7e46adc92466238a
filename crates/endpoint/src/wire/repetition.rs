//! A fast path that decodes events without parsing them if they differ from an earlier event only in the
//! generated text.
//!
//! This applies to nearly all events of most streams. The earlier event is the template: if an event has the
//! same bytes before and after the text, and the bytes between them are one JSON string, the parser would
//! return the same event with this string as its text. All other events are parsed.

use memchr::memmem;

use super::StreamEvent;

/// Text that replaces the event's own, to check that the parser then returns exactly this text.
const PROBE: &str = "probe";
/// A template that decoded fewer events than this counts as unused.
const MIN_USES: u32 = 4;
/// Number of consecutive unused templates after which no more are created: each costs two parser passes.
const MAX_UNUSED_TEMPLATES: u32 = 4;

/// The current template and its use.
#[derive(Debug)]
pub(super) struct Repetition {
    template: Option<Template>,
    /// Number of events decoded without the parser since the last call of `learn`.
    uses: u32,
    /// Number of further unused templates before learning stops.
    unused_left: u32,
}

#[derive(Debug)]
struct Template {
    name: String,
    /// The event's bytes up to and including the quotation mark before the text.
    before: Vec<u8>,
    /// The event's bytes from the quotation mark after the text.
    after: Vec<u8>,
    event: fn(String) -> StreamEvent,
}

impl Default for Repetition {
    fn default() -> Self {
        Self { template: None, uses: 0, unused_left: MAX_UNUSED_TEMPLATES }
    }
}

impl Repetition {
    /// Returns the decoded event if it differs from the template only in its text and its text is not empty.
    pub(super) fn recognise(&mut self, name: &str, data: &[u8]) -> Option<StreamEvent> {
        let template = self.template.as_ref()?;
        let text = data.strip_prefix(template.before.as_slice())?.strip_suffix(template.after.as_slice())?;
        if text.is_empty() || name != template.name {
            return None;
        }
        let text = if text.iter().all(|&byte| is_plain(byte)) {
            std::str::from_utf8(text).ok()?.to_owned()
        } else {
            let start = template.before.len() - 1;
            serde_json::from_slice(&data[start..start + text.len() + 2]).ok()?
        };
        self.uses = self.uses.saturating_add(1);
        Some((template.event)(text))
    }

    /// Makes an event the template if the parser returned only `found` for it. `parse` calls the parser in
    /// the state that it has for the next events.
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
        if self.unused_left == 0 || text == PROBE {
            return;
        }
        self.unused_left = if self.uses >= MIN_USES { MAX_UNUSED_TEMPLATES } else { self.unused_left - 1 };
        self.uses = 0;
        let Some((before, after)) = around_text(data, text) else { return };
        let mut out = Vec::new();
        parse(&[before, PROBE.as_bytes(), after].concat(), &mut out);
        if out == [event(PROBE.to_owned())] {
            self.template = Some(Template {
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
    /// Returns whether further templates may be created.
    pub(super) fn still_learns(&self) -> bool {
        self.unused_left > 0
    }
}

/// Returns whether a byte inside a JSON string is unescaped.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Splits the event into the bytes before and after its text, including the quotation marks; `None` unless
/// the text occurs exactly once.
fn around_text<'a>(data: &'a [u8], text: &str) -> Option<(&'a [u8], &'a [u8])> {
    let quoted = serde_json::to_vec(text).ok()?;
    let mut places = memmem::find_iter(data, &quoted);
    let place = places.next().filter(|_| places.next().is_none())?;
    Some((&data[..=place], &data[place + quoted.len() - 1..]))
}
