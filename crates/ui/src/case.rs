//! Lower and upper case as the browser knows it: the standard library's tables would weigh 10 kB there.

#[cfg(not(feature = "ssr"))]
use leptos::web_sys::js_sys::JsString;

/// `text` in lower case.
#[cfg(feature = "ssr")]
pub fn lower_case(text: &str) -> String {
    text.to_lowercase()
}

/// `text` in lower case.
#[cfg(not(feature = "ssr"))]
pub fn lower_case(text: &str) -> String {
    JsString::from(text).to_lower_case().into()
}

/// `text` in upper case.
#[cfg(feature = "ssr")]
pub fn upper_case(text: &str) -> String {
    text.to_uppercase()
}

/// `text` in upper case.
#[cfg(not(feature = "ssr"))]
pub fn upper_case(text: &str) -> String {
    JsString::from(text).to_upper_case().into()
}
