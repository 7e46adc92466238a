//! Charts are fetched and drawn when they come near the window: who reads the figures only does not wait
//! for pictures.

use leptos::html::Div;
use leptos::prelude::*;
use leptos::wasm_bindgen::prelude::*;
use leptos::web_sys::js_sys::{Array, Function};
use leptos::web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

/// How far from the window is near: what is scrolled to is there when it is seen.
const MARGIN: &str = "300px";

/// True from the moment on when `frame` first comes near the window.
pub(super) fn comes_near(frame: NodeRef<Div>) -> ReadSignal<bool> {
    let (near, set_near) = signal(false);
    // The effect keeps the watch for as long as there is a chart.
    Effect::new(move |_: Option<Option<Watch>>| {
        let begun = Watch::begin(&*frame.get()?, set_near);
        // Who cannot watch shows everything.
        set_near.set(begun.is_err());
        begun.ok()
    });
    near
}

/// Watches an element until it is dropped.
struct Watch {
    observer: IntersectionObserver,
    _heard: Closure<dyn Fn(Array)>,
}

impl Watch {
    fn begin(element: &Element, near: WriteSignal<bool>) -> Result<Self, JsValue> {
        let heard = Closure::new(move |entries: Array| {
            let is_near =
                |entry: JsValue| entry.unchecked_ref::<IntersectionObserverEntry>().is_intersecting();
            if entries.iter().any(is_near) {
                near.try_set(true);
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin(MARGIN);
        let heard_by: &Function = heard.as_ref().unchecked_ref();
        let observer = IntersectionObserver::new_with_options(heard_by, &options)?;
        observer.observe(element);
        Ok(Self { observer, _heard: heard })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
