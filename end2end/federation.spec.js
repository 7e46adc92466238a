// Tests of sign-in with an OpenID Connect provider in place of Google.

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

async function signInWith(page, link, subject) {
  await page.getByRole("link", { name: link }).click();
  await page.getByRole("button", { name: subject, exact: true }).click();
}

test("a user signs in with the provider, gets the requested page and can sign in again", async ({ page }) => {
  await page.goto("/history");
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.screenshot({ path: "end2end/screenshots/login-with-provider.png" });
  await expectAccessible(page);
  await signInWith(page, "Sign in with Example ID", "anna");
  await expect(page).toHaveURL("/history");
  const errors = await openInteractive(page, "/account");
  const panel = page.locator("#connection");
  await expect(panel).toContainText("This is your only way to sign in");
  await panel.getByRole("button", { name: "Disconnect" }).click();
  await expect(panel.getByRole("alert")).toContainText("no password");
  await expectAccessible(page);
  // The browser's message for the rejected request.
  expect(errors.filter((text) => !text.includes("400 (Bad Request)"))).toEqual([]);
});

test("a user with a password is told to connect the accounts first", async ({ page, browser, baseURL }) => {
  await page.goto("/register");
  await page.getByLabel("Email address").fill("ben@example.org");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
  const elsewhere = await (await browser.newContext({ baseURL })).newPage();
  await elsewhere.goto("/login");
  await signInWith(elsewhere, "Sign in with Example ID", "ben");
  await expect(elsewhere.getByRole("alert")).toContainText("connect the two");

  await openInteractive(page, "/account");
  await signInWith(page, "Connect Example ID", "ben");
  await expect(page).toHaveURL("/account");
  await expect(page.locator("#connection")).toContainText("You can sign in with it or with your password.");
  await page.screenshot({ path: "end2end/screenshots/account-connected.png", fullPage: true });
  await signInWith(elsewhere, "Sign in with Example ID", "ben");
  await expect(elsewhere).toHaveURL("/benchmark");
  await elsewhere.context().close();

  await page.locator("html[data-interactive]").waitFor();
  await page.locator("#connection").getByRole("button", { name: "Disconnect" }).click();
  await expect(page.locator("#connection").getByRole("link", { name: "Connect Example ID" })).toBeVisible();
});
