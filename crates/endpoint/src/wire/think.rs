//! Splits inline `<think>…</think>` reasoning from visible text, whatever way the tags are cut
//! across deltas.
//!
//! The opening tag counts only where the answer begins (white space aside), because that is where
//! models that reason write it: a later one is text about the tag. Text that may yet turn out to be
//! part of a tag is held back until the next delta decides.

use super::StreamEvent;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Sees the text of one answer, delta by delta.
#[derive(Debug, Clone, Default)]
pub(super) struct ThinkSplitter {
    place: Place,
    /// The beginning of what may be a tag.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Only white space so far.
    #[default]
    Head,
    Thinking,
    /// Past the point where a tag can come: everything passes untouched.
    Answer,
}

impl ThinkSplitter {
    /// Whether text passes unchanged from here on.
    pub(super) fn is_past_tags(&self) -> bool {
        self.place == Place::Answer
    }

    /// Whether text is reasoning until the closing tag.
    pub(super) fn is_inside_tags(&self) -> bool {
        self.place == Place::Thinking
    }

    /// Sorts one delta into text and reasoning.
    pub(super) fn push(&mut self, delta: String, out: &mut Vec<StreamEvent>) {
        let text = self.with_held(delta);
        match self.place {
            Place::Head => self.push_head(text, out),
            Place::Thinking => self.push_thinking(&text, out),
            Place::Answer => out.extend(StreamEvent::text(text)),
        }
    }

    /// Gives out what is held back: no more text follows.
    pub(super) fn flush(&mut self, out: &mut Vec<StreamEvent>) {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Thinking => out.extend(StreamEvent::reasoning(held)),
            Place::Head | Place::Answer => out.extend(StreamEvent::text(held)),
        }
    }

    fn with_held(&mut self, delta: String) -> String {
        if self.held.is_empty() {
            return delta;
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(&delta);
        text
    }

    fn push_head(&mut self, text: String, out: &mut Vec<StreamEvent>) {
        let body = text.trim_start();
        let space = text.len() - body.len();
        if let Some(thought) = body.strip_prefix(OPEN) {
            self.place = Place::Thinking;
            out.extend(StreamEvent::text(text[..space].to_owned()));
            self.push_thinking(thought, out);
        } else if OPEN.starts_with(body) {
            self.held = body.to_owned();
            out.extend(StreamEvent::text(text[..space].to_owned()));
        } else {
            self.place = Place::Answer;
            out.extend(StreamEvent::text(text));
        }
    }

    fn push_thinking(&mut self, text: &str, out: &mut Vec<StreamEvent>) {
        if let Some((thought, answer)) = text.split_once(CLOSE) {
            self.place = Place::Answer;
            out.extend(StreamEvent::reasoning(thought.to_owned()));
            out.extend(StreamEvent::text(answer.to_owned()));
            return;
        }
        let (thought, held) = text.split_at(text.len() - cut_tag_len(text));
        self.held = held.to_owned();
        out.extend(StreamEvent::reasoning(thought.to_owned()));
    }
}

/// Length of the longest end of `text` that is a beginning of the closing tag.
fn cut_tag_len(text: &str) -> usize {
    (1..CLOSE.len()).rev().find(|&len| text.ends_with(&CLOSE[..len])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text and reasoning, put together, of an answer that comes in these deltas.
    fn split(deltas: &[&str]) -> (String, String) {
        let mut splitter = ThinkSplitter::default();
        let mut out = Vec::new();
        for delta in deltas {
            splitter.push((*delta).to_owned(), &mut out);
        }
        splitter.flush(&mut out);
        let (mut text, mut reasoning) = (String::new(), String::new());
        for event in out {
            match event {
                StreamEvent::Text(part) if !part.is_empty() => text.push_str(&part),
                StreamEvent::Reasoning(part) if !part.is_empty() => reasoning.push_str(&part),
                other => panic!("unexpected {other:?}"),
            }
        }
        (text, reasoning)
    }

    fn pair(text: &str, reasoning: &str) -> (String, String) {
        (text.to_owned(), reasoning.to_owned())
    }

    #[test]
    fn tells_reasoning_from_text() {
        assert_eq!(split(&["<think>hm</think>yes"]), pair("yes", "hm"));
        assert_eq!(split(&["\n<think>\n", "hm", "\n</think>", "\n\nyes"]), pair("\n\n\nyes", "\nhm\n"));
        assert_eq!(split(&["<think>never closed"]), pair("", "never closed"));
        assert_eq!(split(&["<think></think>yes"]), pair("yes", ""));
    }

    #[test]
    fn a_tag_may_be_cut_anywhere() {
        assert_eq!(split(&["<", "thi", "nk", ">", "h", "m<", "/th", "ink", ">y"]), pair("y", "hm"));
        assert_eq!(split(&["<think>a</thi", "s is no tag</think>b"]), pair("b", "a</this is no tag"));
    }

    #[test]
    fn what_only_looks_like_a_tag_stays_text() {
        assert_eq!(split(&["<", "div>"]), pair("<div>", ""));
        assert_eq!(split(&["<thin"]), pair("<thin", ""));
        assert_eq!(
            split(&["The tag <think> opens", " and </think> closes"]),
            pair("The tag <think> opens and </think> closes", "")
        );
    }

    #[test]
    fn an_answer_without_tags_passes_delta_by_delta() {
        let mut splitter = ThinkSplitter::default();
        let mut out = Vec::new();
        for delta in ["a", "<", "b"] {
            splitter.push(delta.to_owned(), &mut out);
        }
        assert_eq!(out, ["a", "<", "b"].map(|text| StreamEvent::Text(text.to_owned())));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_result(
            answer in r"\s{0,2}(<think>|<thi|<){0,2}[a-z</ é]{0,6}(</think>|</thin|</|<think>){0,3}[a-z<é]{0,4}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let boundaries: Vec<usize> = answer.char_indices().map(|(at, _)| at).chain([answer.len()]).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| boundaries[cut.index(boundaries.len())]).collect();
            cuts.extend([0, answer.len()]);
            cuts.sort_unstable();
            let deltas: Vec<&str> = cuts.windows(2).map(|pair| &answer[pair[0]..pair[1]]).collect();
            prop_assert_eq!(split(&deltas), split(&[&answer]));
        }
    }
}
