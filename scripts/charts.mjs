// Bundles the charts (crates/ui/src/chart) into public/charts, where `make build` and `cargo leptos` find them:
// the element for pages, and the painter, a worker with the parts of ECharts that it uses. Names contain a hash
// of the content, so that browsers can cache them indefinitely.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

process.chdir(path.join(import.meta.dirname, ".."));

const target = "public/charts";

const licences = [
  ["ECharts", "echarts", ["NOTICE", "LICENSE", "licenses/LICENSE-d3"]],
  ["ZRender", "zrender", ["LICENSE"]],
  ["tslib", "tslib", ["LICENSE.txt"]],
];

function bundle(name, ...more) {
  const args = [`crates/ui/src/chart/${name}.js`, "--bundle", "--format=esm", "--minify", "--target=es2022", "--legal-comments=none"];
  const code = execFileSync("node_modules/.bin/esbuild", [...args, "--log-level=warning", ...more]);
  return { name: `${name}.${createHash("md5").update(code).digest("base64url")}.js`, code };
}

function licenceTexts() {
  return licences
    .map(([title, name, files]) => {
      const texts = files.map((file) => fs.readFileSync(path.join("node_modules", name, file), "utf8").trim());
      return [`==== ${title} ====`, ...texts].join("\n\n");
    })
    .join("\n\n\n");
}

const painter = bundle("painter", "--banner:js=/*! Contains ECharts: see LICENSES.txt */");
const element = bundle("element", `--define:PAINTER=${JSON.stringify(`./${painter.name}`)}`);
if (![painter, element].every(({ name }) => fs.existsSync(path.join(target, name)))) {
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(target, { recursive: true });
  fs.writeFileSync(path.join(target, "LICENSES.txt"), `${licenceTexts()}\n`);
  for (const { name, code } of [painter, element]) fs.writeFileSync(path.join(target, name), code);
}
