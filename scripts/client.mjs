// Turns the compiled client into what browsers load: the WebAssembly, cut at its `wasm_split` functions into
// what every page needs and what some pages fetch, and the JavaScript around it. The result has the
// layout and names of `cargo leptos build --release --split`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

const loader = "__wasm_split.js";
const manifest = "__wasm_split_manifest.json";
// What the loader calls the function that loads a route begins with this.
const route = "__wasm_split_load_";

// Says what the tool said only where it failed: wasm-opt warns of names that wasm-split leaves.
function run(program, args) {
  try {
    execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    process.stderr.write(error.stderr ?? "");
    throw error;
  }
}

// The hash that cargo-leptos puts into file names: MD5 in URL-safe base64.
export function hashOf(...contents) {
  const hash = createHash("md5");
  contents.forEach((content) => hash.update(content));
  return hash.digest("base64url");
}

// Cuts `wasm` up in `dir`, binds the first piece to JavaScript as `name`, and shrinks it all; only the scripts
// where no `wasmOptFeatures` are given.
export function bindClient(wasm, { name, dir, tools, npmTool, wasmOptFeatures }) {
  fs.rmSync(dir, { recursive: true, force: true });
  run(path.join(tools, "wasm-split-cli"), [wasm, dir, `--out-name=${name}`]);
  const main = path.join(dir, `${name}.wasm`);
  const bindgen = ["--target=web", "--no-typescript", "--keep-lld-exports", "--no-demangle"];
  run(path.join(tools, "wasm-bindgen"), [...bindgen, `--out-name=${name}`, `--out-dir=${dir}`, main]);
  fs.renameSync(path.join(dir, `${name}_bg.wasm`), main);
  const routes = filesOfRoutes(fs.readFileSync(path.join(dir, loader), "utf8"));
  fs.writeFileSync(path.join(dir, manifest), JSON.stringify(routes));
  const files = fs.readdirSync(dir).map((file) => path.join(dir, file));
  for (const file of files.filter((file) => wasmOptFeatures && file.endsWith(".wasm"))) {
    run(npmTool("wasm-opt"), [...wasmOptFeatures, file, "-o", file]);
  }
  const scripts = files.filter((file) => file.endsWith(".js"));
  run(npmTool("esbuild"), [...scripts, "--minify", "--format=esm", "--log-level=error", "--allow-overwrite", `--outdir=${dir}`]);
}

// Which files each `wasm_split` function needs, without their ending: the server preloads them. The loader
// defines one constant for each piece that several of the functions share and one for each function.
function filesOfRoutes(loading) {
  const definitions = loading.split(/^(?:export )?const (?=__)/m).slice(1);
  const loads = definitions.map((text) => ({
    name: text.match(/^\w+/)[0],
    file: text.match(/new URL\("\.\/(.+)\.wasm"/)?.[1],
    shared: text.match(/, \[([\w, ]*)\]\)+;/)[1].split(", ").filter(Boolean),
  }));
  const fileOf = new Map(loads.map(({ name, file }) => [name, file]));
  const routes = loads.filter(({ name }) => name.startsWith(route));
  return Object.fromEntries(
    routes.map(({ name, file, shared }) => [
      name.slice(route.length),
      [...shared.map((piece) => fileOf.get(piece)), file].filter(Boolean),
    ]),
  );
}

// All files under names that carry their hashes, and the hashes under the names that the server looks for.
export function nameByHash(dir, name) {
  const read = (file) => fs.readFileSync(path.join(dir, file));
  const pieces = fs.readdirSync(dir).filter((file) => file.endsWith(".wasm") && file !== `${name}.wasm`);
  const hashed = new Map(pieces.map((file) => [file, file.replace(/wasm$/, `${hashOf(read(file))}.wasm`)]));
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
    ...pieces.map((file) => [hashed.get(file), read(file)]),
  ]);
  return { files, hashes };
}

function withNames(text, names) {
  return [...names].reduce((text, [file, name]) => text.replaceAll(`"./${file}"`, `"./${name}"`), text);
}

// The two scripts import each other: one hash names both.
function nameScripts(name, main, loading) {
  const hash = hashOf(main, loading);
  const imported = (text, file, as) => text.replaceAll(`from"./${file}"`, `from"./${as}"`);
  return {
    hash,
    main: imported(main, loader, `__wasm_split.${hash}.js`),
    loader: imported(loading, `${name}.js`, `${name}.${hash}.js`),
  };
}
