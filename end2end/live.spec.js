// Tests of the WebSocket and the jobs menu.

import { test as base } from "@playwright/test";
import { expect, expectAccessible, openInteractive, register } from "./helpers.js";

// Each test has its own account, because it counts tabs and jobs.
const test = base.extend({
  account: async ({ playwright, baseURL }, use) => {
    await use(await register(playwright, baseURL));
  },
  storageState: async ({ account }, use) => {
    await use(account.state);
  },
});

const note = (page) => page.locator(".connection-status");
const jobsMenu = (page) => page.getByLabel(/^Jobs:/);

/** Starts a benchmark over REST like a script. Returns its id. */
async function startBenchmark(request, { token }, { runs, maxTokens, model = "demo-fast" }) {
  const answer = await request.post("/api/benchmark", {
    headers: { authorization: `Bearer ${token}` },
    data: { targets: [{ provider_key: "demo", model_id: model }], runs, max_tokens: maxTokens, warmup: false },
  });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()).job_id;
}

/** Lets the test close the page's socket and prevent reconnecting. */
async function controlConnection(page) {
  const connection = { down: false, cut: undefined };
  await page.routeWebSocket(/\/ws$/, (socket) => {
    if (connection.down) return socket.close({ code: 1013 });
    socket.connectToServer();
    connection.cut = () => socket.close({ code: 1012 });
  });
  return connection;
}

test("a lost connection is shown, restored, and missed events are loaded", async ({ page, account, request }) => {
  const connection = await controlConnection(page);
  await openInteractive(page, "/providers");
  await expect(jobsMenu(page)).toHaveAttribute("aria-label", "Jobs: none active");
  await expect(note(page)).toBeEmpty();
  await expect.poll(() => connection.cut).toBeDefined();
  connection.down = true;
  await connection.cut();
  await expect(note(page)).toHaveText("Reconnecting…");
  await expect(note(page)).toBeVisible();
  await page.screenshot({ path: "end2end/screenshots/reconnecting.png" });

  await startBenchmark(request, account, { runs: 20, maxTokens: 400, model: "demo-steady" });
  await expect(jobsMenu(page)).toHaveAttribute("aria-label", "Jobs: none active");
  connection.down = false;
  await expect(note(page)).toBeEmpty();
  await expect(jobsMenu(page)).toHaveAttribute("aria-label", /^Jobs: 1 active/);
});

test("an open benchmark continues to update after the connection was lost", async ({ page, account, request }) => {
  const connection = await controlConnection(page);
  const id = await startBenchmark(request, account, { runs: 3, maxTokens: 48 });
  await openInteractive(page, `/benchmark/${id}`);
  await expect.poll(() => connection.cut).toBeDefined();
  connection.down = true;
  await connection.cut();
  await expect(note(page)).toHaveText("Reconnecting…");
  const job = async () => (await (await request.get(`/api/jobs/${id}`, { headers: { authorization: `Bearer ${account.token}` } })).json()).status;
  await expect.poll(job).toBe("done");
  connection.down = false;
  await expect(page.getByRole("button", { name: "Run again" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Results" }).locator("tbody td").last()).toHaveText("3");
});

test("a sixth tab shows why it is not live, and becomes live after another is closed", async ({ page, context }) => {
  await openInteractive(page, "/providers");
  const others = await page.evaluate(async () => {
    const open = () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://${location.host}/ws`);
        socket.onmessage = () => resolve(socket);
        socket.onclose = reject;
      });
    window.tabs = [await open(), await open(), await open(), await open()];
    return window.tabs.length;
  });
  expect(others).toBe(4);
  const sixth = await context.newPage();
  const code = sixth.evaluate.bind(sixth, () =>
    new Promise((resolve) => (new WebSocket(`ws://${location.host}/ws`).onclose = ({ code, reason }) => resolve([code, reason]))),
  );
  await openInteractive(sixth, "/providers");
  await expect(note(sixth)).toHaveText("Live updates are off: too many tabs open. Close one and reload.");
  expect(await code()).toEqual([4008, "Five connections are open already. Close one and connect again."]);
  await sixth.screenshot({ path: "end2end/screenshots/sixth-tab.png" });
  await expectAccessible(sixth);

  await page.evaluate(
    () => new Promise((resolve) => ((window.tabs[0].onclose = resolve), window.tabs[0].close())),
  );
  await openInteractive(sixth, "/providers");
  await expect(note(sixth)).toBeEmpty();
});

test("the jobs menu shows a job's progress, and cancels it by keyboard", async ({ page, account, request }) => {
  await openInteractive(page, "/providers");
  await startBenchmark(request, account, { runs: 20, maxTokens: 400, model: "demo-steady" });
  await expect(jobsMenu(page)).toHaveAttribute("aria-label", /^Jobs: 1 active/);
  await jobsMenu(page).focus();
  await page.keyboard.press("Enter");
  const menu = page.locator(".menu[open]");
  await expect(menu.getByRole("heading", { name: "1 active job" })).toBeVisible();
  await expect(menu.getByRole("progressbar", { name: "Progress of Benchmark" })).toBeVisible();
  await expect(menu.getByText("running", { exact: false }).or(menu.getByText("%")).first()).toBeVisible();
  await page.screenshot({ path: "end2end/screenshots/jobs-active.png" });
  await expectAccessible(page);

  await page.keyboard.press("Escape");
  await expect(menu).toHaveCount(0);
  await expect(jobsMenu(page)).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(menu.getByRole("link", { name: "Benchmark" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(menu.getByRole("button", { name: /^Cancel Benchmark/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(menu.getByRole("heading", { name: "No active jobs" })).toBeVisible();
  await expect(menu.getByText("cancelled")).toBeVisible();
  await expect(menu.getByRole("link", { name: "Benchmark" })).toHaveCount(0);
});

test("the jobs menu lists the last ten finished jobs with links", async ({ page, account, request }) => {
  await openInteractive(page, "/providers");
  const ids = [];
  for (let number = 0; number < 11; number += 1) {
    ids.push(await startBenchmark(request, account, { runs: 1, maxTokens: 1 }));
  }
  await jobsMenu(page).click();
  const finished = page.getByRole("region", { name: "Finished" });
  await expect(page.getByRole("heading", { name: "No active jobs" })).toBeVisible({ timeout: 30_000 });
  const links = finished.getByRole("link", { name: "Benchmark" });
  await expect(links).toHaveCount(10);
  await page.screenshot({ path: "end2end/screenshots/jobs-finished.png" });
  const shown = await links.evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  expect(shown).toEqual(ids.slice(1).reverse().map((id) => `/benchmark/${id}`));
  await links.first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("1 model, 1 context size, 1 run");
});
