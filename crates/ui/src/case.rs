//! Lower and upper case. In the browser JavaScript's functions are used, because the standard library's tables
//! would add 10 kB of WebAssembly.

#[cfg(not(feature = "ssr"))]
use leptos::web_sys::js_sys::JsString;

/// Returns `text` in lower case.
#[cfg(feature = "ssr")]
pub fn lower_case(text: &str) -> String {
    text.to_lowercase()
}

/// Returns `text` in lower case.
#[cfg(not(feature = "ssr"))]
pub fn lower_case(text: &str) -> String {
    JsString::from(text).to_lower_case().into()
}

/// Returns `text` in upper case.
#[cfg(feature = "ssr")]
pub fn upper_case(text: &str) -> String {
    text.to_uppercase()
}

/// Returns `text` in upper case.
#[cfg(not(feature = "ssr"))]
pub fn upper_case(text: &str) -> String {
    JsString::from(text).to_upper_case().into()
}
