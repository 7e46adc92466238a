// Tests of the account page, with and without JavaScript.

import { test as base } from "@playwright/test";
import { expect, expectAccessible, openInteractive, register, unique } from "./helpers.js";

// Each test has its own account.
const test = base.extend({
  account: async ({ playwright, baseURL }, use) => {
    await use(await register(playwright, baseURL));
  },
  storageState: async ({ account }, use) => {
    await use(account.state);
  },
});

const another = "a longer horse battery";
const panel = (page, name) => page.locator(".panel", { has: page.getByRole("heading", { name, exact: true }) });

async function changePassword(page, from, to) {
  await page.getByLabel("Current password").fill(from);
  await page.getByLabel("New password").fill(to);
  await page.getByRole("button", { name: "Change password" }).click();
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with JavaScript ${javaScriptEnabled ? "on" : "off"}`, () => {
    test.use({ javaScriptEnabled });

    const open = async (page, address) => {
      await page.goto(address);
      if (javaScriptEnabled) await page.locator("html[data-interactive]").waitFor();
    };

    test("changing the password keeps this session, and the new password signs in", async ({ page, account }) => {
      await open(page, "/account");
      await changePassword(page, "not the password", another);
      await expect(page.getByRole("alert").filter({ hasText: "password" })).toBeVisible();
      await changePassword(page, account.password, another);
      await expect(page.getByText("Password changed.")).toBeVisible();

      await page.getByLabel(`Account: ${account.email}`).click();
      await page.getByRole("button", { name: "Sign out" }).click();
      await expect(page).toHaveURL(/\/login/);
      await page.getByLabel("Email address").fill(account.email);
      await page.getByLabel("Password").fill(another);
      await page.getByRole("button", { name: "Sign in" }).click();
      // Either the previous page or the first one, depending on whether the socket or the form was faster.
      await expect(page).toHaveURL(/\/(account|benchmark)$/);
    });

    test("an API token is shown once, works, and is invalid after it is revoked", async ({ page, playwright, baseURL }) => {
      const name = unique("token");
      const script = await playwright.request.newContext({ baseURL, storageState: { cookies: [], origins: [] } });
      const me = async (token) => (await script.get("/api/auth/me", { headers: { authorization: `Bearer ${token}` } })).status();
      await open(page, "/account");
      await page.getByLabel("Name", { exact: true }).fill(name);
      await page.getByLabel("Expires in").selectOption({ label: "7 days" });
      await page.getByRole("button", { name: "Create token" }).click();
      const shown = page.getByLabel("Copy it now");
      const token = await shown.inputValue();
      expect(await me(token)).toBe(200);

      await open(page, "/account");
      await expect(shown).toHaveCount(0);
      expect(await page.content()).not.toContain(token);
      const row = page.getByRole("row").filter({ hasText: name });
      await expect(row).toContainText(token.slice(-4));
      await row.getByRole("button", { name: `Revoke ${name}` }).click();
      await expect(row).toHaveCount(0);
      expect(await me(token)).toBe(401);
    });

    test("an account is deleted", async ({ page, account }) => {
      await open(page, "/account");
      await page.getByRole("button", { name: "Delete account" }).click();
      const question = page.getByRole("alertdialog", { name: "Delete your account and everything in it?" });
      await question.getByLabel("Your password").fill(account.password);
      await question.getByRole("button", { name: "Delete account" }).click();
      await expect(page).toHaveURL(/\/register/);
      await page.goto("/login");
      await page.getByLabel("Email address").fill(account.email);
      await page.getByLabel("Password").fill(account.password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByRole("alert").filter({ hasText: "password" })).toBeVisible();
    });
  });
}

test("other browsers are redirected to the sign-in page when the password changes", async ({ page, account, browser, baseURL }) => {
  const elsewhere = await browser.newContext({ baseURL, storageState: account.state });
  const other = await elsewhere.newPage();
  await openInteractive(other, "/providers");
  await expect(other.getByLabel(/^Jobs: none/)).toBeVisible();
  await openInteractive(page, "/account");
  await changePassword(page, account.password, another);
  await expect(page.getByText("Password changed.")).toBeVisible();
  await expect(other).toHaveURL(/\/login\?next=%2Fproviders$/);
  await elsewhere.close();
});

test("a browser without JavaScript is redirected on its next request", async ({ page, account, browser, baseURL }) => {
  const elsewhere = await browser.newContext({ baseURL, storageState: account.state, javaScriptEnabled: false });
  const other = await elsewhere.newPage();
  await other.goto("/providers");
  await openInteractive(page, "/account");
  await changePassword(page, account.password, another);
  await expect(page.getByText("Password changed.")).toBeVisible();
  await other.goto("/history");
  await expect(other).toHaveURL(/\/login\?next=%2Fhistory$/);
  await elsewhere.close();
});

for (const [name, colorScheme, width] of [["light", "light", 1440], ["dark", "dark", 1440], ["phone", "light", 360]]) {
  test(`axe finds no serious violations and pages do not scroll horizontally, ${name}`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await openInteractive(page, "/account");
    await page.getByLabel("Name", { exact: true }).fill("CI");
    await page.getByRole("button", { name: "Create token" }).click();
    await expect(page.getByRole("button", { name: "Revoke CI" })).toBeVisible();
    await page.screenshot({ path: `end2end/screenshots/account-${name}.png`, fullPage: true });
    await expectAccessible(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
}
