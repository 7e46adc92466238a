// Builds what `cargo leptos build --release --split` builds, into the same directories and with the same
// options (`[package.metadata.leptos]` in Cargo.toml), without cargo-leptos, which takes many minutes to
// compile. Steps whose inputs have not changed are skipped. The tools and the client are built while the server
// compiles: its largest crate often keeps only one core busy.
//   --run  for `make run`: the client without link-time optimisation, so that a changed page is soon served
//   --dev  for daily work: unoptimised and incremental, into `target/debug`, without wasm-opt

import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import * as zlib from "node:zlib";

import { bindClient, hashOf, nameByHash } from "./client.mjs";

process.chdir(path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), ".."));

const dev = process.argv.includes("--dev");
const forRun = process.argv.includes("--run");

const say = (text) => console.log(`\x1b[1m==>\x1b[0m ${text}`);
const run = (program, args, options) => execFileSync(program, args, { stdio: "inherit", ...options });
// Stops what still runs when another part of the build has failed.
const stopping = new AbortController();
const start = (program, args, env) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...env }, signal: stopping.signal });
    child.on("error", reject);
    child.on("exit", (status, signal) =>
      status === 0 ? resolve() : reject(Object.assign(new Error(`${program} ended with ${signal ?? status}`), { status })),
    );
  });
const capture = (program, args) => execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });

const metadata = JSON.parse(capture("cargo", ["metadata", "--format-version=1", "--no-deps", "--locked"]));
const app = metadata.packages.find((one) => one.metadata?.leptos);
const options = app.metadata.leptos;
const name = options["output-name"];
const targetDir = metadata.target_directory;
const frontDir = path.join(targetDir, "front");
const binaryDir = path.join(targetDir, dev ? "debug" : "release");
const siteDir = options["site-root"];
const partsDir = path.join(targetDir, dev ? "site-parts-dev" : forRun ? "site-parts-run" : "site-parts");
const clientDir = path.join(partsDir, "client");
const stampFile = path.join(partsDir, "stamps.json");
const chartsDir = path.join(options["assets-dir"], "charts");

// Limit in bytes for the WebAssembly and JavaScript that the first page needs, compressed with Brotli.
const firstPageLimit = 450_000;

const npmTool = (tool) => path.resolve("node_modules/.bin", tool);

function filesUnder(dir, ending = "") {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

const hashOfFiles = (files) => hashOf(...files.flatMap((file) => [file, fs.readFileSync(file)]));

function readStamps() {
  try {
    return JSON.parse(fs.readFileSync(stampFile, "utf8"));
  } catch {
    return {};
  }
}

// Runs `make` unless `outputs` were made from the same inputs.
async function step(title, inputs, outputs, make) {
  const stamps = readStamps();
  if (stamps[title] === inputs && outputs.every((file) => fs.existsSync(file))) return;
  say(title);
  await make();
  fs.writeFileSync(stampFile, JSON.stringify({ ...stamps, [title]: inputs }));
}

// Returns cargo's profile for this kind of build, and the directory of the result.
function profileOf(kind) {
  if (dev) return kind === "lib" ? ["wasm-dev", "wasm-dev"] : ["dev", "debug"];
  if (forRun && kind === "lib") return ["wasm-run", "wasm-run"];
  const profile = options[`${kind}-profile-release`] ?? "release";
  return [profile, profile];
}

// Builds the tool that splits the client, and returns its path. Tool and libraries must have the same versions,
// because they share private formats.
async function buildSplitClient() {
  const lock = fs.readFileSync("Cargo.lock", "utf8");
  const versionOf = (crate) => lock.match(new RegExp(`name = "${crate}"\nversion = "(.*)"`))?.[1];
  for (const [tool, library] of [["wasm-bindgen-cli-support", "wasm-bindgen"], ["wasm_split_cli_support", "wasm_split_helpers"]]) {
    const [is, wanted] = [versionOf(tool), versionOf(library)];
    if (is === wanted) continue;
    console.error(`error: Cargo.lock has ${library} ${wanted} but ${tool} ${is}: cargo update -p ${tool} --precise ${wanted}`);
    process.exit(1);
  }
  say("Compiling the tool that splits the client");
  const args = ["build", "--locked", "--quiet", "--package=split-client", "--profile=tools", `--target-dir=${frontDir}`];
  await start("cargo", args, { CARGO_TERM_PROGRESS_WHEN: "never" });
  return path.join(frontDir, "tools", "split-client");
}

async function cargo(kind, args, env) {
  const features = ["--no-default-features", `--features=${options[`${kind}-features`].join(",")}`];
  const [profile, folder] = profileOf(kind);
  await start("cargo", ["build", "--locked", ...args, ...features, `--profile=${profile}`], env);
  return folder;
}

async function buildServer() {
  say("Compiling the server");
  await cargo("bin", [`--bin=${options["bin-target"]}`]);
  say("Compiled the server");
}

async function buildClient() {
  say("Compiling the client to WebAssembly");
  const target = "wasm32-unknown-unknown";
  // wasm-split needs the relocations to find where the module can be split.
  const relocations = `--config=target.${target}.rustflags=["-Clink-args=--emit-relocs"]`;
  // The server's progress bar is the one to see.
  const args = ["--lib", `--target=${target}`, `--target-dir=${frontDir}`, relocations];
  const folder = await cargo("lib", args, { CARGO_TERM_PROGRESS_WHEN: "never" });
  return path.join(frontDir, target, folder, `${app.name.replaceAll("-", "_")}.wasm`);
}

function splitClient(wasm, tool) {
  const wasmOptFeatures = dev ? undefined : options["wasm-opt-features"];
  const files = hashOfFiles([wasm, tool, "package-lock.json", "scripts/client.mjs"]);
  const inputs = hashOf(files, `${wasmOptFeatures}`);
  return step("Splitting the client by route, generating its JavaScript, optimising it", inputs, [clientDir], () => {
    bindClient(wasm, { name, dir: clientDir, splitClient: tool, npmTool, wasmOptFeatures });
  });
}

function buildStyle() {
  const inputs = [...filesUnder("style"), ...filesUnder("src", ".rs"), ...filesUnder("crates/platform/src", ".rs"), ...filesUnder("crates/ui/src", ".rs"), "package-lock.json"];
  const css = path.join(partsDir, `${name}.css`);
  return step("Compiling the style sheet", hashOfFiles(inputs), [css], () => {
    run(npmTool("tailwindcss"), ["--input", options["tailwind-input-file"], "--output", css, "--minify"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  });
}

const gzip = promisify(zlib.gzip);
const brotli = promisify(zlib.brotliCompress);

// Writes a file and its compressed copies, which the server sends.
async function writeCompressed(file, content) {
  fs.writeFileSync(file, content);
  if (dev) return;
  const [gz, br] = await Promise.all([gzip(content, { level: 9 }), brotli(content)]);
  fs.writeFileSync(`${file}.gz`, gz);
  fs.writeFileSync(`${file}.br`, br);
}

function buildCharts() {
  const inputs = hashOfFiles([...filesUnder("crates/ui/src/chart", ".js"), "package-lock.json", "scripts/charts.mjs"]);
  return step("Bundling the charts", inputs, [chartsDir], () => run("node", ["scripts/charts.mjs"]));
}

// Assembles the site directory, with a hash in each file name so that browsers can cache it indefinitely.
// Returns the files of the client.
async function assembleSite() {
  const pkgDir = path.join(siteDir, options["site-pkg-dir"]);
  const client = nameByHash(clientDir, name);
  const css = fs.readFileSync(path.join(partsDir, `${name}.css`));
  const hashes = { ...client.hashes, css: hashOf(css) };
  const parts = new Map([...client.files, [`${name}.${hashes.css}.css`, css]].map(([file, content]) => [path.join(pkgDir, file), content]));
  const inputs = hashOf(...parts.keys(), hashOfFiles(filesUnder(options["assets-dir"])));
  await step("Assembling the site", inputs, [...parts.keys()], async () => {
    fs.rmSync(siteDir, { recursive: true, force: true });
    fs.mkdirSync(pkgDir, { recursive: true });
    fs.cpSync(options["assets-dir"], siteDir, { recursive: true });
    const charts = filesUnder(path.join(siteDir, "charts"), ".js");
    const files = [...parts, ...charts.map((file) => [file, fs.readFileSync(file)])];
    await Promise.all(files.map(([file, content]) => writeCompressed(file, content)));
  });
  // Always, because `cargo leptos` may have written it for another site.
  const lines = Object.entries(hashes).map(([kind, hash]) => `${kind}: ${hash}\n`);
  fs.writeFileSync(path.join(binaryDir, "hash.txt"), lines.join(""));
  return [...client.files.keys()].map((file) => path.join(pkgDir, file));
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

function compressedSize(files, ending) {
  return files.reduce((sum, file) => sum + fs.statSync(`${file}.${ending}`).size, 0);
}

// Prints the download sizes of the first page with a client (the benchmark form), of all other pages together,
// and of the first chart.
function weigh(client) {
  const charts = filesUnder(path.join(siteDir, "charts"), ".js");
  const fetchedLater = client.filter((file) => /^(split|chunk)_/.test(path.basename(file)));
  const firstPage = client.filter((file) => /\.(js|wasm)$/.test(file) && !fetchedLater.includes(file));
  const weight = (files) => `${kilobytes(compressedSize(files, "br"))} with Brotli (gzip: ${kilobytes(compressedSize(files, "gz"))})`;
  say(`WebAssembly and JavaScript of the first page: ${weight(firstPage)}; of all others: ${weight(fetchedLater)}; of the first chart: ${weight(charts)}`);
  if (forRun || compressedSize(firstPage, "br") <= firstPageLimit) return;
  console.error(`error: the first page may weigh ${kilobytes(firstPageLimit)} with Brotli: make the browser fetch more of the client later (src/app/lazy.rs)`);
  process.exit(1);
}

async function buildFront() {
  const [tool] = await Promise.all([buildSplitClient(), start("scripts/tools.sh", [])]);
  await splitClient(await buildClient(), tool);
  await buildStyle();
  await buildCharts();
}

fs.mkdirSync(partsDir, { recursive: true });
try {
  await Promise.all([buildServer(), buildFront()]);
  const client = await assembleSite();
  if (!dev) weigh(client);
} catch (error) {
  stopping.abort();
  if (error.status === undefined && error.code === undefined) throw error;
  console.error(`error: the build stopped: ${error.path ?? error.message.split("\n")[0]}`);
  process.exit(1);
}
