//! The texts that filler is made of, with their token counts.
//!
//! A corpus file holds sections separated by lines `%%`; a `§` in it stands for a number of three
//! digits that is drawn anew each time.

use std::sync::OnceLock;

use rand::{Rng, RngExt, seq::SliceRandom};

use crate::tokenizer::Tokenizer;

/// Name of each kind, as in its sections' headings, and its text.
pub(super) const KINDS: [(&str, &str); 5] = [
    ("Python code", include_str!("corpus/code.py")),
    ("prose", include_str!("corpus/prose.txt")),
    ("JSON", include_str!("corpus/records.json")),
    ("documentation", include_str!("corpus/manual.md")),
    ("network notes", include_str!("corpus/network.txt")),
];

const SEPARATOR: &str = "\n%%\n";
const NUMBER_MARK: char = '§';
const NUMBERS: std::ops::Range<u16> = 100..1000;

/// The sections of each kind, counted by one tokenizer.
pub(super) struct Corpus {
    kinds: Vec<Vec<Section>>,
}

impl Corpus {
    /// Returns the corpus of this tokenizer, counted on first use.
    pub(super) fn counted_by(tokenizer: Tokenizer) -> &'static Self {
        static O200K: OnceLock<Corpus> = OnceLock::new();
        static CL100K: OnceLock<Corpus> = OnceLock::new();
        let cell = match tokenizer {
            Tokenizer::O200k | Tokenizer::Estimate => &O200K,
            Tokenizer::Cl100k => &CL100K,
        };
        cell.get_or_init(|| Self::count(tokenizer))
    }

    fn count(tokenizer: Tokenizer) -> Self {
        let sections = |(name, text): &(&str, &str)| {
            text.split(SEPARATOR).map(|body| Section::new(name, body, tokenizer)).collect()
        };
        Self { kinds: KINDS.iter().map(sections).collect() }
    }
}

/// A self-contained piece of text. It begins with a letter and ends with a blank line, so
/// that its token count does not depend on its neighbours.
pub(super) struct Section {
    /// The text before, between and after its numbers.
    parts: Vec<String>,
    pub(super) tokens: u64,
    /// In ascending order; the first is the very beginning.
    cuts: Vec<Cut>,
}

/// A place between two words at which a section may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) bytes: usize,
    pub(super) tokens: u64,
}

impl Section {
    fn new(kind: &str, body: &str, tokenizer: Tokenizer) -> Self {
        let template = format!("Section §-§: {kind}\n\n{}\n\n", body.trim_end());
        let sample = template.replace(NUMBER_MARK, "100");
        let mut cuts = Vec::new();
        let mut end = Cut { bytes: 0, tokens: 0 };
        for piece in pieces(&sample) {
            cuts.push(end);
            end = Cut { bytes: end.bytes + piece.len(), tokens: end.tokens + tokenizer.count(piece) };
        }
        let parts = template.split(NUMBER_MARK).map(str::to_owned).collect();
        Self { parts, tokens: end.tokens, cuts }
    }

    /// Writes the section with fresh numbers; its length in bytes is always the same.
    pub(super) fn append_to(&self, text: &mut String, rng: &mut impl Rng) {
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                text.push_str(&rng.random_range(NUMBERS).to_string());
            }
            text.push_str(part);
        }
    }

    /// The last place to cut at that leaves at most `room` tokens.
    pub(super) fn last_cut_within(&self, room: u64) -> Cut {
        let fitting = self.cuts.partition_point(|cut| cut.tokens <= room);
        self.cuts[fitting.saturating_sub(1)]
    }
}

/// Splits before each space that stands between a word's end and a letter. Both encodings begin a
/// new token there, whatever follows.
fn pieces(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let splits = bytes.windows(3).enumerate().filter(|(_, window)| {
        !window[0].is_ascii_whitespace() && window[1] == b' ' && window[2].is_ascii_alphabetic()
    });
    let mut start = 0;
    let mut pieces: Vec<&str> = splits
        .map(|(i, _)| {
            let piece = &text[start..=i];
            start = i + 1;
            piece
        })
        .collect();
    pieces.push(&text[start..]);
    pieces
}

/// An endless random sequence of sections: each round has one section of every kind, in a new order, and a section
/// repeats only after all others of its kind.
pub(super) struct Deck<'a> {
    corpus: &'a Corpus,
    /// Kinds still to come in this round.
    round: Vec<usize>,
    /// Per kind, the sections not yet dealt.
    piles: Vec<Vec<&'a Section>>,
}

impl<'a> Deck<'a> {
    pub(super) fn of(corpus: &'a Corpus) -> Self {
        Self { corpus, round: Vec::new(), piles: vec![Vec::new(); corpus.kinds.len()] }
    }

    pub(super) fn draw(&mut self, rng: &mut impl Rng) -> &'a Section {
        if self.round.is_empty() {
            self.round.extend(0..self.corpus.kinds.len());
            self.round.shuffle(rng);
        }
        let kind = self.round.pop().unwrap_or_default();
        let (pile, sections) = (&mut self.piles[kind], &self.corpus.kinds[kind]);
        if pile.is_empty() {
            pile.extend(sections);
            pile.shuffle(rng);
        }
        pile.pop().unwrap_or(&sections[0])
    }
}
