//! Text in elements whose text Leptos writes as it is: `title`, `textarea` and `noscript`.
//!
//! Leptos does not escape text in them, but it may contain the end tag, and its character references are resolved.
//! Everything that a user, an admin or an endpoint can set must be escaped. `tests/raw_markup.rs` refuses these
//! elements elsewhere.

use leptos::prelude::*;

/// Returns the text as `textarea` and `title` need it in HTML from the server. In the browser it is set as text and
/// returned unchanged.
#[cfg(feature = "ssr")]
pub fn escaped(text: &str) -> String {
    html_escape::encode_text(text).into_owned()
}

/// Returns the text as `textarea` and `title` need it in HTML from the server. In the browser it is set as text and
/// returned unchanged.
#[cfg(not(feature = "ssr"))]
pub fn escaped(text: &str) -> String {
    text.to_owned()
}

/// Returns the content of a `textarea`. HTML parsers drop its first line break, so the server doubles that.
pub(crate) fn of_text_area(text: &str) -> String {
    let doubled = if cfg!(feature = "ssr") && text.starts_with(['\n', '\r']) { "\n" } else { "" };
    format!("{doubled}{}", escaped(text))
}

/// Shows HTML in browsers without JavaScript.
#[component]
pub fn NoScript(
    /// Part of the program, because it is written as it is.
    html: &'static str,
) -> impl IntoView {
    view! { <noscript inner_html=html></noscript> }
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use leptos::prelude::*;

    use crate::form::TextArea;

    #[test]
    fn the_text_of_a_text_area_stays_inside() {
        let owner = Owner::new();
        let html = owner.with(|| {
            view! { <TextArea label="Prompt" name="prompt" value="\n</textarea><b data-planted>&lt;" /> }
                .to_html()
        });
        assert!(html.contains(">\n\n&lt;/textarea&gt;&lt;b data-planted&gt;&amp;lt;</textarea>"), "{html}");
    }
}
