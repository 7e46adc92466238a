//! A segment of a response rendered for one protocol. The constant part of its events is rendered once, so that
//! an event costs little more than copying its text.

use super::words::Words;

/// Placeholder of the text in a rendered event. Contains nothing that JSON escapes.
pub(super) const TEXT: &str = "{the text of this event goes here}";

/// The events of one segment.
#[derive(Debug)]
pub(super) struct Track {
    open: Vec<u8>,
    before: Vec<u8>,
    after: Vec<u8>,
    close: Vec<u8>,
    pieces: Pieces,
}

/// The content of the events, token by token.
#[derive(Debug)]
pub(super) enum Pieces {
    Words(Words),
    Fragments(std::vec::IntoIter<Fragment>),
}

/// A piece of an event, already escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) tokens: u32,
    pub(super) json: String,
}

impl Fragment {
    /// Creates a token of text for use inside a JSON string.
    pub(super) fn token(text: &str) -> Self {
        let quoted = serde_json::Value::from(text).to_string();
        Self { tokens: 1, json: quoted[1..quoted.len() - 1].to_owned() }
    }
}

impl Pieces {
    /// Appends up to `tokens` tokens (at least one fragment) and returns their number.
    fn take(&mut self, tokens: u32, out: &mut Vec<u8>) -> u32 {
        match self {
            Self::Words(words) => words.take(tokens, |piece| out.extend_from_slice(piece.as_bytes())),
            Self::Fragments(fragments) => {
                let mut taken = 0;
                while taken < tokens {
                    let Some(fragment) = fragments.next() else { break };
                    out.extend_from_slice(fragment.json.as_bytes());
                    taken += fragment.tokens;
                }
                taken
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Words(words) => words.left() == 0,
            Self::Fragments(fragments) => fragments.len() == 0,
        }
    }
}

impl Track {
    /// Creates a track whose events look like `event`, with [`TEXT`] in place of the text. `open` is sent with
    /// the first event and `close` with the last.
    pub(super) fn new(open: String, event: &str, close: String, pieces: Pieces) -> Self {
        let (before, after) = event.split_once(TEXT).unwrap_or((event, ""));
        Self {
            open: open.into_bytes(),
            before: before.as_bytes().to_vec(),
            after: after.as_bytes().to_vec(),
            close: close.into_bytes(),
            pieces,
        }
    }

    /// Appends up to `burst` events of up to `tokens_per_chunk` tokens to `out`, and the number of tokens of
    /// each to `chunks`.
    pub(super) fn write_burst(
        &mut self,
        burst: u32,
        tokens_per_chunk: u32,
        out: &mut Vec<u8>,
        chunks: &mut Vec<u32>,
    ) {
        out.append(&mut self.open);
        for _ in 0..burst {
            if self.pieces.is_empty() {
                break;
            }
            out.extend_from_slice(&self.before);
            chunks.push(self.pieces.take(tokens_per_chunk, out));
            out.extend_from_slice(&self.after);
        }
        if self.is_done() {
            out.append(&mut self.close);
        }
    }

    /// Returns whether everything was written.
    pub(super) fn is_done(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Estimates the length of a burst in bytes.
    pub(super) fn burst_size(&self, burst: u32, tokens_per_chunk: u32) -> usize {
        const TOKEN: usize = 8;
        const LARGEST: usize = 1 << 16;
        let event = self.before.len() + self.after.len() + TOKEN.saturating_mul(tokens_per_chunk as usize);
        let burst = event.saturating_mul(burst as usize);
        burst.saturating_add(self.open.len() + self.close.len()).min(LARGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mut track: Track, burst: u32, per_chunk: u32) -> (Vec<String>, Vec<u32>) {
        let (mut writes, mut chunks) = (Vec::new(), Vec::new());
        while !track.is_done() {
            let mut out = Vec::new();
            track.write_burst(burst, per_chunk, &mut out, &mut chunks);
            writes.push(String::from_utf8(out).unwrap());
        }
        (writes, chunks)
    }

    #[test]
    fn splices_text_into_the_constant_part() {
        let fragments = ["a", "b\"", "c"].map(Fragment::token).to_vec().into_iter();
        let event = format!("<{TEXT}>");
        let track = Track::new("open ".into(), &event, " close".into(), Pieces::Fragments(fragments));
        let (writes, chunks) = written(track, 1, 2);
        assert_eq!(writes, ["open <ab\\\">", "<c> close"]);
        assert_eq!(chunks, [2, 1]);
    }

    #[test]
    fn a_burst_has_the_set_number_of_events() {
        let event = format!("<{TEXT}>");
        let track = Track::new(String::new(), &event, String::new(), Pieces::Words(Words::new("", 0, 10)));
        let (writes, chunks) = written(track, 4, 1);
        assert_eq!(writes.iter().map(|write| write.matches('<').count()).collect::<Vec<_>>(), [4, 4, 2]);
        assert_eq!(chunks, [1; 10]);
    }

    #[test]
    fn a_fragment_of_many_tokens_stays_whole() {
        let call = Fragment { tokens: 9, json: "{}".into() };
        let pieces = Pieces::Fragments(vec![call.clone(), call].into_iter());
        let (writes, chunks) = written(Track::new(String::new(), TEXT, String::new(), pieces), 1, 2);
        assert_eq!((writes.len(), chunks), (2, vec![9, 9]));
    }
}
