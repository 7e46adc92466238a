// Tests of the download size of first pages, and of lazy loading.

import { errorsOf, expect, openInteractive, test } from "./helpers.js";

// Transferred bytes of WebAssembly and JavaScript; the same limit as in scripts/build.mjs.
const limit = 450_000;

/** Returns a function for the transferred bytes of scripts and WebAssembly. */
async function transferredBytes(page) {
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

test("the benchmark form is within the size limit", async ({ page }) => {
  const bytes = await transferredBytes(page);
  expect(await openInteractive(page, "/benchmark")).toEqual([]);
  await page.waitForLoadState("networkidle");
  expect(bytes()).toBeGreaterThan(100_000);
  expect(bytes()).toBeLessThanOrEqual(limit);
});

test.describe("signed out", () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  for (const address of ["/login", "/register"]) {
    test(`${address} needs no script, and prefetches the next page's script while the user types`, async ({ page }) => {
      const errors = errorsOf(page);
      const bytes = await transferredBytes(page);
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

test("other pages are loaded on navigation without reloading the document", async ({ page }) => {
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

test("if a chunk is missing after a deployment, the page is loaded from the server", async ({ page }) => {
  await openInteractive(page, "/benchmark");
  await page.route(/\/pkg\/split_/, (route) => route.abort());
  await rail(page).getByRole("link", { name: "History", exact: true }).click();
  await expect(page).toHaveURL("/history");
  await expect(page.getByRole("heading", { level: 1, name: "History" })).toBeVisible();
});
