// Tests of the benchmark page from set-up to results, with and without JavaScript.

import { readFile } from "node:fs/promises";
import { test as base } from "@playwright/test";
import { expect, expectAccessible, openInteractive, screenshot, register } from "./helpers.js";

// Each test has its own account, because benchmarks of one user are queued.
const test = base.extend({
  storageState: async ({ playwright, baseURL }, use) => {
    await use((await register(playwright, baseURL)).state);
  },
});

const results = (page) => page.getByRole("region", { name: "Results" }).getByRole("table");

async function choose(page, { models, runs, maxTokens, tiers = [] }) {
  const chosen = await page.locator('input[name="models[]"]:checked').evaluateAll((boxes) => boxes.map(({ value }) => value));
  for (const value of chosen) await page.locator(`input[name="models[]"][value=${JSON.stringify(value)}]`).uncheck();
  for (const model of models) await page.getByRole("checkbox", { name: model }).check();
  await page.getByLabel("Runs", { exact: true }).fill(String(runs));
  await page.getByLabel("Max tokens").fill(String(maxTokens));
  // The check boxes are visually hidden; users click their chips.
  for (const tier of tiers) await page.getByRole("checkbox", { name: tier, exact: true }).check({ force: true });
}

const quick = { models: ["Demo Fast", "Demo Steady"], runs: 2, maxTokens: 48, tiers: ["1K"] };
const slow = { models: ["Demo Steady"], runs: 20, maxTokens: 400 };

test.describe("with JavaScript off", () => {
  test.use({ javaScriptEnabled: false });

  test("a benchmark is started, followed and read", async ({ page }) => {
    await page.goto("/benchmark");
    await choose(page, quick);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await expect(page).toHaveURL(/\/benchmark\/[0-9a-f-]{36}/);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("2 models, 2 context sizes, 2 runs");
    await expect(page.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
    await expect(results(page).locator("tbody tr")).toHaveCount(4);
    await expect(results(page).locator("tbody tr").first()).toContainText("tok/s");
    await page.goto("/history");
    await expect(page.getByRole("link", { name: /Demo Fast/ })).toBeVisible();
  });

  test("out-of-bounds values are rejected with a message", async ({ page }) => {
    await page.goto("/benchmark");
    await page.getByText("Advanced").click();
    await page.getByLabel("Extra parameters (JSON)").fill("[1]");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Enter a JSON object" })).toBeVisible();
  });
});

test("the first benchmark takes one click, and a reload during it loses nothing", async ({ page }) => {
  const errors = await openInteractive(page, "/benchmark");
  await expect(page.getByRole("checkbox", { name: /Demo Fast/ })).toBeChecked();
  await choose(page, quick);
  await expect(page.getByText("2 of", { exact: false }).first()).toContainText("selected");
  await expect(page.locator(".estimate")).toContainText("12 requests");
  await page.evaluate(() => (window.sameDocument = true));
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page).toHaveURL(/\/benchmark\/[0-9a-f-]{36}/);
  expect(await page.evaluate(() => window.sameDocument)).toBe(true);
  const rows = results(page).locator("tbody tr");
  await expect(rows).toHaveCount(4);
  await expect(rows.first()).toContainText("tok/s");
  await page.screenshot({ path: "end2end/screenshots/benchmark-running.png" });
  await page.reload();
  await page.locator("html[data-interactive]").waitFor();
  await expect(rows).toHaveCount(4);
  await expect(page.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
  for (const row of await rows.all()) await expect(row.locator("td").last()).toHaveText(/^2/);
  await screenshot(page, "benchmark-finished");
  expect(errors).toEqual([]);
});

test("events during the page load are not lost", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  // The response with the initial state is delayed until the benchmark has finished.
  const completed = new Promise((resolve) => {
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => payload.includes("job_completed") && resolve()));
  });
  await page.reload();
  await page.locator("html[data-interactive]").waitFor();
  await choose(page, { ...quick, models: ["Demo Fast"], runs: 1 });
  let held = true;
  await page.route(/\/api\/load_benchmark/, async (route) => {
    const answer = await route.fetch();
    if (held) await completed;
    held = false;
    await route.fulfill({ response: answer });
  });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(results(page).locator("tbody tr")).toHaveCount(2);
  await expect(results(page).locator("tbody tr").last()).toContainText("tok/s");
});

test("rows sort by any column, and all metrics can be shown", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  await choose(page, { ...quick, runs: 1 });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
  const header = results(page).getByRole("columnheader", { name: "Context", exact: true });
  await header.getByRole("button").click();
  await expect(header).toHaveAttribute("aria-sort", "ascending");
  await expect(results(page).locator("tbody tr").first().locator("td").first()).toHaveText("0");
  await header.getByRole("button").click();
  await expect(header).toHaveAttribute("aria-sort", "descending");
  await expect(results(page).locator("tbody tr").first().locator("td").first()).toHaveText(/1,000/);
  const lateness = results(page).getByRole("columnheader", { name: "Client lag" });
  await expect(lateness).toBeHidden();
  await page.getByLabel("All metrics").check();
  await expect(lateness).toBeVisible();
});

/**
 * A number that gets wider in its cell scores about 0.0001, an interval that appears beside one up to 0.002 on a phone,
 * and there are two of them; a moved part of the page scores 0.01.
 */
async function expectNoLayoutShift(page) {
  const moved = await page.evaluate(() => window.moved);
  const total = moved.reduce((sum, [score]) => sum + score, 0);
  expect(total, JSON.stringify(moved, null, 1)).toBeLessThan(0.006);
}

for (const [name, viewport] of [["phone", { width: 360, height: 800 }], ["desktop", { width: 1440, height: 900 }]]) {
  test(`no layout shift while results arrive, on reload, or when another run is selected, ${name}`, async ({ page }) => {
    await page.setViewportSize(viewport);
    await page.addInitScript(() => {
      window.moved = [];
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput, sources } of list.getEntries()) {
          if (!hadRecentInput) window.moved.push([value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 200))]);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await openInteractive(page, "/benchmark");
    await choose(page, quick);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await expect(page.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
    await expectNoLayoutShift(page);
    await page.reload();
    await page.locator("html[data-interactive]").waitFor();
    await page.getByLabel("Run", { exact: true }).selectOption({ index: 1 });
    await expect(page.getByRole("figure").filter({ hasText: "Token timeline" })).toContainText("run 2");
    await page.waitForLoadState("networkidle");
    await expectNoLayoutShift(page);
  });
}

test("charts are drawn when scrolled to, and can be downloaded", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  const errors = await openInteractive(page, "/benchmark");
  await choose(page, { ...quick, runs: 1 });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
  await page.reload();
  await page.locator("html[data-interactive]").waitFor();
  const timeline = page.getByRole("figure").filter({ hasText: "Token timeline" });
  await expect(timeline.locator("canvas")).toHaveCount(0);
  await timeline.scrollIntoViewIfNeeded();
  await expect(timeline.locator("canvas")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export Output speed as PNG" }).click();
  expect((await download).suggestedFilename()).toBe("output-speed.png");
  const png = await readFile(await (await download).path());
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  // An empty image of this size has about 3 kB.
  expect(png.length).toBeGreaterThan(8_000);
  expect(errors).toEqual([]);
});

test("a running benchmark is cancelled after confirmation", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  await choose(page, slow);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(results(page).locator("tbody tr").first()).toContainText("tok/s", { timeout: 30_000 });
  await page.locator("main").getByRole("button", { name: "Cancel", exact: true }).click();
  const question = page.getByRole("alertdialog", { name: "Cancel this benchmark?" });
  await expect(question).toContainText("will be discarded");
  await question.getByRole("button", { name: "Cancel benchmark" }).click();
  await expect(page.getByText("Results were discarded")).toBeVisible();
  await page.goto("/history");
  await expect(page.getByText(/^No (results|benchmarks) yet/)).toBeVisible();
});

test("errors are shown at their fields", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  await page.getByLabel("Runs", { exact: true }).fill("21");
  await expect(page.getByText("Enter a whole number from 1 to 20.")).toBeVisible();
  await page.getByText("Advanced").click();
  await page.getByLabel("Extra parameters (JSON)").fill("{");
  await expect(page.getByText("This is not valid JSON", { exact: false })).toBeVisible();
});

test("models are searched and selected together", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  await page.getByRole("button", { name: "Choose none of Demo", exact: false }).click();
  await expect(page.getByText("Choose at least one model.").first()).toBeVisible();
  await page.getByRole("button", { name: "Choose all of Demo", exact: false }).click();
  await expect(page.getByText("Choose at least one model.")).toHaveCount(0);
});

test("a finished benchmark is found in the history and deleted", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  await choose(page, { models: ["Demo Fast"], runs: 1, maxTokens: 16 });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
  await page.getByRole("link", { name: "History", exact: true }).click();
  await page.getByRole("button", { name: /^Delete Demo Fast/ }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText(/^No (results|benchmarks) yet/)).toBeVisible();
});

for (const [name, colorScheme, viewport] of [
  ["light", "light", { width: 1440, height: 900 }],
  ["dark", "dark", { width: 1440, height: 900 }],
  ["phone", "light", { width: 360, height: 800 }],
]) {
  test(`axe finds no serious violations and pages do not scroll horizontally, ${name}`, async ({ page }) => {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await openInteractive(page, "/benchmark");
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `end2end/screenshots/set-up-${name}.png` });
    await expectAccessible(page);
    await choose(page, { ...quick, runs: 1 });
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await expect(page.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
    await screenshot(page, `benchmark-${name}`);
    await expectAccessible(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
}
