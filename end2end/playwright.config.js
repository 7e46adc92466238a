// Configuration of the browser tests. Each run starts its own server with an empty database.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { defineConfig } from "@playwright/test";

const port = Number(process.env.E2E_PORT ?? 3207);
// Playwright loads this file in each worker; all must use the same directory.
process.env.E2E_DATA ??= mkdtempSync(path.join(tmpdir(), "llm-studio-e2e-"));

export default defineConfig({
  testDir: ".",
  outputDir: "results",
  fullyParallel: true,
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  reporter: "list",
  // Two workers, their browsers and the server may share two busy cores.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // Chromium's sandbox does not work as root, for example in containers.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
  },
  webServer: {
    command: `${path.resolve(process.env.SERVER_BINARY ?? "target/release/llm-studio")} serve`,
    cwd: path.resolve(import.meta.dirname, ".."),
    url: `http://127.0.0.1:${port}/healthz`,
    env: {
      PORT: String(port),
      STUDIO_DATA: process.env.E2E_DATA,
      RUST_LOG: "warn",
      // Tests that run side by side do not wait for each other's benchmarks.
      STUDIO_CONCURRENT_BENCHMARKS: "16",
    },
    gracefulShutdown: { signal: "SIGTERM", timeout: 5_000 },
  },
});
