// Signing in at an OpenID Connect provider, which stands in for Google.

import { expect, expectAccessible, openInteractive } from "./helpers.js";
import { freePort, startProvider, startStudio, test as base } from "./server.js";

const test = base.extend({
  baseURL: async ({}, use) => {
    const provider = await startProvider([
      { sub: "anna", email: "anna@example.org", email_verified: true },
      { sub: "ben", email: "ben@example.org", email_verified: true },
    ]);
    const port = String(await freePort());
    const studio = await startStudio({
      PORT: port,
      APP_BASE_URL: `http://127.0.0.1:${port}`,
      GOOGLE_CLIENT_ID: "studio",
      GOOGLE_CLIENT_SECRET: "not much of one",
      OIDC_ISSUER: provider.found,
      OIDC_NAME: "Example ID",
    });
    await use(studio.baseURL);
    await studio.stop();
    await provider.stop();
  },
});

async function comeIn(page, link, subject) {
  await page.getByRole("link", { name: link }).click();
  await page.getByRole("button", { name: subject, exact: true }).click();
}

test("one signs in at the provider, comes to the page asked for, and keeps that way in", async ({ page }) => {
  await page.goto("/history");
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.screenshot({ path: "end2end/screenshots/login-with-provider.png" });
  await expectAccessible(page);
  await comeIn(page, "Sign in with Example ID", "anna");
  await expect(page).toHaveURL("/history");
  const errors = await openInteractive(page, "/account");
  const panel = page.locator("#connection");
  await expect(panel).toContainText("This is your only way to sign in");
  await panel.getByRole("button", { name: "Disconnect" }).click();
  await expect(panel.getByRole("alert")).toContainText("no password");
  await expectAccessible(page);
  // The browser's word for the refusal.
  expect(errors.filter((text) => !text.includes("400 (Bad Request)"))).toEqual([]);
});

test("who has a password connects the two first, and is told so", async ({ page, browser, baseURL }) => {
  await page.goto("/register");
  await page.getByLabel("Email address").fill("ben@example.org");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  const elsewhere = await (await browser.newContext({ baseURL })).newPage();
  await elsewhere.goto("/login");
  await comeIn(elsewhere, "Sign in with Example ID", "ben");
  await expect(elsewhere.getByRole("alert")).toContainText("connect the two");

  await openInteractive(page, "/account");
  await comeIn(page, "Connect Example ID", "ben");
  await expect(page).toHaveURL("/account");
  await expect(page.locator("#connection")).toContainText("You can sign in with it or with your password.");
  await page.screenshot({ path: "end2end/screenshots/account-connected.png", fullPage: true });
  await comeIn(elsewhere, "Sign in with Example ID", "ben");
  await expect(elsewhere).toHaveURL("/benchmark");
  await elsewhere.context().close();

  await page.locator("html[data-interactive]").waitFor();
  await page.locator("#connection").getByRole("button", { name: "Disconnect" }).click();
  await expect(page.locator("#connection").getByRole("link", { name: "Connect Example ID" })).toBeVisible();
});
