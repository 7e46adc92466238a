//! The URL of the chart module, and loading it into the page.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use leptos::web_sys::{Element, Event};

/// Name of the `<meta>` with the module's URL, which contains a hash.
const META_NAME: &str = "charts-module";

/// Marks the script element, so that it is added only once.
const SCRIPT_MARK: &str = "data-charts";

/// Renders the `<meta>` with the module's URL; for the document's head.
#[cfg(feature = "ssr")]
#[component]
pub fn ModuleAddress(options: LeptosOptions) -> impl IntoView {
    use std::sync::OnceLock;

    /// The files do not change while the server runs.
    static ADDRESS: OnceLock<Option<String>> = OnceLock::new();

    let address = ADDRESS.get_or_init(|| find(&options.site_root)).clone();
    address.map(|address| view! { <meta name=META_NAME content=address /> })
}

/// Returns the URL of the module that `scripts/charts.mjs` wrote to the site directory.
#[cfg(feature = "ssr")]
fn find(site_root: &str) -> Option<String> {
    let files = std::fs::read_dir(std::path::Path::new(site_root).join("charts")).ok()?;
    let mut names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
    names
        .find(|name| name.starts_with("element.") && name.ends_with(".js"))
        .map(|name| format!("/charts/{name}"))
}

/// Loads the module unless it is loaded. Sets `failed` if that fails.
pub(super) fn load(failed: RwSignal<bool>) {
    let Some(script) = script() else { return failed.set(true) };
    let on_error = Closure::once_into_js(move |event: Event| {
        // Removed, so that the next chart tries again.
        if let Some(script) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
            script.remove();
        }
        // The chart may have been removed.
        failed.try_set(true);
    });
    // Fails only for invalid options, and none are given.
    let _ = script.add_event_listener_with_callback("error", on_error.unchecked_ref());
}

/// Returns the existing script element or adds one. The content security policy (`strict-dynamic`) allows a
/// running script to add others.
fn script() -> Option<Element> {
    let document = document();
    if let Some(script) = document.query_selector(&format!("script[{SCRIPT_MARK}]")).ok()? {
        return Some(script);
    }
    let meta = document.query_selector(&format!("meta[name={META_NAME}]")).ok()??;
    let script = document.create_element("script").ok()?;
    for (name, value) in [("type", "module"), (SCRIPT_MARK, ""), ("src", &meta.get_attribute("content")?)] {
        script.set_attribute(name, value).ok()?;
    }
    document.head()?.append_child(&script).ok()?;
    Some(script)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn finds_the_module_among_the_sites_files() {
        let site = tempfile::tempdir().unwrap();
        let root = site.path().to_str().unwrap();
        assert_eq!(find(root), None);
        let charts = site.path().join("charts");
        std::fs::create_dir(&charts).unwrap();
        for name in ["LICENSES.txt", "painter.Cd-2_.js", "element.Ab-1_.js", "element.Ab-1_.js.br"] {
            std::fs::write(charts.join(name), "").unwrap();
        }
        assert_eq!(find(root).as_deref(), Some("/charts/element.Ab-1_.js"));
    }
}
