// Turns the compiled client into the files that browsers load: the WebAssembly, split at its `wasm_split`
// functions into a main module and chunks (crates/split-client), and its JavaScript. The result has the layout and
// names of `cargo leptos build --release --split`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

const loader = "__wasm_split.js";
const manifest = "__wasm_split_manifest.json";

// Prints the tool's output only if it failed: wasm-opt warns of names that wasm-split leaves.
function run(program, args) {
  try {
    execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    process.stderr.write(error.stderr ?? "");
    throw error;
  }
}

// Returns the hash that cargo-leptos puts into file names: MD5 in URL-safe base64.
export function hashOf(...contents) {
  const hash = createHash("md5");
  contents.forEach((content) => hash.update(content));
  return hash.digest("base64url");
}

// Splits `wasm` in `dir` with the program `splitClient`, generates the JavaScript of the main module as `name`, and
// optimises all files; only the scripts if no `wasmOptFeatures` are given.
export function bindClient(wasm, { name, dir, splitClient, npmTool, wasmOptFeatures }) {
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  run(splitClient, [wasm, dir, name]);
  const files = fs.readdirSync(dir).map((file) => path.join(dir, file));
  for (const file of files.filter((file) => wasmOptFeatures && file.endsWith(".wasm"))) {
    run(npmTool("wasm-opt"), [...wasmOptFeatures, file, "-o", file]);
  }
  const scripts = files.filter((file) => file.endsWith(".js"));
  run(npmTool("esbuild"), [...scripts, "--minify", "--format=esm", "--log-level=error", "--allow-overwrite", `--outdir=${dir}`]);
}

// Returns all files under names with their hashes, and the hashes under the names that the server reads.
export function nameByHash(dir, name) {
  const read = (file) => fs.readFileSync(path.join(dir, file));
  const chunks = fs.readdirSync(dir).filter((file) => file.endsWith(".wasm") && file !== `${name}.wasm`);
  const hashed = new Map(chunks.map((file) => [file, file.replace(/wasm$/, `${hashOf(read(file))}.wasm`)]));
  const main = read(`${name}.wasm`);
  const scripts = nameScripts(name, read(`${name}.js`).toString(), withNames(read(loader).toString(), hashed));
  const routes = Object.entries(JSON.parse(read(manifest)));
  const named = routes.map(([route, files]) => [route, files.map((file) => path.parse(hashed.get(`${file}.wasm`)).name)]);
  const list = JSON.stringify(Object.fromEntries(named));
  const hashes = { js: scripts.hash, wasm: hashOf(main), manifest: hashOf(list), split: scripts.hash };
  const files = new Map([
    [`${name}.${hashes.js}.js`, scripts.main],
    [`__wasm_split.${hashes.split}.js`, scripts.loader],
    [`${name}.${hashes.wasm}.wasm`, main],
    [`__wasm_split_manifest.${hashes.manifest}.json`, list],
    ...chunks.map((file) => [hashed.get(file), read(file)]),
  ]);
  return { files, hashes };
}

function withNames(text, names) {
  return [...names].reduce((text, [file, name]) => text.replaceAll(`"./${file}"`, `"./${name}"`), text);
}

// The two scripts import each other, so they share one hash.
function nameScripts(name, main, loading) {
  const hash = hashOf(main, loading);
  const imported = (text, file, as) => text.replaceAll(`from"./${file}"`, `from"./${as}"`);
  return {
    hash,
    main: imported(main, loader, `__wasm_split.${hash}.js`),
    loader: imported(loading, `${name}.js`, `${name}.${hash}.js`),
  };
}
