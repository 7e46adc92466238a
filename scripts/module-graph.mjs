// Prints which modules of the app and of crates/platform (directories and files) use which others, and fails on a
// dependency cycle. Tests are ignored. node scripts/module-graph.mjs [--quiet]

import * as fs from "node:fs";
import * as path from "node:path";

process.chdir(path.join(import.meta.dirname, ".."));

const isTest = (file) => /(^|\/)(tests?|testing|[a-z_]+_tests)(\/|\.rs$)/.test(file);

// The app calls the modules of both by the same paths.
const roots = ["src", "crates/platform/src"];

// Returns the files below a root, and their paths from the repository.
function sources() {
  return roots.flatMap((root) =>
    fs
      .readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".rs"))
      .map((entry) => ({ root, file: path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)) }))
      .filter(({ file }) => !isTest(file) && file !== "lib.rs" && file !== "main.rs"),
  );
}

// Returns the code without comments, strings and test modules.
function productCode(text) {
  const bare = text
    .replace(/"(?:[^"\\]|\\.)*"/gs, '""')
    .replace(/\/\/.*$/gm, "")
    .replace(/\/\*.*?\*\//gs, "");
  return bare.replace(/#\[cfg\((?:all\()?test\b[^\]]*\]\s*(?:pub(?:\([^)]*\))? )?mod \w+ \{.*?^\}/gms, "");
}

// Returns the first segments of a `use` tree's paths after `crate::`.
function heads(tree) {
  if (!tree.startsWith("{")) return [tree.match(/^\w+/)?.[0]];
  const found = [];
  let depth = 0;
  let start = 1;
  for (let at = 0; at < tree.length; at += 1) {
    if (tree[at] === "{") depth += 1;
    if (depth === 1 && (tree[at] === "," || tree[at] === "}")) {
      found.push(tree.slice(start, at).trim().match(/^\w+/)?.[0]);
      start = at + 1;
    }
    if (tree[at] === "}" && (depth -= 1) === 0) break;
  }
  return found;
}

function graph() {
  const files = sources();
  const moduleOf = (file) => file.split("/")[0].replace(/\.rs$/, "");
  const modules = new Set(files.map(({ file }) => moduleOf(file)));
  const edges = new Map([...modules].map((name) => [name, new Map()]));
  for (const { root, file } of files) {
    const code = productCode(fs.readFileSync(path.join(root, file), "utf8"));
    for (const match of code.matchAll(/\bcrate::(\{|\w+)/g)) {
      const used = match[1] === "{" ? heads(code.slice(match.index + "crate::".length)) : [match[1]];
      for (const name of used.filter((name) => modules.has(name) && name !== moduleOf(file))) {
        const places = edges.get(moduleOf(file));
        places.set(name, [...(places.get(name) ?? []), file]);
      }
    }
  }
  return edges;
}

// Tarjan's algorithm: returns the strongly connected components.
function cycles(edges) {
  const state = new Map();
  const stack = [];
  const found = [];
  const visit = (name) => {
    const own = { index: state.size, low: state.size, open: true };
    state.set(name, own);
    stack.push(name);
    for (const next of edges.get(name).keys()) {
      if (!state.has(next)) visit(next);
      if (state.get(next).open) own.low = Math.min(own.low, state.get(next).low);
    }
    if (own.low !== own.index) return;
    const group = stack.splice(stack.indexOf(name));
    for (const member of group) state.get(member).open = false;
    if (group.length > 1) found.push(group.sort());
  };
  for (const name of edges.keys()) if (!state.has(name)) visit(name);
  return found;
}

const edges = graph();
if (!process.argv.includes("--quiet")) {
  for (const [name, uses] of [...edges].sort()) console.log(`${name} -> ${[...uses.keys()].sort().join(" ")}`);
}
const found = cycles(edges);
for (const group of found) {
  console.error(`error: dependency cycle between modules of src/: ${group.join(", ")}`);
  for (const name of group) {
    for (const [used, files] of edges.get(name)) {
      if (group.includes(used)) console.error(`  ${name} -> ${used}: ${[...new Set(files)].map((file) => `src/${file}`).join(", ")}`);
    }
  }
}
process.exit(found.length > 0 ? 1 : 0);
