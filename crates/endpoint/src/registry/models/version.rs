//! Version numbers in model ids.

/// Major and minor version; a missing minor is 0.
pub(super) type Version = (u32, u32);

/// Returns the version after `prefix`: `gpt-5.1-mini` has (5, 1) after `gpt-`, `gpt-50` has (50, 0), and
/// `gpt-5o` has none, since it is another word.
pub(super) fn after(id: &str, prefix: &str) -> Option<Version> {
    let text = text_after(id, prefix)?;
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Returns the text of the version after `prefix`, up to the end of the word.
pub(super) fn text_after<'a>(id: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = id.strip_prefix(prefix)?;
    let word = rest.split(['-', ':', '@', '_']).next()?;
    let is_version = word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_version.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_ends_with_its_word() {
        assert_eq!(after("gpt-5", "gpt-"), Some((5, 0)));
        assert_eq!(after("gpt-5.1-mini-2025-11-13", "gpt-"), Some((5, 1)));
        assert_eq!(after("gpt-50", "gpt-"), Some((50, 0)));
        assert_eq!(after("gpt-5o", "gpt-"), None);
        assert_eq!(after("gpt-", "gpt-"), None);
        assert_eq!(after("gpt-5.1.2", "gpt-"), None);
        assert_eq!(after("chatgpt-5", "gpt-"), None);
        assert_eq!(text_after("grok-4.20-reasoning", "grok-"), Some("4.20"));
    }
}
