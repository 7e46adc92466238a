// Tests of setting up providers, keys, models and prompt templates, with and without JavaScript.

import { expect, expectAccessible, register, test as base, unique } from "./helpers.js";

// Each test has its own account.
const test = base.extend({
  storageState: async ({ playwright, baseURL }, use) => {
    await use((await register(playwright, baseURL)).state);
  },
});

const panel = (page, name) => page.locator("details.panel", { has: page.getByRole("heading", { name, exact: true }) });

async function open(page, address) {
  await page.goto(address);
  if (await page.evaluate(() => document.scripts.length > 0).catch(() => false)) {
    await page.locator("html[data-interactive]").waitFor();
  }
}

async function openSettings(page, name) {
  await open(page, "/providers");
  const provider = panel(page, name);
  if (!(await provider.evaluate((details) => details.open))) await provider.locator("summary").first().click();
  await provider.getByRole("link", { name: `Settings of ${name}` }).click();
  await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with JavaScript ${javaScriptEnabled ? "on" : "off"}`, () => {
    test.use({ javaScriptEnabled });

    const go = async (page, address) => {
      await page.goto(address);
      if (javaScriptEnabled) await page.locator("html[data-interactive]").waitFor();
    };

    const settings = async (page, name) => {
      await go(page, "/providers");
      await page.goto(await panel(page, name).getByRole("link", { name: `Settings of ${name}`, includeHidden: true }).getAttribute("href"));
      if (javaScriptEnabled) await page.locator("html[data-interactive]").waitFor();
    };

    test("a key is saved, shown by its last characters, locked by a new URL and removed", async ({ page }) => {
      await go(page, "/providers");
      const openai = panel(page, "OpenAI");
      await expect(openai.locator("summary")).toContainText("no key");
      await openai.locator("summary").click();
      await openai.getByLabel("API key for OpenAI").fill("sk-of-the-browser-tests-4711");
      await openai.getByRole("button", { name: "Save key" }).click();
      await expect(openai.locator("summary")).toContainText("key …4711");
      expect(await page.content()).not.toContain("sk-of-the-browser");

      await settings(page, "OpenAI");
      await page.getByLabel("Base URL").fill("https://gateway.example/v1");
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await expect(page.getByText("was saved for https://api.openai.com")).toBeVisible();
      await page.getByRole("button", { name: "Remove key" }).click();
      await expect(page.getByText("No key required.")).toBeVisible();
    });

    test("models are found, added, edited, ordered and disabled", async ({ page }) => {
      await settings(page, "Demo (simulated)");
      await page.getByRole("link", { name: "Find models" }).click();
      await page.getByRole("checkbox", { name: /^Mock/ }).check();
      await page.getByRole("button", { name: "Add selected models" }).click();
      await expect(page).toHaveURL(/\/providers\/[0-9a-f-]+$/);
      const added = page.getByRole("listitem").filter({ hasText: "Mock (simulated)" });
      await expect(added).toBeVisible();

      await added.getByRole("link", { name: /^Edit/ }).click();
      await expect(page.getByRole("heading", { name: "Request settings" })).toBeVisible();
      await page.getByLabel("Context window (tokens)").fill("many");
      await page.getByRole("button", { name: "Save model" }).click();
      await expect(page.getByText("The context window must be a whole number of tokens.")).toBeVisible();
      await page.getByLabel("Context window (tokens)").fill("4096");
      await page.getByLabel("Name", { exact: true }).fill("Renamed mock");
      await page.getByRole("button", { name: "Save model" }).click();
      await expect(page).toHaveURL(/\/providers\/[0-9a-f-]+$/);

      const renamed = page.getByRole("listitem").filter({ hasText: "Renamed mock" });
      await renamed.getByRole("button", { name: "Move Renamed mock up" }).click();
      await expect(page.getByRole("listitem").filter({ hasText: "Edit" }).nth(3)).toContainText("Renamed mock");
      await renamed.getByRole("button", { name: /Disable/ }).click();
      await expect(renamed.getByRole("button", { name: /Enable/ })).toBeVisible();
      await renamed.getByRole("button", { name: "Delete Renamed mock" }).click();
      await page.getByRole("button", { name: "Delete model" }).click();
      await expect(page.getByText("Renamed mock")).toHaveCount(0);
    });

    test("a provider is added, rejected with a reason, and deleted", async ({ page }) => {
      await go(page, "/providers/new");
      await page.getByLabel("Name").fill("My gateway");
      await page.getByLabel("Base URL").fill("https://user:secret@gateway.example/v1");
      await page.getByRole("button", { name: "Add provider" }).click();
      await expect(page.getByText("contains credentials")).toBeVisible();
      await page.getByLabel("Name").fill("My gateway");
      await page.getByLabel("Base URL").fill("https://gateway.example/v1");
      await page.getByRole("button", { name: "Add provider" }).click();
      await expect(page.getByRole("heading", { name: "My gateway", level: 1 })).toBeVisible();
      await page.getByLabel("Add a model by ID").fill("my-model");
      await page.getByRole("button", { name: "Add model" }).click();
      await expect(page.getByRole("listitem").filter({ hasText: "my-model" })).toBeVisible();
      await page.getByRole("button", { name: "Delete My gateway" }).click();
      await page.getByRole("button", { name: "Delete provider" }).click();
      await expect(page).toHaveURL(/\/providers$/);
      await expect(page.getByText("My gateway")).toHaveCount(0);
    });

    test("health is checked with latency", async ({ page }) => {
      await go(page, "/providers");
      await page.getByRole("link", { name: "Check health" }).click();
      await expect(panel(page, "Demo (simulated)").locator("summary")).toContainText(/OK · [\d,.]+ ms/);
    });

    test("a prompt template is added, changed and deleted", async ({ page }) => {
      const name = unique("template");
      await go(page, "/prompts");
      await expect(page.getByRole("heading", { name: "Explain recursion" })).toBeVisible();
      const form = page.getByRole("region", { name: "New template" });
      await form.getByLabel("Name").fill(name);
      await form.getByLabel("Category").selectOption({ label: "Code" });
      await form.getByLabel("Prompt").fill("Sort a list.");
      await form.getByRole("button", { name: "Save template" }).click();
      const own = page.getByRole("article").filter({ hasText: name });
      await expect(own).toContainText("Sort a list.");
      await own.getByText("Edit", { exact: true }).click();
      await own.getByLabel("Prompt").fill("Sort it again.");
      await own.getByRole("button", { name: "Save template" }).click();
      await expect(own).toContainText("Sort it again.");
      await own.getByRole("button", { name: `Delete ${name}` }).click();
      await page.getByRole("button", { name: "Delete template", exact: true }).click();
      await expect(page.getByRole("heading", { name })).toHaveCount(0);
    });
  });
}

for (const [theme, width] of [["light", 1440], ["dark", 360]]) {
  test(`axe finds no serious violations in the settings, ${theme} at ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: theme });
    for (const address of ["/prompts", "/providers/new", "/providers"]) {
      await open(page, address);
      await expectAccessible(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, address).toBeLessThanOrEqual(0);
    }
    await openSettings(page, "Demo (simulated)");
    await page.screenshot({ path: `end2end/screenshots/provider-${theme}.png`, fullPage: true });
    await expectAccessible(page);
    await page.getByRole("link", { name: /^Edit/ }).first().click();
    await expect(page.getByRole("heading", { name: "Request settings" })).toBeVisible();
    await page.screenshot({ path: `end2end/screenshots/model-${theme}.png`, fullPage: true });
    await expectAccessible(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
}
