// Helpers of the browser tests: an account per worker, hydrated pages, axe.

import AxeBuilder from "@axe-core/playwright";
import { test as base, expect } from "@playwright/test";

export { expect };

/** Returns a name that no other test uses. */
export function unique(prefix) {
  return `${prefix}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Creates an account over REST and returns it with the browser's cookies. */
export async function register(playwright, baseURL) {
  // Without the cookies of a signed-in user.
  const request = await playwright.request.newContext({ baseURL, storageState: { cookies: [], origins: [] } });
  const account = { email: `${unique("person")}@example.org`, password: "correct horse battery" };
  const answer = await request.post("/api/auth/register", { data: account });
  expect(answer.status(), await answer.text()).toBe(200);
  const { access_token: token } = await answer.json();
  const state = await request.storageState();
  await request.dispose();
  return { ...account, token, state };
}

/** Tests with signed-in pages, one user per worker. */
export const test = base.extend({
  account: [
    async ({ playwright }, use, worker) => {
      await use(await register(playwright, worker.project.use.baseURL));
    },
    { scope: "worker" },
  ],
  storageState: async ({ account }, use) => {
    await use(account.state);
  },
});

/** Collects the errors that the page logs from now on. */
export function errorsOf(page) {
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  return errors;
}

/** Opens a page and waits until it is hydrated. Returns the errors that it logs. */
export async function openInteractive(page, address) {
  const errors = errorsOf(page);
  await page.goto(address);
  await page.locator("html[data-interactive]").waitFor();
  return errors;
}

/** Takes a screenshot of the whole page for people. Charts are drawn when they are scrolled to. */
export async function screenshot(page, name) {
  await page.evaluate(() => document.fonts.ready);
  for (const chart of await page.locator("studio-chart").all()) {
    await chart.scrollIntoViewIfNeeded();
    await chart.locator("canvas").waitFor();
  }
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `end2end/screenshots/${name}.png`, fullPage: true });
}

/** Fails if axe finds a serious violation. */
export async function expectAccessible(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n")}`)).toEqual([]);
}
