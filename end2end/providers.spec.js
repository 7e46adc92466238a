// Tests of the page of providers and models, with and without JavaScript.

import { expect, expectAccessible, openInteractive, test } from "./helpers.js";

const address = "/providers";

test.describe("with JavaScript off", () => {
  test.use({ javaScriptEnabled: false });

  test("the server's HTML lists the demo provider and its models", async ({ page }) => {
    await page.goto(address);
    await expect(page.getByRole("heading", { name: "Providers & models" })).toBeVisible();
    const demo = page.locator("details", { has: page.getByRole("heading", { name: /^Demo/ }) });
    await expect(demo.locator("tbody tr").first()).toContainText("simulated");
  });

  test("the filter works without JavaScript", async ({ page }) => {
    await page.goto(address);
    await page.getByRole("searchbox", { name: "Filter models" }).fill("no-such-model");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\?q=no-such-model$/);
    await expect(page.getByText("No provider or model matches")).toBeVisible();
  });

  test("the theme and the scan work as forms", async ({ page }) => {
    await page.goto(address);
    await page.getByRole("button", { name: /Change to light/ }).click();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
    await Promise.all([page.waitForURL(/\/providers\??$/), page.getByRole("button", { name: "Scan for local servers" }).click()]);
    await expect(page.getByRole("heading", { name: /^Demo/ })).toBeVisible();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
  });
});

test("the filter narrows the list while typing, and shows when nothing matches", async ({ page }) => {
  const errors = await openInteractive(page, address);
  const rows = page.locator("tbody tr");
  const before = await rows.count();
  const first = (await rows.first().locator("td").first().innerText()).trim().split(/\s/)[0];
  const filter = page.getByRole("searchbox", { name: "Filter models" });
  await filter.fill(first);
  await expect(rows.first()).toContainText(first);
  await filter.fill("no-such-model");
  await expect(page.getByText("No provider or model matches")).toBeVisible();
  await expect(rows).toHaveCount(0);
  await filter.fill("");
  await expect(rows).toHaveCount(before);
  expect(page.url()).not.toContain("?");
  expect(errors).toEqual([]);
});

test("a scan keeps the page and finishes", async ({ page }) => {
  const errors = await openInteractive(page, address);
  await page.evaluate(() => (window.sameDocument = true));
  const answered = page.waitForResponse((response) => response.url().includes("/api/refresh_models"));
  await page.getByRole("button", { name: "Scan for local servers" }).click();
  expect((await answered).status()).toBe(200);
  await expect(page.getByRole("button", { name: "Scan for local servers" })).toBeEnabled();
  await expect(page.getByRole("heading", { name: /^Demo/ })).toBeVisible();
  expect(await page.evaluate(() => window.sameDocument)).toBe(true);
  expect(errors).toEqual([]);
});

test("the theme changes immediately and survives a reload", async ({ page }) => {
  await openInteractive(page, address);
  const html = page.locator("html");
  await expect(html).not.toHaveAttribute("data-theme");
  await page.getByRole("button", { name: /Change to light/ }).click();
  await expect(html).toHaveAttribute("data-theme", "light");
  await page.getByRole("button", { name: /Change to dark/ }).click();
  await expect(html).toHaveAttribute("data-theme", "dark");
  await expect.poll(async () => (await page.context().cookies()).find(({ name }) => name === "theme")?.value).toBe("dark");
  await page.reload();
  await expect(html).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: /Change to system/ }).click();
  await expect(html).not.toHaveAttribute("data-theme");
});

test("the keyboard reaches all controls in order, with visible focus", async ({ page }) => {
  await openInteractive(page, address);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("searchbox", { name: "Filter models" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Check health" })).toBeFocused();
  await page.keyboard.press("Tab");
  const button = page.getByRole("button", { name: "Scan for local servers" });
  await expect(button).toBeFocused();
  expect(await button.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe("solid");
});

test("an unknown path shows a page with a link back", async ({ page }) => {
  const response = await page.goto("/no/such/page");
  expect(response.status()).toBe(404);
  await page.getByRole("main").getByRole("link", { name: "Benchmark" }).click();
  await expect(page).toHaveURL("/benchmark");
});

for (const width of [360, 390, 768, 1440]) {
  test(`no horizontal scrolling at ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await openInteractive(page, address);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
}

for (const [name, theme, viewport] of [
  ["light", "light", { width: 1440, height: 900 }],
  ["dark", "dark", { width: 1440, height: 900 }],
  ["phone", "light", { width: 390, height: 844 }],
]) {
  test(`axe finds no serious violations, ${name}`, async ({ page }) => {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme: theme });
    await openInteractive(page, address);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `end2end/screenshots/providers-${name}.png`, fullPage: name === "phone" });
    await expectAccessible(page);
  });
}
