// Tests of the admin pages. Each test has its own server, because settings apply to the whole installation.

import { expect, expectAccessible, openInteractive, register } from "./helpers.js";
import { startMock, test as base } from "./server.js";

const test = base.extend({
  /** The first user, signed in. */
  account: async ({ playwright, baseURL }, use) => {
    await use(await register(playwright, baseURL));
  },
  storageState: async ({ account }, use) => {
    await use(account.state);
  },
  /** Opens a browser, signed in as a user or signed out. */
  enter: async ({ browser, baseURL }, use) => {
    const contexts = [];
    await use(async (user) => {
      const context = await browser.newContext({ baseURL, storageState: user?.state });
      contexts.push(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

async function letIn(page, label) {
  await page.getByLabel("Registration").selectOption({ label });
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByText("Settings saved.", { exact: true })).toBeVisible();
}

async function openUser(page, { email }) {
  await openInteractive(page, "/admin");
  await page.getByRole("link", { name: email }).click();
  await expect(page.getByRole("heading", { name: email, level: 1 })).toBeVisible();
}

async function openAccount(page, email) {
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Create account" }).click();
}

test("an invitation works once, and nobody can register when registration is closed", async ({ page, enter }) => {
  await openInteractive(page, "/admin");
  await letIn(page, "Invite only");
  const guest = await enter();
  await guest.goto("/register");
  await expect(guest.getByText("Registration is by invitation.")).toBeVisible();
  await expect(guest.getByRole("button", { name: "Create account" })).toHaveCount(0);

  await page.getByRole("button", { name: "Create link" }).click();
  const invitation = await page.getByRole("link", { name: "this invitation" }).getAttribute("href");
  await guest.goto(invitation);
  await openAccount(guest, "guest@example.org");
  await expect(guest).toHaveURL("/benchmark");
  const second = await enter();
  await second.goto(invitation);
  await openAccount(second, "second@example.org");
  await expect(second.getByRole("alert").filter({ hasText: "invitation" })).toBeVisible();

  await openInteractive(page, "/admin");
  await expect(page.getByRole("link", { name: "guest@example.org" })).toBeVisible();
  await letIn(page, "Closed");
  await second.goto("/register");
  await expect(second.getByText("Registration is closed.")).toBeVisible();
});

test("an invitation is revoked", async ({ page, enter }) => {
  await openInteractive(page, "/admin");
  await letIn(page, "Invite only");
  await page.getByLabel("Only for this email address").fill("late@example.org");
  await page.getByRole("button", { name: "Create link" }).click();
  const invitation = await page.getByRole("link", { name: "this invitation" }).getAttribute("href");
  await page.getByRole("row").filter({ hasText: "late@example.org" }).getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByRole("row").filter({ hasText: "late@example.org" })).toHaveCount(0);
  const guest = await enter();
  await guest.goto(invitation);
  await openAccount(guest, "late@example.org");
  await expect(guest.getByRole("alert").filter({ hasText: "invitation" })).toBeVisible();
});

test("changing the role signs the user out and then allows the admin pages", async ({ page, enter, playwright, baseURL }) => {
  const user = await register(playwright, baseURL);
  const theirs = await enter(user);
  await openInteractive(theirs, "/providers");
  await expect(theirs.getByLabel(/^Jobs: none/)).toBeVisible();
  expect((await theirs.goto("/admin")).ok()).toBe(true);
  await expect(theirs.getByRole("table")).toHaveCount(0);
  await openInteractive(theirs, "/providers");
  await expect(theirs.getByLabel(/^Jobs: none/)).toBeVisible();

  await openUser(page, user);
  await page.getByRole("button", { name: "Make admin" }).click();
  await expect(page.getByRole("button", { name: "Remove admin role" })).toBeVisible();
  await expect(theirs).toHaveURL(/\/login\?next=%2Fproviders$/);
  await theirs.getByLabel("Email address").fill(user.email);
  await theirs.getByLabel("Password").fill(user.password);
  await theirs.getByRole("button", { name: "Sign in" }).click();
  await expect(theirs).toHaveURL("/providers");
  await theirs.getByLabel(`Account: ${user.email}`).click();
  await theirs.getByRole("link", { name: "Admin", exact: true }).click();
  await expect(theirs.getByRole("row").filter({ hasText: user.email })).toContainText("admin");
});

test("a user resets the password with an admin's link", async ({ page, enter, playwright, baseURL }) => {
  const user = await register(playwright, baseURL);
  const theirs = await enter(user);
  await openInteractive(theirs, "/history");
  await openUser(page, user);
  const panel = page.locator("#password");
  await panel.getByRole("button", { name: "Create link" }).click();
  const link = await panel.getByRole("link", { name: "this password reset link" }).getAttribute("href");

  const guest = await enter();
  await guest.goto("/login");
  await guest.getByRole("link", { name: "Forgot password?" }).click();
  await expect(guest.getByText("Email isn’t set up on this server.")).toBeVisible();
  await guest.goto(link);
  await guest.getByLabel("New password").fill("another password");
  await guest.getByRole("button", { name: "Set password" }).click();
  await expect(guest.getByRole("status")).toHaveText(/Password changed/);
  await expect(theirs).toHaveURL(/\/login/);
  await guest.getByLabel("Email address").fill(user.email);
  await guest.getByLabel("Password").fill("another password");
  await guest.getByRole("button", { name: "Sign in" }).click();
  await expect(guest).toHaveURL("/benchmark");

  // The link has been used. Signed-in users can open the page too.
  await guest.goto(link);
  await guest.getByLabel("New password").fill("a third password");
  await guest.getByRole("button", { name: "Set password" }).click();
  await expect(guest.getByRole("alert")).toContainText("has been used");
  await expect(guest).toHaveTitle(/^Error: Reset your password/);
});

test("limits apply immediately, and a user is deleted", async ({ page, enter, playwright, baseURL }) => {
  const user = await register(playwright, baseURL);
  await openUser(page, user);
  await page.getByLabel("Benchmarks per hour").fill("1");
  await page.getByLabel("Runs per model and size").fill("2");
  await page.getByRole("button", { name: "Save limits" }).click();
  await expect(page.getByLabel("Benchmarks per hour")).toHaveValue("1");

  const theirs = await enter(user);
  await openInteractive(theirs, "/benchmark");
  await theirs.getByLabel("Runs", { exact: true }).fill("3");
  await theirs.getByRole("button", { name: "Run", exact: true }).click();
  await expect(theirs.getByRole("alert").filter({ hasText: "2" })).toBeVisible();
  await theirs.getByLabel("Runs", { exact: true }).fill("1");
  await theirs.getByLabel("Max tokens").fill("16");
  await theirs.getByRole("button", { name: "Run", exact: true }).click();
  await expect(theirs.getByRole("button", { name: "Run again" })).toBeVisible({ timeout: 60_000 });
  await theirs.getByRole("button", { name: "Run again" }).click();
  await expect(theirs.getByRole("alert").filter({ hasText: /hour/ })).toBeVisible();

  await page.getByRole("button", { name: "Delete user" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete user" }).click();
  await expect(page).toHaveURL("/admin");
  await expect(page.getByRole("link", { name: user.email })).toHaveCount(0);
  await expect(theirs).toHaveURL(/\/login/);
});

test("private networks are blocked with a second user until an admin allows them", async ({ page, enter, playwright, baseURL }) => {
  const mock = await startMock();
  const user = await register(playwright, baseURL);
  const theirs = await enter(user);
  await openInteractive(theirs, "/providers/new");
  await theirs.getByLabel("Name").fill("Beside the server");
  await theirs.getByLabel("Base URL").fill(mock.found);
  await theirs.getByRole("button", { name: "Add provider" }).click();
  await theirs.getByRole("link", { name: "Find models" }).click();
  await expect(theirs.getByRole("main")).toContainText(/admin/);
  await expect(theirs.getByRole("button", { name: "Add selected models" })).toHaveCount(0);

  await openInteractive(page, "/admin");
  await page.getByLabel("Benchmarks against localhost and private networks").selectOption({ label: "Allow" });
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByText("Settings saved.", { exact: true })).toBeVisible();
  await theirs.reload();
  await expect(theirs.getByRole("button", { name: "Add selected models" })).toBeVisible();
  await mock.stop();
});

test("users cannot open the admin pages", async ({ enter, account, playwright, baseURL }) => {
  const theirs = await enter(await register(playwright, baseURL));
  await theirs.goto("/admin");
  await expect(theirs.getByRole("table")).toHaveCount(0);
  expect(await theirs.content()).not.toContain(account.email);
});

for (const [name, colorScheme, width] of [["light", "light", 1440], ["dark", "dark", 1440], ["phone", "light", 360]]) {
  test(`axe finds no serious violations and pages do not scroll horizontally, ${name}`, async ({ page, account }) => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await openInteractive(page, "/admin");
    await page.getByRole("button", { name: "Create link" }).click();
    await expect(page.getByRole("link", { name: "this invitation" })).toBeVisible();
    const look = async (shot) => {
      await page.screenshot({ path: `end2end/screenshots/${shot}-${name}.png`, fullPage: true });
      await expectAccessible(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    };
    await look("admin");
    await openUser(page, account);
    await look("admin-user");
  });
}
