//! The client's files, and how the browser loads them.
//!
//! Replaces Leptos' `HydrationScripts`, which loads the client in parallel with what the first paint needs.
//! Pages are readable, and their forms work, without the client.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use leptos::nonce::use_nonce;
use leptos::prelude::*;

/// The built client. Its files do not change while the server runs.
static CLIENT: OnceLock<Client> = OnceLock::new();

/// The URLs of the files that every page needs, and of those that some pages need.
#[derive(Debug)]
struct Client {
    script: String,
    /// The script that loads chunks; the main script imports it.
    loader: String,
    wasm: String,
    /// The chunks of each `wasm_split` function.
    chunks: HashMap<String, Vec<String>>,
}

impl Client {
    fn of(options: &LeptosOptions) -> &'static Self {
        CLIENT.get_or_init(|| {
            let beside = std::env::current_exe().ok();
            let hashes = beside.and_then(|program| read_hashes(&program.with_file_name(&*options.hash_file)));
            Self::find(options, &hashes.unwrap_or_default())
        })
    }

    fn find(options: &LeptosOptions, hashes: &HashMap<String, String>) -> Self {
        let named = |stem: &str, kind, ending| match hashes.get(kind) {
            Some(hash) if options.hash_files => format!("{stem}.{hash}.{ending}"),
            _ => format!("{stem}.{ending}"),
        };
        let address = |file: String| format!("/{}/{file}", options.site_pkg_dir);
        let manifest = named("__wasm_split_manifest", "manifest", "json");
        let manifest = Path::new(&*options.site_root).join(&*options.site_pkg_dir).join(manifest);
        let chunks = read_manifest(&manifest).unwrap_or_default();
        let addresses =
            |chunks: Vec<String>| chunks.into_iter().map(|piece| address(format!("{piece}.wasm")));
        Self {
            script: address(named(&options.output_name, "js", "js")),
            loader: address(named("__wasm_split", "split", "js")),
            wasm: address(named(&options.output_name, "wasm", "wasm")),
            chunks: chunks.into_iter().map(|(page, chunks)| (page, addresses(chunks).collect())).collect(),
        }
    }

    /// Returns the files that every page needs.
    fn needed(&self) -> [&str; 3] {
        [&self.script, &self.loader, &self.wasm]
    }
}

/// Returns the URLs of the chunks that a `wasm_split` function needs, separated by spaces.
pub fn chunks_of(function: &str) -> Option<String> {
    Some(CLIENT.get()?.chunks.get(function)?.join(" "))
}

/// Reads the chunks of each `wasm_split` function, without directory and extension.
fn read_manifest(file: &Path) -> Option<HashMap<String, Vec<String>>> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Reads the hashes that the build wrote next to the program, by kind of file.
fn read_hashes(file: &Path) -> Option<HashMap<String, String>> {
    let text = fs::read_to_string(file).ok()?;
    let hashes = text.lines().filter_map(|line| line.split_once(':'));
    Some(hashes.map(|(kind, hash)| (kind.trim().to_owned(), hash.trim().to_owned())).collect())
}

/// Loads the client and the page's chunks after the first paint, and starts it. For the document's head, before
/// the app.
#[component]
pub fn StartClient(options: LeptosOptions) -> impl IntoView {
    let Client { script, loader, wasm, .. } = Client::of(&options);
    let start = format!(
        r#"let started;
const fetchSoon = (link) => document.head.append(Object.assign(document.createElement("link"), link));
const start = () => {{
  if (started) return;
  started = true;
  const chunks = [...document.querySelectorAll("[data-chunks]")].flatMap(({{ dataset }}) => dataset.chunks.split(" "));
  fetchSoon({{ rel: "modulepreload", href: {loader:?} }});
  for (const href of [{wasm:?}, ...chunks]) fetchSoon({{ rel: "preload", as: "fetch", crossOrigin: "", href }});
  import({script:?}).then(({{ default: load, hydrate }}) => load({{ module_or_path: {wasm:?} }}).then(() => hydrate()));
}};
new PerformanceObserver(start).observe({{ type: "paint", buffered: true }});
// Background tabs are not painted.
setTimeout(start, document.hidden ? 0 : 2000);"#
    );
    view! { <script type="module" nonce=use_nonce() inner_html=start></script> }
}

/// Prefetches the client for the next page as soon as the user focuses the form. For the document's head.
#[component]
pub fn PrefetchClient(options: LeptosOptions) -> impl IntoView {
    let files = Client::of(&options).needed();
    let prefetch = format!(
        r#"addEventListener("focusin", () => {{
  for (const href of {files:?}) document.head.append(Object.assign(document.createElement("link"), {{ rel: "prefetch", href }}));
}}, {{ once: true }});"#
    );
    view! { <script nonce=use_nonce() inner_html=prefetch></script> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(root: &Path, hash_files: bool) -> LeptosOptions {
        let options = LeptosOptions::builder().output_name("studio").site_root(root.to_str().unwrap());
        options.hash_files(hash_files).build()
    }

    #[test]
    fn files_have_the_hashes_of_the_build() {
        let site = tempfile::tempdir().unwrap();
        let hashes = site.path().join("hash.txt");
        fs::write(&hashes, "js: Ab-1\nwasm: Cd_2\nmanifest: Ef\nsplit: Ab-1\ncss: Gh\n").unwrap();
        fs::create_dir(site.path().join("pkg")).unwrap();
        let manifest = site.path().join("pkg/__wasm_split_manifest.Ef.json");
        fs::write(manifest, r#"{"results":["chunk_3.Ij","split_results.Kl"]}"#).unwrap();
        let client = Client::find(&options(site.path(), true), &read_hashes(&hashes).unwrap());
        assert_eq!(
            client.needed(),
            ["/pkg/studio.Ab-1.js", "/pkg/__wasm_split.Ab-1.js", "/pkg/studio.Cd_2.wasm"]
        );
        assert_eq!(client.chunks["results"], ["/pkg/chunk_3.Ij.wasm", "/pkg/split_results.Kl.wasm"]);
    }

    #[test]
    fn without_hashes_files_have_plain_names() {
        let client = Client::find(&options(Path::new("nowhere"), false), &HashMap::new());
        assert_eq!(client.needed(), ["/pkg/studio.js", "/pkg/__wasm_split.js", "/pkg/studio.wasm"]);
        assert!(client.chunks.is_empty());
    }
}
