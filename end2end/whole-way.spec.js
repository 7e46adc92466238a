// End-to-end test as a new user: registration, the demo models, a discovered real local model, benchmarks of
// both in several tabs, one cancelled and one opened from the history.

import { expect, openInteractive, screenshot, unique } from "./helpers.js";
import { startRealModel, test as base } from "./server.js";

const test = base.extend({
  // The first use downloads it, which takes longer than a test's timeout.
  realModel: [
    async ({}, use) => {
      const server = await startRealModel();
      await use(server.found);
      await server.stop();
    },
    { timeout: 300_000 },
  ],
});

const shot = (page, name) => screenshot(page, `whole-way-${name}`);
const rows = (page) => page.getByRole("region", { name: "Results" }).locator("tbody tr");
/** The context size is in the first cell; a time may look the same. */
const rowOf = (page, model, tier) =>
  rows(page)
    .filter({ has: page.getByRole("rowheader", { name: model }) })
    .filter({ has: page.locator("td:first-of-type", { hasText: tier }) });
const cancel = (page) => page.getByRole("main").getByRole("button", { name: "Cancel", exact: true });

async function register(page) {
  await page.goto("/register");
  await expect(page.getByText("You're the first user, so this account will be the admin.")).toBeVisible();
  await page.getByLabel("Email address").fill(`${unique("whole-way")}@example.org`);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL("/benchmark");
  await page.locator("html[data-interactive]").waitFor();
}

async function addByDiscovery(page, address) {
  await openInteractive(page, "/providers/new");
  await page.getByLabel("Name").fill("Real model");
  await page.getByLabel("Base URL").fill(address);
  await page.getByRole("button", { name: "Add provider" }).click();
  await page.getByRole("link", { name: "Find models" }).click();
  await page.getByRole("checkbox", { name: /smollm2/ }).check();
  await shot(page, "found");
  await page.getByRole("button", { name: "Add selected models" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "smollm2" })).toBeVisible();
}

async function setUp(page, { models, runs, maxTokens, tiers }) {
  await page.getByRole("button", { name: "Choose none of Demo", exact: false }).click();
  for (const model of models) await page.getByRole("checkbox", { name: model }).check();
  await page.getByLabel("Runs", { exact: true }).fill(String(runs));
  await page.getByLabel("Max tokens").fill(String(maxTokens));
  // The check boxes are visually hidden; users click their chips.
  for (const tier of tiers) await page.getByRole("checkbox", { name: tier, exact: true }).check({ force: true });
}

test("from the account to the finished benchmark of a demo model and a real one", async ({ page, context, realModel }) => {
  test.setTimeout(240_000);
  await register(page);
  await expect(page.getByRole("checkbox", { name: /Demo Fast/ })).toBeChecked();
  await shot(page, "first-page");
  await addByDiscovery(page, realModel);

  await openInteractive(page, "/benchmark");
  await setUp(page, { models: [/Demo Steady/], runs: 20, maxTokens: 400, tiers: [] });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(rows(page).first()).toContainText("tok/s");
  const cancelled = page.url();
  await cancel(page).click();
  await page.getByRole("button", { name: "Cancel benchmark" }).click();
  await expect(page.getByText("Cancelled. Results were discarded.")).toBeVisible();
  await shot(page, "cancelled");

  await openInteractive(page, "/benchmark");
  await setUp(page, { models: [/Demo Fast/, /smollm2/], runs: 2, maxTokens: 64, tiers: ["1K"] });
  await shot(page, "set-up");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page).toHaveURL(/\/benchmark\/[0-9a-f-]{36}$/);
  expect(page.url()).not.toBe(cancelled);
  const second = await context.newPage();
  await openInteractive(second, page.url());

  // The real model is slow: the demo model finishes while both tabs still receive events.
  for (const tab of [page, second]) {
    await expect(rows(tab)).toHaveCount(4);
    await expect(rowOf(tab, "Demo Fast", "1,000").locator("td").last()).toHaveText("2");
    await expect(cancel(tab)).toBeVisible();
  }
  await shot(page, "running");
  const measured = await rowOf(page, "Demo Fast", "1,000").innerText();
  await second.reload();
  await expect(rows(second)).toHaveCount(4);
  expect(await rowOf(second, "Demo Fast", "1,000").innerText()).toBe(measured);

  for (const tab of [page, second]) {
    await expect(tab.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 180_000 });
    for (const row of await rows(tab).all()) await expect(row).toContainText("tok/s");
  }
  const figures = async (tab) => (await rows(tab).allInnerTexts()).sort();
  expect(await figures(second)).toEqual(await figures(page));

  await page.getByRole("link", { name: "History", exact: true }).click();
  const entries = page.getByRole("main").getByRole("link", { name: /Demo/ });
  await expect(entries).toHaveCount(1);
  await shot(page, "history");
  await entries.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("2 models, 2 context sizes, 2 runs");
  await expect(page.getByText("Fastest output")).toBeVisible();
  await expect(rowOf(page, "smollm2", "1,000")).toContainText("tok/s");
  await expect(page.locator("canvas").first()).toBeVisible();
  await shot(page, "report");
});
