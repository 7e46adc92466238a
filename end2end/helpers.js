// What the browser tests share: an account for each worker, pages that have come alive, axe.

import AxeBuilder from "@axe-core/playwright";
import { test as base, expect } from "@playwright/test";

export { expect };

/** A name that no other test uses. */
export function unique(prefix) {
  return `${prefix}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Opens an account over REST and returns it with the browser's cookies. */
export async function register(playwright, baseURL) {
  // Without the cookies of who may be signed in already.
  const request = await playwright.request.newContext({ baseURL, storageState: { cookies: [], origins: [] } });
  const account = { email: `${unique("person")}@example.org`, password: "correct horse battery" };
  const answer = await request.post("/api/auth/register", { data: account });
  expect(answer.status(), await answer.text()).toBe(200);
  const { access_token: token } = await answer.json();
  const state = await request.storageState();
  await request.dispose();
  return { ...account, token, state };
}

/** Tests whose pages are signed in, as one user for each worker. */
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

/** The errors that the page logs from now on. */
export function errorsOf(page) {
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  return errors;
}

/** Opens a page and waits until its script has taken over; returns the errors that it logs. */
export async function openInteractive(page, address) {
  const errors = errorsOf(page);
  await page.goto(address);
  await page.locator("html[data-interactive]").waitFor();
  return errors;
}

/** A picture of the whole page, for people to look at. Charts are drawn when they are scrolled to. */
export async function picture(page, name) {
  await page.evaluate(() => document.fonts.ready);
  for (const chart of await page.locator("studio-chart").all()) {
    await chart.scrollIntoViewIfNeeded();
    await chart.locator("canvas").waitFor();
  }
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `end2end/screenshots/${name}.png`, fullPage: true });
}

/** Fails when axe finds something serious. */
export async function expectAccessible(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n")}`)).toEqual([]);
}
