//! A tool of the build (`scripts/client.mjs`): splits the client's WebAssembly at its lazy routes and generates the
//! JavaScript of the main module. Writes what `wasm-split-cli` and `wasm-bindgen --target web` write, without the
//! web server, HTTP client and test runner that are compiled with those.
//!
//! `split-client INPUT.wasm DIRECTORY NAME` writes into the directory:
//! - `NAME.wasm` and `NAME.js`, the main module;
//! - a `.wasm` for each lazy route and each piece that several of them share, and `__wasm_split.js`, which loads them;
//! - `__wasm_split_manifest.json`: the files (without extension) that each lazy route needs, by the route's name.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, directory, name] = &arguments[..] else {
        anyhow::bail!("usage: split-client INPUT.wasm DIRECTORY NAME");
    };
    let directory = Path::new(directory);
    let main = split(Path::new(input), directory, name)?;
    generate_javascript(&main, directory, name)
}

/// Splits `input` and returns the path of the main module.
fn split(input: &Path, directory: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let wasm = fs::read(input).with_context(|| format!("cannot read {}", input.display()))?;
    let main = directory.join(format!("{name}.wasm"));
    let main_module = format!("./{name}.js");
    let mut options = wasm_split_cli_support::Options::new(&wasm);
    options.output_dir = directory;
    options.main_out_path = &main;
    options.main_module = &main_module;
    let parts = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("cannot split {}: {error:#}", input.display()))?;
    ensure!(!parts.prefetch_map.is_empty(), "{} has no lazy routes", input.display());
    let files: BTreeMap<_, _> = parts.prefetch_map.into_iter().collect();
    fs::write(directory.join("__wasm_split_manifest.json"), serde_json::to_vec(&files)?)
        .with_context(|| format!("cannot write to {}", directory.display()))?;
    Ok(main)
}

fn generate_javascript(main: &Path, directory: &Path, name: &str) -> anyhow::Result<()> {
    Bindgen::new()
        .input_path(main)
        .web(true)?
        .typescript(false)
        .demangle(false)
        // The other modules import from the main one by these names.
        .keep_lld_exports(true)
        .out_name(name)
        .generate(directory)?;
    let generated = directory.join(format!("{name}_bg.wasm"));
    fs::rename(&generated, main).with_context(|| format!("{} was not generated", generated.display()))
}
