//! Validates the base URLs that users enter.

use url::Url;

/// Longest base URL, in bytes.
const MAX_BASE_URL: usize = 2048;

/// Normalises a provider's base URL by the WHATWG URL standard, without a trailing slash. Its address is
/// checked when connecting, because a name can resolve differently by then.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn check_base_url(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("The base URL is empty. Enter one such as https://api.example.com/v1.".into());
    }
    let url = Url::parse(text).map_err(|error| {
        format!("The base URL is not a URL ({error}). Enter one such as https://api.example.com/v1.")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("The base URL must begin with http:// or https://.".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The base URL contains credentials. Remove them and save the API key instead.".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("The base URL must end with the path, without ? or #.".into());
    }
    let kept = url.as_str().trim_end_matches('/');
    if text.len().max(kept.len()) > MAX_BASE_URL {
        return Err(format!("The base URL is longer than {MAX_BASE_URL} characters."));
    }
    Ok(kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_url_is_normalised() {
        for (text, kept) in [
            ("https://api.example.com/v1", "https://api.example.com/v1"),
            (" https://api.example.com/v1/// ", "https://api.example.com/v1"),
            ("HTTP://LocalHost:11434/", "http://localhost:11434"),
            ("https://api.example.com:443", "https://api.example.com"),
            ("http://0x7f.1:8080/v1", "http://127.0.0.1:8080/v1"),
            ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
            ("https://example.com/a b/../v1", "https://example.com/v1"),
        ] {
            assert_eq!(check_base_url(text).as_deref(), Ok(kept), "{text}");
            assert_eq!(check_base_url(kept).as_deref(), Ok(kept), "{text} a second time");
        }
    }

    #[test]
    fn an_invalid_base_url_is_rejected_with_the_reason() {
        let long = format!("https://example.com/{}", "a".repeat(MAX_BASE_URL));
        let grows = format!("https://example.com/{}", "é".repeat(MAX_BASE_URL / 3));
        for (text, word) in [
            ("", "empty"),
            ("api.example.com/v1", "not a URL"),
            ("https://", "not a URL"),
            ("https://exa mple.com", "not a URL"),
            ("http://256.256.256.256", "not a URL"),
            ("http://[fe80::1%25eth0]/", "not a URL"),
            ("file:///etc/passwd", "http"),
            ("gopher://127.0.0.1:6379/_", "http"),
            ("javascript:alert(1)", "http"),
            ("data:text/plain,x", "http"),
            ("https://user@example.com", "credentials"),
            ("https://:secret@example.com", "credentials"),
            ("https://example.com/v1?key=secret", "without ?"),
            ("https://example.com/v1#", "without ?"),
            (&long, "longer"),
            (&grows, "longer"),
        ] {
            let error = check_base_url(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
