//! The module that draws charts: where it is, and how it gets into the page.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use leptos::web_sys::{Element, Event};

/// Names the `<meta>` that tells the browser the module's address, which carries a hash.
const META_NAME: &str = "charts-module";

/// Marks the script, so that it is put in once.
const SCRIPT_MARK: &str = "data-charts";

/// Tells the browser where the module is. Stands in the document's head.
#[cfg(feature = "ssr")]
#[component]
pub fn ModuleAddress(options: LeptosOptions) -> impl IntoView {
    use std::sync::OnceLock;

    /// The site's files do not change while the server runs.
    static ADDRESS: OnceLock<Option<String>> = OnceLock::new();

    let address = ADDRESS.get_or_init(|| find(&options.site_root)).clone();
    address.map(|address| view! { <meta name=META_NAME content=address /> })
}

/// The address of the module that `scripts/charts.mjs` put into the site.
#[cfg(feature = "ssr")]
fn find(site_root: &str) -> Option<String> {
    let files = std::fs::read_dir(std::path::Path::new(site_root).join("charts")).ok()?;
    let mut names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
    names
        .find(|name| name.starts_with("element.") && name.ends_with(".js"))
        .map(|name| format!("/charts/{name}"))
}

/// Has the browser fetch the module unless it has it. `failed` is set when it cannot be had.
pub(super) fn load(failed: RwSignal<bool>) {
    let Some(script) = script() else { return failed.set(true) };
    let on_error = Closure::once_into_js(move |event: Event| {
        // Out of the page, so that the next chart tries again.
        if let Some(script) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
            script.remove();
        }
        // The chart may be gone by now.
        failed.try_set(true);
    });
    // Fails for wrong options only, and there are none.
    let _ = script.add_event_listener_with_callback("error", on_error.unchecked_ref());
}

/// The script element: the one there is, or a new one. The content security policy lets a script that
/// runs add others.
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
    fn the_module_is_found_among_the_sites_files() {
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
