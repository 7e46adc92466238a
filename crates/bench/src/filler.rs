//! Filler text that pads a prompt to a tier's token count.
//!
//! The text is ours and varied: Python code, prose, JSON, technical documentation and networking
//! notes take turns in an order drawn from the nonce, with numbers drawn from it too, so that no two
//! runs send the same text and a long filler is no mere repetition.
//!
//! The count is exact without tokenizing the result: each section is counted once, it begins and
//! ends where tokens cannot reach across, and each drawn number has three digits, which are one
//! token. So a filler of any length costs little more than copying it.

mod corpus;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};

use rand::{SeedableRng, rngs::StdRng};

use super::tokenizer::Tokenizer;
use corpus::{Corpus, Deck, Section};

/// Padding for one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filler {
    /// Starts with the nonce.
    pub text: String,
    /// Tokens of `text` by `tokenizer`.
    pub tokens: u64,
}

/// Words of one token each that fill what is left behind the last cut.
const PADDING: [&str; 3] = [" and", " so", " on"];

/// Bytes of text per token, a little above what is usual, to reserve memory once.
const BYTES_PER_TOKEN: usize = 5;

/// Text of exactly `target_tokens` tokens that starts with `nonce`, so that no provider's prefix
/// cache can know it; empty for a target of 0. Where the nonce alone has more tokens than that, the
/// text is the nonce.
///
/// Choose the nonce at random from its first character on: prefix caches compare whole blocks, and
/// time-ordered ids begin alike. Loads the tokenizer on first use, so call it off the measured path.
pub fn fill(target_tokens: u64, nonce: &str, tokenizer: &Tokenizer) -> Filler {
    if target_tokens == 0 {
        return Filler { text: String::new(), tokens: 0 };
    }
    let mut text = String::with_capacity(target_tokens as usize * BYTES_PER_TOKEN);
    text.push_str(nonce);
    text.push_str("\n\n");
    let nonce_tokens = tokenizer.count(&text);
    let room = target_tokens.saturating_sub(nonce_tokens);
    append_sections(&mut text, room, seed_of(nonce), Corpus::counted_by(*tokenizer));
    Filler { text, tokens: nonce_tokens + room }
}

/// Appends sections of exactly `room` tokens together; the last one is cut and padded.
fn append_sections(text: &mut String, mut room: u64, seed: u64, corpus: &Corpus) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut deck = Deck::of(corpus);
    while room > 0 {
        let section = deck.draw(&mut rng);
        if section.tokens > room {
            append_cut(text, section, room, &mut rng);
            return;
        }
        section.append_to(text, &mut rng);
        room -= section.tokens;
    }
}

/// Appends the beginning of `section`, cut between two words, and pads it to `room` tokens.
fn append_cut(text: &mut String, section: &Section, room: u64, rng: &mut StdRng) {
    let start = text.len();
    let cut = section.last_cut_within(room);
    section.append_to(text, rng);
    text.truncate(start + cut.bytes);
    let missing = (room - cut.tokens) as usize;
    text.extend(PADDING.into_iter().cycle().take(missing));
}

fn seed_of(nonce: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    nonce.hash(&mut hasher);
    hasher.finish()
}
