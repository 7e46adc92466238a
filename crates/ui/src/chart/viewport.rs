//! Detects when a chart comes near the viewport. Only then it is loaded and drawn, so that the rest of the page
//! does not wait for charts.

use leptos::html::Div;
use leptos::prelude::*;
use leptos::wasm_bindgen::prelude::*;
use leptos::web_sys::js_sys::{Array, Function};
use leptos::web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

/// Distance from the viewport at which a chart is drawn, so that it is ready when scrolled to.
const MARGIN: &str = "300px";

/// Returns a signal that becomes true when `frame` first comes near the viewport, and stays true.
pub(super) fn near_viewport(frame: NodeRef<Div>) -> ReadSignal<bool> {
    let (near, set_near) = signal(false);
    // The effect owns the observer, so it lives as long as the chart.
    Effect::new(move |_: Option<Option<Observer>>| {
        let begun = Observer::begin(&*frame.get()?, set_near);
        // Without an observer the chart is shown at once.
        set_near.set(begun.is_err());
        begun.ok()
    });
    near
}

/// An intersection observer that is disconnected when dropped.
struct Observer {
    observer: IntersectionObserver,
    _heard: Closure<dyn Fn(Array)>,
}

impl Observer {
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

impl Drop for Observer {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
