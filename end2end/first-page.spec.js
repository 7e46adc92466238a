// What a browser has to fetch before a first page can be used, and that the rest comes when it is needed.

import { errorsOf, expect, openInteractive, test } from "./helpers.js";

// Bytes of WebAssembly and JavaScript as they are transferred; the build's own limit (scripts/build.mjs).
const limit = 450_000;

/** Says how many bytes of scripts and WebAssembly the page has transferred. */
async function weigh(page) {
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const code = new Set();
  let bytes = 0;
  network.on("Network.responseReceived", ({ requestId, response }) => {
    if (/\.(js|wasm)$/.test(new URL(response.url).pathname)) code.add(requestId);
  });
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (code.has(requestId)) bytes += encodedDataLength;
  });
  return () => bytes;
}

test("the benchmark's form is light", async ({ page }) => {
  const bytes = await weigh(page);
  expect(await openInteractive(page, "/benchmark")).toEqual([]);
  await page.waitForLoadState("networkidle");
  expect(bytes()).toBeGreaterThan(100_000);
  expect(bytes()).toBeLessThanOrEqual(limit);
});

test.describe("for who is not signed in", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  for (const address of ["/login", "/register"]) {
    test(`${address} needs no script, and fetches that of the next page while somebody types`, async ({ page }) => {
      const errors = errorsOf(page);
      const bytes = await weigh(page);
      await page.goto(address);
      await page.waitForLoadState("networkidle");
      expect(bytes()).toBe(0);
      await page.getByLabel("Email address").focus();
      await expect.poll(bytes).toBeGreaterThan(100_000);
      await page.waitForLoadState("networkidle");
      expect(bytes()).toBeLessThanOrEqual(limit);
      expect(errors).toEqual([]);
    });
  }
});

const rail = (page) => page.getByRole("navigation", { name: "Main" });

test("the rest is fetched when a link leads there, and the document stays", async ({ page }) => {
  const errors = await openInteractive(page, "/benchmark");
  await page.evaluate(() => document.documentElement.setAttribute("data-first", ""));
  for (const [link, heading] of [
    ["History", "History"],
    ["Providers & models", "Providers & models"],
    ["Prompt templates", "Prompt templates"],
    ["Benchmark", "Benchmark"],
  ]) {
    await rail(page).getByRole("link", { name: link, exact: true }).click();
    await expect(page.getByRole("heading", { level: 1, name: heading })).toBeAttached();
  }
  await expect(page.locator("html[data-first]")).toBeAttached();
  expect(errors).toEqual([]);
});

test("in a tab that is older than the server, a page comes from the server", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  await page.route(/\/pkg\/split_/, (route) => route.abort());
  await rail(page).getByRole("link", { name: "History", exact: true }).click();
  await expect(page).toHaveURL("/history");
  await expect(page.getByRole("heading", { level: 1, name: "History" })).toBeVisible();
});
