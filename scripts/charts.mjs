// Bundles the charts (src/ui/chart) with the parts of ECharts that they use into public/charts, where
// `make build` and `cargo leptos` find them. The name carries the content's hash: browsers keep it for ever.

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

function bundle() {
  const args = ["src/ui/chart/element.js", "--bundle", "--format=esm", "--minify", "--target=es2022", "--legal-comments=none"];
  return execFileSync("node_modules/.bin/esbuild", [...args, "--log-level=warning", "--banner:js=/*! Contains ECharts: see LICENSES.txt */"]);
}

function licenceTexts() {
  return licences
    .map(([title, name, files]) => {
      const texts = files.map((file) => fs.readFileSync(path.join("node_modules", name, file), "utf8").trim());
      return [`==== ${title} ====`, ...texts].join("\n\n");
    })
    .join("\n\n\n");
}

const code = bundle();
const name = `charts.${createHash("md5").update(code).digest("base64url")}.js`;
if (!fs.existsSync(path.join(target, name))) {
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(target, { recursive: true });
  fs.writeFileSync(path.join(target, "LICENSES.txt"), `${licenceTexts()}\n`);
  fs.writeFileSync(path.join(target, name), code);
}
