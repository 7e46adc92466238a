//! Text of users and endpoints for terminals, logs and exported files.
//!
//! A model's name, an error or a prompt can contain characters that are not shown but obeyed: escape sequences set
//! the clipboard, move the cursor or hide text, line breaks add lines to a log, and direction overrides reorder a
//! line. Everything that is written to a terminal or a file for people passes through this module.

use std::fmt::Write;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Shown instead of a character that is not printable.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Returns whether the character is shown, or joins or separates letters that are shown. Control characters
/// (including those that begin an escape sequence in one byte), direction marks, overrides and isolates, other
/// invisible format characters, and line and paragraph separators are not.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // Zero-width joiner and non-joiner: part of emoji and of words in Persian and Indic languages.
    if matches!(c, '\u{200c}' | '\u{200d}') {
        return true;
    }
    !matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

/// Returns the text in one line: whitespace, including line breaks, as single spaces, other characters that are not
/// printable as `�`.
pub fn printable(text: &str) -> String {
    let shown: String =
        text.chars().map(|c| if c.is_whitespace() || is_printable(c) { c } else { REPLACEMENT }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the text with its line breaks (`\n`) and spaces. Other characters that are not printable are replaced by
/// `�`.
pub fn printable_lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || is_printable(c) { c } else { REPLACEMENT }).collect()
}

/// Returns the JSON text with all characters that are not printable as escapes such as `\u009b`, which leaves its
/// value as it is: JSON leaves all but the first 32 characters as they are.
pub fn printable_json(json: String) -> String {
    // Usual for large files.
    if json.bytes().all(|byte| byte < 0x7f) {
        return json;
    }
    let mut printable = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_printable(c) {
            printable.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(printable, "\\u{unit:04x}");
            }
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Text, and how it is shown in one line.
    const TEXTS: &[(&str, &str)] = &[
        ("Llama 3.1 (8B) – größer, 速い 🚀", "Llama 3.1 (8B) – größer, 速い 🚀"),
        ("a\u{1b}[31mred\u{1b}[0m", "a�[31mred�[0m"),
        ("a\u{1b}]8;;http://evil.example\u{1b}\\link", "a�]8;;http://evil.example�\\link"),
        ("a\u{1b}]52;c;ZXZpbA==\u{7}b", "a�]52;c;ZXZpbA==�b"),
        ("a\u{9b}2Jb\u{9d}52;c;eA==\u{9c}", "a�2Jb�52;c;eA==�"),
        ("secret\rpublic", "secret public"),
        ("ab\u{8}\u{8}c\u{7f}", "ab��c�"),
        ("one\ntwo\r\n\tthree\u{85}four\u{2028}five\u{2029}six", "one two three four five six"),
        ("\u{202e}txt.exe\u{202c}", "�txt.exe�"),
        ("\u{2066}a\u{2067}b\u{2068}c\u{2069}", "�a�b�c�"),
        ("a\u{200e}b\u{200f}c\u{61c}d", "a�b�c�d"),
        ("a\u{200b}b\u{2060}c\u{feff}d\u{ad}e", "a�b�c�d�e"),
        ("a\u{e0041}\u{e007f}b", "a��b"),
        ("👩\u{200d}💻 می\u{200c}خواهم", "👩\u{200d}💻 می\u{200c}خواهم"),
        ("  a   b  ", "a b"),
    ];

    #[test]
    fn no_text_of_others_controls_the_terminal() {
        for (text, shown) in TEXTS {
            assert_eq!(printable(text), *shown, "{text:?}");
            assert!(printable_lines(text).chars().all(|c| c == '\n' || is_printable(c)), "{text:?}");
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(printable_lines("a  b\n\n\u{1b}[2Jc\rd\n"), "a  b\n\n�[2Jc�d\n");
    }

    proptest! {
        #[test]
        fn json_keeps_its_value(text in any::<String>()) {
            let value = Value::from(format!("\u{9b}{text}\u{202e}\u{e0041}\u{7f}"));
            let json = printable_json(value.to_string());
            prop_assert!(json.chars().all(is_printable), "{}", json);
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        }
    }
}
