//! The text of simulated responses: a passage that is sent word by word. A word is a token.

use std::sync::LazyLock;

/// Plain words and punctuation only: nothing in it needs escaping in JSON.
const PASSAGE: &str = "A steady hand measures twice before it cuts. The harbour lay quiet under a thin \
    morning fog, and the first boats left without a sound. Every answer takes its time, yet some arrive \
    like rain on a tin roof, all at once and then gone. We counted the lamps along the quay, one after \
    the other, and wrote each number down. What looks fast from the shore may be slow on the water. A \
    good clock does not hurry, it only refuses to wait. The keeper of the lighthouse kept a list of \
    ships, their names, their cargo and the hour they came. Nothing in that list was guessed, and so it \
    was trusted for years. When the wind turned, the flags turned with it, and the children on the hill \
    learned to read them. Small waves tell of large ships, if one knows how to listen. By noon the fog \
    had lifted and the far islands stood clear against the sky. Nobody spoke of the night before, but \
    everyone looked a little longer at the sea. The baker carried his bread up the narrow stairs, two \
    at a time, and whistled an old song. In the evening the boats came home in the order in which they \
    had left, and the count was right. ";

static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| PASSAGE.split_inclusive(' ').collect());

static SENTENCES: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let ends = WORDS.iter().enumerate().filter(|(_, word)| word.ends_with(". "));
    let starts = ends.map(|(at, _)| (at + 1) % WORDS.len());
    starts.collect()
});

/// A sequence of words from the passage, which repeats endlessly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// Prefix of the first word; part of its token.
    lead: &'static str,
    at: usize,
    left: u32,
}

impl Words {
    /// Creates a sequence of `count` words that begins with the sentence numbered `sentence` (modulo their
    /// number).
    pub(super) fn new(lead: &'static str, sentence: u64, count: u32) -> Self {
        let at = SENTENCES.get(sentence as usize % SENTENCES.len().max(1)).copied().unwrap_or_default();
        Self { lead, at, left: count }
    }

    /// Returns the number of remaining words.
    pub(super) fn left(&self) -> u32 {
        self.left
    }

    /// Takes up to `count` words, passes each piece of their text to `write` and returns their number.
    pub(super) fn take(&mut self, count: u32, mut write: impl FnMut(&'static str)) -> u32 {
        let words: &[&'static str] = &WORDS;
        let taken = count.min(self.left);
        if taken > 0 {
            write(std::mem::take(&mut self.lead));
        }
        for _ in 0..taken {
            write(words[self.at % words.len()]);
            self.at += 1;
        }
        self.left -= taken;
        taken
    }

    /// Returns the remaining text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.clone().take(u32::MAX, |piece| text.push_str(piece));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_passage_needs_escaping() {
        assert_eq!(serde_json::to_string(PASSAGE).unwrap(), format!("\"{PASSAGE}\""));
    }

    #[test]
    fn begins_at_a_sentence_and_repeats() {
        for sentence in 0..40 {
            let words = Words::new("", sentence, 1_000);
            let text = words.text();
            assert!(text.starts_with(char::is_uppercase), "{text}");
            assert_eq!(text.split_inclusive(' ').count(), 1_000);
        }
    }

    #[test]
    fn the_pieces_concatenated_are_the_text() {
        let mut words = Words::new("<think>", 3, 10);
        let whole = words.text();
        let mut pieces = String::new();
        assert_eq!(words.take(4, |piece| pieces.push_str(piece)), 4);
        assert_eq!(words.take(40, |piece| pieces.push_str(piece)), 6);
        assert_eq!(words.take(1, |piece| pieces.push_str(piece)), 0);
        assert_eq!(pieces, whole);
        assert!(pieces.starts_with("<think>"));
    }
}
