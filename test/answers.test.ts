// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import path from "node:path";

import { nodeCrypto } from "@tandem/base/node";
import { createReleaseCheck, createReleaseServer } from "@tandem/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createRunCertificates } from "../packages/cli/src/tls/run-certificates.js";
import { makeReleases } from "./support/releases.js";
import { tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

const PAGE = readFileSync(new URL("../docs/answers.md", import.meta.url), "utf8");

/** Commands of the page, and the lines that it shows of what they print. */
interface Block {
  readonly commands: string;
  readonly shown: readonly string[];
}

/** Blocks of language `sh`, each with the block of language `text` that follows at once. */
function blocksOf(page: string): Block[] {
  const fences = /^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms;
  return [...page.matchAll(fences)].map(([, commands = "", shown = ""]) => ({
    commands,
    shown: shown.split("\n").filter((line) => line !== "" && line !== "…"),
  }));
}

/** The shown lines, from the first on that does not come next in the output. */
function missing(shown: readonly string[], output: string): readonly string[] {
  let rest = output.split("\n").map((line) => line.trimEnd());
  for (const [i, line] of shown.entries()) {
    const at = rest.findIndex((one) =>
      line.endsWith("…") ? one.startsWith(line.slice(0, -1)) : one === line,
    );
    if (at === -1) return shown.slice(i);
    rest = rest.slice(at + 1);
  }
  return [];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = addressOf(server);
  server.close();
  return port;
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP server");
  return address;
}

/** What the `npx` of the shell does: hands its arguments over, and prints what comes back. */
const NPX = `
const call = require("node:net").connect(process.env.TANDEM_SOCKET);
call.write(JSON.stringify(process.argv.slice(3)) + "\\n");
let reply = "";
call.on("data", (data) => {
  reply += data;
  const lines = reply.split("\\n");
  reply = lines.pop();
  for (const line of lines) {
    const { out, err, status } = JSON.parse(line);
    if (out) process.stdout.write(out);
    if (err) process.stderr.write(err);
    if (status !== undefined) process.exitCode = status;
  }
});
`;

/** Runs one command, and sends what it prints and its status. */
async function answer(
  argv: readonly string[],
  signal: AbortSignal,
  reply: (part: object) => void,
): Promise<void> {
  const { err, status } = await tandem(argv, { signal, onOut: (out) => reply({ out }) });
  reply({ err, status });
}

/**
 * Runs the commands that the shell's `npx` hands over in this process, as starting one for each
 * takes most of the time. A command is called off when its `npx` ends.
 */
async function serveNpx(socket: string): Promise<Server> {
  const server = createServer((call) => {
    const aborted = new AbortController();
    const reply = (part: object): void => void call.write(`${JSON.stringify(part)}\n`);
    call.on("error", () => aborted.abort()).on("close", () => aborted.abort());
    call.once("data", (line: Buffer) => {
      const argv: string[] = JSON.parse(line.toString());
      void answer(argv, aborted.signal, reply).finally(() => call.end());
    });
  }).listen(socket);
  await once(server, "listening");
  return server;
}

/** The folder with the shell's `npx`. */
function installNpx(): string {
  const bin = files.file("bin");
  mkdirSync(bin);
  writeFileSync(path.join(bin, "npx"), `#!${process.execPath}\n${NPX}`, { mode: 0o755 });
  return bin;
}

/** Runs all blocks in one shell, as a reader would; what each of them printed. */
async function runBlocks(blocks: readonly Block[]): Promise<string[]> {
  const port = String(await freePort());
  const mark = "=== end of block ===";
  const script = blocks.map(({ commands }) => `${commands}echo '${mark}'\n`).join("");
  const socket = files.file("npx.sock");
  const npx = await serveNpx(socket);
  // Commands run in this process and name files from the directory that the shell is in.
  const home = process.cwd();
  process.chdir(files.file("work"));
  const shell = spawn("bash", ["-e", "-c", script.replaceAll("8443", port)], {
    detached: true,
    env: {
      ...process.env,
      PATH: `${installNpx()}:${process.env["PATH"] ?? ""}`,
      TANDEM_SOCKET: socket,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  shell.stdout.on("data", (data: Buffer) => (out += data.toString()));
  shell.stderr.on("data", (data: Buffer) => (err += data.toString()));
  try {
    const [status] = await once(shell, "exit");
    if (status !== 0) throw new Error(`a command failed\n${out}\n${err}`);
  } finally {
    process.chdir(home);
    npx.close();
    // The server of the page, when a command failed before it was stopped.
    try {
      if (shell.pid !== undefined) process.kill(-shell.pid);
    } catch {
      // All processes of the group have ended.
    }
  }
  return out.split(`${mark}\n`);
}

let files: TemporaryDirectory;

beforeAll(async () => {
  files = new TemporaryDirectory();
  await makeReleases(files, ["1.0.0", "1.1.0"]);
  mkdirSync(files.file("work"));
  for (const core of ["app", "net"]) {
    for (const version of ["1.0.0", "1.1.0"]) {
      const name = `${core}-${version}.bin`;
      cpSync(files.file(name), files.file("work", name));
    }
  }
});
afterAll(() => files[Symbol.dispose]());

describe("docs/answers.md", () => {
  it("shows what its commands print", { timeout: 120_000 }, async () => {
    const blocks = blocksOf(PAGE);
    const outputs = await runBlocks(blocks);
    expect(blocks).toHaveLength(PAGE.split("```sh").length - 1);
    for (const [i, { commands, shown }] of blocks.entries()) {
      expect(missing(shown, outputs[i] ?? ""), `${commands}\n${outputs[i]}`).toEqual([]);
    }
  });
});

/** Passes connections on, and breaks each one after so many bytes from the server. */
async function breakingProxy(port: number, bytesPerConnection: number): Promise<Server> {
  const proxy = createServer((client) => {
    const server = connect(port, "127.0.0.1");
    let left = bytesPerConnection;
    server.on("data", (data: Buffer) => {
      left -= data.length;
      if (left > 0) client.write(data);
      else client.destroy();
    });
    client.on("data", (data: Buffer) => server.write(data));
    client.on("error", () => server.destroy()).on("close", () => server.destroy());
    server.on("error", () => client.destroy()).on("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return proxy;
}

describe("two files against one bundle, as docs/answers.md tells", () => {
  it.each([
    { kind: "two files", options: [] },
    { kind: "one bundle", options: ["--bundle"] },
  ])("$kind: broken connections", { timeout: 60_000 }, async ({ kind, options }) => {
    const { caPem, certPem, keyPem } = await createRunCertificates({ now: new Date() });
    const ca = files.file("ca.pem");
    writeFileSync(ca, caPem);
    await using server = await createReleaseServer({
      root: files.file("releases"),
      tls: { cert: certPem, key: keyPem },
      publish: { check: createReleaseCheck({ crypto: nodeCrypto, keys: null }) },
    });
    const url = new URL(await server.listen({ host: "127.0.0.1", port: 0 }));
    const proxy = await breakingProxy(Number(url.port), 160_000);
    const device = files.file(`device ${kind}`);
    const release = files.file("releases", "1.0.0");
    const init = ["twin", "init", device, "--release", release];
    await tandemOk(...init, "--key", files.file("key.pub.pem"));
    const through = `https://127.0.0.1:${addressOf(proxy).port}`;
    const update = ["twin", "update", device, "--url", through, "--ca", ca, "--release", "1.1.0"];
    const out = await tandemOk(...update, "--json", ...options);
    proxy.close();
    const { bytesDownloaded, rangeRequests, resumes } = JSON.parse(out);
    const row = PAGE.split("\n").find((line) => line.includes(`| ${kind} `)) ?? "";
    const cells = row.split("|").map((cell) => Number(cell.replaceAll(",", "").trim()));
    expect(cells.slice(2, -1)).toEqual([bytesDownloaded, rangeRequests, resumes]);
  });
});
