//! An incremental parser of `text/event-stream`, after the WHATWG specification: it takes bytes in
//! any pieces and yields whole events.

use memchr::memchr2;

/// No event of a language model comes near this; a server that sends more is not speaking SSE.
const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// An event grew beyond all reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a single stream event is larger than 16 MiB")]
pub struct EventTooLarge;

/// See the module's text.
#[derive(Debug, Default)]
pub struct SseParser {
    /// A line whose end has not arrived yet.
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    has_data: bool,
    /// The last piece ended in CR: an LF at the start of the next one belongs to it.
    after_cr: bool,
    started: bool,
}

impl SseParser {
    /// Takes the next bytes and calls `on_event` with name (empty where the event had none) and data
    /// of each event that they complete.
    ///
    /// # Errors
    /// When a single event exceeds 16 MiB.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        mut on_event: impl FnMut(&str, &[u8]),
    ) -> Result<(), EventTooLarge> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            let (line, rest) = bytes.split_at(end);
            if self.line.is_empty() {
                self.take_line(line, &mut on_event);
            } else {
                self.line.extend_from_slice(line);
                let whole = std::mem::take(&mut self.line);
                self.take_line(&whole, &mut on_event);
                self.line = whole;
                self.line.clear();
            }
            bytes = match rest {
                [b'\r', b'\n', after @ ..] => after,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, after @ ..] => after,
                [] => &[],
            };
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
            return Err(EventTooLarge);
        }
        Ok(())
    }

    /// The stream has ended: yields an event whose closing blank line some servers leave out.
    pub fn finish(&mut self, mut on_event: impl FnMut(&str, &[u8])) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(&line, &mut on_event);
        }
        self.dispatch(&mut on_event);
    }

    fn take_line(&mut self, line: &[u8], on_event: &mut impl FnMut(&str, &[u8])) {
        let line = if self.started { line } else { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) };
        self.started = true;
        if line.is_empty() {
            return self.dispatch(on_event);
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.push_str(&String::from_utf8_lossy(value));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(&str, &[u8])) {
        if self.has_data {
            on_event(&self.name, &self.data);
            self.data.clear();
            self.has_data = false;
        }
        self.name.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Events = Vec<(String, String)>;

    fn parse(pieces: &[&[u8]]) -> Events {
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        let mut keep = |name: &str, data: &[u8]| {
            events.push((name.to_owned(), String::from_utf8(data.to_vec()).unwrap()));
        };
        for piece in pieces {
            parser.feed(piece, &mut keep).unwrap();
        }
        parser.finish(&mut keep);
        events
    }

    fn event(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn one_read_may_hold_many_events_and_comments() {
        let events = parse(&[b": ping\n\nevent: a\ndata: 1\n\ndata:2\nid: 7\n\n: x\ndata\n\n"]);
        assert_eq!(events, [event("a", "1"), event("", "2"), event("", "")]);
    }

    #[test]
    fn data_lines_are_joined() {
        assert_eq!(parse(&[b"data: 1\ndata: 2\n\n"]), [event("", "1\n2")]);
    }

    #[test]
    fn a_missing_last_blank_line_loses_nothing() {
        assert_eq!(parse(&[b"data: [DONE]"]), [event("", "[DONE]")]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse(&[b"\xEF\xBB\xBFdata: 1\n\n"]), [event("", "1")]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = SseParser::default();
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..20).any(|_| parser.feed(&piece, |_, _| {}) == Err(EventTooLarge));
        assert!(refused);
    }

    proptest! {
        /// Wherever the network cuts the bytes (in a CRLF, in a UTF-8 character), the events are
        /// the same.
        #[test]
        fn cuts_do_not_matter(
            payloads in prop::collection::vec("[a-zé漢🦀 {}\":]{0,12}", 1..6),
            ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let text: String = payloads
                .iter()
                .map(|payload| format!("event: e{ending}: c{ending}data: {payload}{ending}{ending}"))
                .collect();
            let bytes = text.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let expected: Events = payloads.iter().map(|payload| event("e", payload)).collect();
            prop_assert_eq!(parse(&pieces), expected);
        }
    }
}
