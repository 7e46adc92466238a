// Runs Lighthouse on the built app: performance and accessibility of the first pages, each the median of
// several runs with an empty cache, and the audits that cost points. Arguments select presets: `mobile` (a slow
// phone on slow 4G, Lighthouse's default) and `desktop`; without arguments, both. Exits with an error if a
// score is below the target.

import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";
import puppeteer from "puppeteer-core";
import { startStudio } from "../../end2end/server.js";

const target = 95;
const runs = 5;
const categories = ["performance", "accessibility"];
const presets = { mobile: undefined, desktop: desktopConfig };
const chosen = process.argv.slice(2).length ? process.argv.slice(2) : Object.keys(presets);

async function post(studio, address, body, token) {
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  const headers = { "content-type": "application/json", ...authorization };
  const answer = await fetch(`${studio.baseURL}${address}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** Creates an account. Returns its token and its cookies. */
async function register(studio) {
  const answer = await post(studio, "/api/auth/register", { email: "lighthouse@example.org", password: "correct horse battery" });
  const cookies = answer.headers.getSetCookie().map((header) => {
    const [pair, ...attributes] = header.split("; ");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? "/";
    return { name, value, path, domain: new URL(studio.baseURL).hostname, httpOnly: true };
  });
  return { token: (await answer.json()).access_token, cookies };
}

/** Benchmarks the demo models. Returns the path of the result's page. */
async function benchmark(studio, { token }) {
  const models = ["demo-fast", "demo-steady", "demo-reasoning"];
  const targets = models.map((model_id) => ({ provider_key: "demo", model_id }));
  const request = { targets, runs: 3, max_tokens: 48, context_tiers: [0, 1000], warmup: false };
  const { job_id: id } = await (await post(studio, "/api/benchmark", request, token)).json();
  for (;;) {
    const answer = await fetch(`${studio.baseURL}/api/jobs/${id}`, { headers: { authorization: `Bearer ${token}` } });
    const { status } = await answer.json();
    if (status === "done") return `/benchmark/${id}`;
    if (!["pending", "queued", "running"].includes(status)) throw new Error(`the benchmark for the report's page is ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function signIn(port, cookies) {
  const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${port}` });
  await browser.setCookie(...cookies);
  await browser.disconnect();
}

/** A trace sometimes fails on a busy machine and is then repeated once. */
async function examineOnce(address, options, config) {
  const first = (await lighthouse(address, options, config)).lhr;
  const { lhr } = first.runtimeError ? await lighthouse(address, options, config) : { lhr: first };
  if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
  return lhr;
}

const performance = (report) => report.categories.performance.score;

/** Returns the report with the median performance, because scores vary by a few points. */
async function examine(address, options, config) {
  const reports = [];
  while (reports.length < runs) reports.push(await examineOnce(address, options, config));
  return reports.sort((a, b) => performance(a) - performance(b))[Math.floor(runs / 2)];
}

/** Returns the audits that cost points, the most expensive first. */
function costlyAudits(report, category) {
  return report.categories[category].auditRefs
    .filter(({ id, weight }) => weight > 0 && report.audits[id].score !== null && report.audits[id].score < 0.995)
    .map(({ id, weight }) => ({ id, lost: weight * (1 - report.audits[id].score), value: report.audits[id].displayValue ?? "" }))
    .sort((a, b) => b.lost - a.lost)
    .map(({ id, value }) => `${id}${value && ` ${value}`}`);
}

const studio = await startStudio();
const chrome = await launch({
  chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Chromium's sandbox does not work as root, for example in containers.
  chromeFlags: ["--headless=new", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
});
let worst = 100;
try {
  const account = await register(studio);
  const report = await benchmark(studio, account);
  for (const address of ["/login", "/benchmark", report]) {
    if (address !== "/login") await signIn(chrome.port, account.cookies);
    for (const preset of chosen) {
      const options = { port: chrome.port, onlyCategories: categories, logLevel: "error" };
      const lhr = await examine(`${studio.baseURL}${address}`, options, presets[preset]);
      const page = address === report ? "/benchmark/(finished)" : address;
      for (const category of categories) {
        const score = Math.round(lhr.categories[category].score * 100);
        worst = Math.min(worst, score);
        console.log(`${page.padEnd(22)} ${preset.padEnd(8)} ${category.padEnd(14)} ${String(score).padStart(3)}  ${costlyAudits(lhr, category).join(", ")}`);
      }
      if (new URL(lhr.finalDisplayedUrl).pathname !== address) throw new Error(`${address} led to ${lhr.finalDisplayedUrl}`);
    }
  }
} finally {
  await chrome.kill();
  await studio.stop();
}
if (worst < target) {
  console.error(`error: a score is below ${target}`);
  process.exit(1);
}
