use std::collections::HashSet;

use proptest::prelude::*;

use super::{corpus::KINDS, *};

const ENCODINGS: [Tokenizer; 2] = [Tokenizer::O200k, Tokenizer::Cl100k];

/// More than the issue asks for (1 %): the target is hit exactly, and the count is the tokenizer's
/// count of the whole text.
#[track_caller]
fn assert_exact(target: u64, nonce: &str, tokenizer: Tokenizer) {
    let filler = fill(target, nonce, &tokenizer);
    assert_eq!(filler.tokens, target, "{tokenizer:?}");
    assert_eq!(tokenizer.count(&filler.text), target, "{tokenizer:?}");
    assert!(filler.text.starts_with(nonce));
}

#[test]
fn hits_targets_of_every_size() {
    for tokenizer in ENCODINGS {
        for target in [50, 51, 99, 100, 333, 1_000, 4_096, 10_000, 50_000] {
            assert_exact(target, "7c1d5f0e-52a4-4f43-9d0b-1f2a6f3d9b11", tokenizer);
        }
    }
    assert_exact(200_000, "f2", Tokenizer::O200k);
    assert_exact(200_000, "f2", Tokenizer::Cl100k);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn hits_any_target_with_any_nonce(target in 60_u64..3_000, nonce in "[0-9a-f]{1,24}", second: bool) {
        assert_exact(target, &nonce, ENCODINGS[usize::from(second)]);
    }
}

#[test]
fn a_target_of_zero_is_an_empty_filler() {
    let filler = fill(0, "abc", &Tokenizer::Estimate);
    assert_eq!(filler, Filler { text: String::new(), tokens: 0 });
}

#[test]
fn a_tiny_target_keeps_the_whole_nonce() {
    let filler = fill(1, "9f8e7d6c5b4a", &Tokenizer::O200k);
    assert_eq!(filler.text, "9f8e7d6c5b4a\n\n");
    assert_eq!(filler.tokens, Tokenizer::O200k.count(&filler.text));
}

#[test]
fn two_nonces_share_no_beginning_and_hardly_a_line() {
    let (a, b) = (fill(20_000, "a1", &Tokenizer::O200k).text, fill(20_000, "b2", &Tokenizer::O200k).text);
    assert_ne!(a.chars().next(), b.chars().next());
    let headings = |text: &str| -> HashSet<String> {
        text.lines().filter(|line| line.starts_with("Section ")).map(str::to_owned).collect()
    };
    let shared = headings(&a).intersection(&headings(&b)).count();
    assert!(shared <= 1, "{shared} sections have the same number and kind");
    assert_ne!(a[2..1_000], b[2..1_000]);
}

#[test]
fn the_same_nonce_gives_the_same_text() {
    assert_eq!(fill(5_000, "c3", &Tokenizer::O200k), fill(5_000, "c3", &Tokenizer::O200k));
}

#[test]
fn all_kinds_occur_from_five_thousand_tokens_on() {
    for nonce in ["a", "b", "c", "d", "e"] {
        let text = fill(5_000, nonce, &Tokenizer::Cl100k).text;
        for (kind, _) in KINDS {
            assert!(text.contains(&format!(": {kind}\n\n")), "no {kind} with nonce {nonce}");
        }
    }
}

#[test]
fn every_number_that_may_be_drawn_is_one_token() {
    for tokenizer in ENCODINGS {
        for number in 100..1000 {
            assert_eq!(tokenizer.count(&number.to_string()), 1, "{number} in {tokenizer:?}");
        }
        for word in PADDING {
            assert_eq!(tokenizer.count(word), 1, "{word:?} in {tokenizer:?}");
        }
    }
}

#[test]
fn the_corpus_is_what_it_says() {
    for (kind, text) in KINDS {
        assert!(text.replace('§', "").is_ascii(), "{kind}: cuts are at bytes");
        let beside_digit = text.as_bytes().windows(3).any(|w| {
            (w[..2] == *"§".as_bytes() && w[2].is_ascii_digit())
                || (w[0].is_ascii_digit() && w[1..] == *"§".as_bytes())
        });
        assert!(!beside_digit, "{kind}: a digit beside a drawn number would change its tokens");
        assert!(text.len() > 5_000 && text.split("\n%%\n").count() >= 8, "{kind} is too short to vary");
    }
    let (_, records) = KINDS[2];
    for section in records.split("\n%%\n") {
        serde_json::from_str::<serde_json::Value>(&section.replace('§', "123")).unwrap();
    }
}
