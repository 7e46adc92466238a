// Tests of registration, sign-in and sign-out, with and without JavaScript.

import { test as signedOut } from "@playwright/test";
import { errorsOf, expect, expectAccessible, register, test, unique } from "./helpers.js";

const password = "correct horse battery";

async function fillIn(page, email) {
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Password").fill(password);
}

signedOut.describe("with JavaScript off", () => {
  signedOut.use({ javaScriptEnabled: false });

  signedOut("a user registers, signs out, signs in again and gets the requested page", async ({ page }) => {
    const email = `${unique("form")}@example.org`;
    await page.goto("/providers");
    await expect(page).toHaveURL(/\/login\?next=/);
    await page.getByRole("link", { name: "Create account" }).click();
    await fillIn(page, email);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page).toHaveURL("/providers");
    await page.getByLabel(`Account: ${email}`).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto("/providers");
    await expect(page).toHaveURL(/\/login/);
    await fillIn(page, email);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL("/providers");
  });

  signedOut("a wrong password and an unknown account get the same error", async ({ page, playwright, baseURL }) => {
    const { email } = await register(playwright, baseURL);
    for (const address of [email, `${unique("nobody")}@example.org`]) {
      await page.goto("/login");
      await page.getByLabel("Email address").fill(address);
      await page.getByLabel("Password").fill("not the password");
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByRole("alert")).toContainText("password");
      await expect(page.getByRole("alert")).not.toContainText(address);
    }
  });
});

signedOut("a form with an error keeps its values except the password, and its title shows the error", async ({ page }) => {
  for (const [address, button] of [["/login?next=%2Fhistory", "Sign in"], ["/register", "Create account"]]) {
    const email = `ann+${unique("ä")}@exa mple.org`;
    await page.goto(address);
    // Without the browser's own validation of addresses.
    await page.locator("main form").evaluate((form) => (form.noValidate = true));
    await fillIn(page, email);
    await page.getByRole("button", { name: button }).click();
    await expect(page.getByRole("alert")).not.toBeEmpty();
    await expect(page).toHaveTitle(/^Error: /);
    await expect(page.getByLabel("Email address")).toHaveValue(email);
    await expect(page.getByLabel("Password")).toHaveValue("");
    expect(page.url()).not.toContain("ann");
    await page.goto(address);
    await expect(page.getByLabel("Email address")).toHaveValue("");
  }
});

signedOut("with JavaScript a user registers and gets an interactive page", async ({ page }) => {
  const errors = errorsOf(page);
  await page.goto("/register");
  await fillIn(page, `${unique("script")}@example.org`);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/register"));
  await page.locator("html[data-interactive]").waitFor();
  expect(errors).toEqual([]);
});

test("after the session ended the user is redirected to the sign-in page", async ({ page }) => {
  await page.context().clearCookies();
  await page.goto("/providers");
  await expect(page).toHaveURL(/\/login\?next=/);
});

for (const colorScheme of ["light", "dark"]) {
  signedOut(`axe finds nothing serious on the way in, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    for (const address of ["/login", "/register", "/forgot-password", "/reset-password?token=none"]) {
      await page.goto(address);
      await page.screenshot({ path: `end2end/screenshots${address.split("?")[0]}-${colorScheme}.png` });
      await expectAccessible(page);
    }
  });
}
