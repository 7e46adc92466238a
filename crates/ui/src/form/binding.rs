//! Binds a control to a signal without losing what was typed before hydration.

use leptos::html::{ElementType, Input};
use leptos::prelude::*;
use leptos::web_sys;

/// A control whose value is text.
pub(super) trait TextControl {
    fn text(&self) -> String;
    fn set_text(&self, text: &str);
}

/// `TextControl` for an element that has `value()` and `set_value()`.
macro_rules! text_control {
    ($($element:ty),*) => {$(
        impl TextControl for $element {
            fn text(&self) -> String {
                self.value()
            }

            fn set_text(&self, text: &str) {
                self.set_value(text);
            }
        }
    )*};
}

text_control!(web_sys::HtmlInputElement, web_sys::HtmlTextAreaElement, web_sys::HtmlSelectElement);

/// On mount the signal is set to the control's value; from then on the control follows the signal. The other
/// direction, typing, is the field's `on:input`.
pub(super) fn bind_text<E>(control: NodeRef<E>, bound: Option<RwSignal<String>>)
where
    E: ElementType + 'static,
    E::Output: TextControl + Clone + 'static + leptos::wasm_bindgen::JsCast,
{
    let Some(bound) = bound else { return };
    Effect::new(move |adopted: Option<bool>| {
        let text = bound.get();
        let Some(control) = control.get() else { return adopted.unwrap_or(false) };
        if adopted != Some(true) {
            adopt(bound, control.text());
        } else if control.text() != text {
            control.set_text(&text);
        }
        true
    });
}

fn adopt(bound: RwSignal<String>, typed: String) {
    if *bound.read_untracked() != typed {
        bound.set(typed);
    }
}

/// Like [`bind_text`], for a check box.
pub(super) fn bind_checked(control: NodeRef<Input>, bound: Option<RwSignal<bool>>) {
    let Some(bound) = bound else { return };
    Effect::new(move |adopted: Option<bool>| {
        let checked = bound.get();
        let Some(control) = control.get() else { return adopted.unwrap_or(false) };
        if adopted == Some(true) {
            control.set_checked(checked);
        } else if control.checked() != checked {
            bound.set(control.checked());
        }
        true
    });
}
