// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";

import { downloadRelease } from "@tandem/agent";
import type { DownloadReport } from "@tandem/agent";
import { createRandom } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { generateKeyPem, loadSigner } from "@tandem/image/node";
import {
  buildRelease,
  encodeReleaseJson,
  generatePayloads,
  payloadInput,
  withBundle,
} from "@tandem/release";
import type { ReleaseManifest } from "@tandem/release";
import { createReleaseCheck, createReleaseServer } from "@tandem/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { cutShort } from "../demo/flaky-connection.js";
import { runProgram } from "../program.js";
import { createRunCertificates } from "../tls/run-certificates.js";

const KEY = generateKeyPem("ed25519");
const OTHER_KEY = generateKeyPem("ecdsa-p256");
const crypto = nodeCrypto;

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "tandem-serve-"));
  await writeFile(path.join(directory, "key.pub.pem"), KEY.publicKey);
  await writeFile(path.join(directory, "other.pub.pem"), OTHER_KEY.publicKey);
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Writes a release below `releases` and returns its files. */
async function addRelease(version: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const { app, net } = generatePayloads(1, { version, crypto, appBytes: 60_000, netBytes: 40_000 });
  const built = buildRelease({
    version,
    securityCounter: 1,
    crypto,
    signer: loadSigner(KEY.privateKey, { name: "key" }),
    app: payloadInput("app", app),
    net: payloadInput("net", net),
  });
  const { manifest, files } = withBundle(built, crypto);
  const target = path.join(directory, "releases", version);
  await mkdir(target, { recursive: true });
  await writeFile(path.join(target, "release.json"), encodeReleaseJson(manifest));
  for (const [name, bytes] of files) {
    // oxlint-disable-next-line no-await-in-loop
    await writeFile(path.join(target, name), bytes);
  }
  return files;
}

interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `tandem serve`; `visit` gets the URL, and the server is stopped after it. */
async function runServe(
  args: readonly string[],
  visit: (url: string) => Promise<void> = async () => await Promise.resolve(),
): Promise<Run> {
  const abort = new AbortController();
  let [out, err] = ["", ""];
  let visited: Promise<void> | undefined;
  const status = await runProgram(["serve", ...args, path.join(directory, "releases")], {
    out: (text) => {
      out += text;
      const url = /^serving (\S+)$/m.exec(out)?.[1];
      if (url === undefined || visited !== undefined) return;
      visited = visit(url).finally(() => abort.abort());
    },
    err: (text) => {
      err += text;
    },
    interactive: false,
    signal: abort.signal,
  });
  await visited;
  return { status, out, err };
}

const inDirectory = (name: string): string => path.join(directory, name);

function memoryTarget(): {
  images: Map<number, Uint8Array>;
  start: (release: ReleaseManifest) => void;
  receivedBytes: (index: number) => number;
  write: (index: number, offset: number, bytes: Uint8Array) => void;
} {
  const images = new Map<number, Uint8Array>();
  return {
    images,
    start: ({ images: listed }) => {
      for (const { index, size } of listed) images.set(index, new Uint8Array(size));
    },
    receivedBytes: () => 0,
    write: (index, offset, bytes) => images.get(index)?.set(bytes, offset),
  };
}

async function download(
  baseUrl: string,
  ca: string,
  mode: "files" | "bundle",
): Promise<{ report: DownloadReport; images: Map<number, Uint8Array> }> {
  const target = memoryTarget();
  const report = await downloadRelease({
    baseUrl,
    release: "1.1.0",
    target,
    tls: { ca },
    mode,
    retry: {
      sleep: async () => await Promise.resolve(),
      random: createRandom(1),
      now: () => 0,
    },
  });
  return { report, images: target.images };
}

describe("tandem serve", () => {
  it("publishes a verified release with a certificate of its own making, until stopped", async () => {
    const files = await addRelease("1.1.0");
    const tls = inDirectory("tls");
    const keys = ["--key", inDirectory("other.pub.pem"), "--key", inDirectory("key.pub.pem")];
    const args = ["--port", "0", "--self-signed", tls, ...keys];
    const run = await runServe(args, async (url) => {
      const ca = await readFile(path.join(tls, "ca.pem"), "utf8");
      for (const mode of ["files", "bundle"] as const) {
        // oxlint-disable-next-line no-await-in-loop
        const { images } = await download(url, ca, mode);
        expect(Buffer.from(images.get(0) ?? []).equals(files.get("app.bin") ?? Buffer.of())).toBe(
          true,
        );
        expect(Buffer.from(images.get(1) ?? []).equals(files.get("net.bin") ?? Buffer.of())).toBe(
          true,
        );
      }
    });
    expect(run.err).toBe("stopping\n");
    expect(run.status).toBe(0);
    expect(run.out).toMatch(/^publish 1\.1\.0 from 1\.1\.0: app \d+ bytes, net \d+ bytes$/m);
    expect(run.out).toMatch(/^serving https:\/\/127\.0\.0\.1:\d+$/m);
    expect(run.out).toContain(` --ca ${path.join(tls, "ca.pem")}\n`);
    expect((await stat(path.join(tls, "server-key.pem"))).mode & 0o777).toBe(0o600);
  });

  it("names what it does not publish, and says that nothing is", async () => {
    await addRelease("1.1.0");
    const key = inDirectory("other.pub.pem");
    const run = await runServe(["--port", "0", "--self-signed", inDirectory("tls"), "--key", key]);
    expect(run.status).toBe(0);
    expect(run.out).toMatch(/^refuse {2}1\.1\.0: 1\.1\.0\/app\.bin: .+ \[image\/.+\]$/m);
    expect(run.err).toContain("no release is published");
  });

  it("publishes it all the same when told to, and tells about a missing key", async () => {
    await addRelease("1.1.0");
    await writeFile(inDirectory("releases/1.1.0/net.bin"), "broken");
    const tls = ["--port", "0", "--self-signed", inDirectory("tls")];
    const unchecked = await runServe([...tls, "--unchecked"]);
    expect(unchecked.out).toMatch(/^publish 1\.1\.0 /m);
    expect(unchecked.out).toMatch(
      /unchecked: 1\.1\.0\/net\.bin: 6 bytes, expected \d+ \[server\/size\]/,
    );
    const checked = await runServe(tls);
    expect(checked.err).toContain("no --key");
    expect(checked.out).toMatch(/^refuse {2}1\.1\.0: /m);
  });

  it("tells when a file is not served any more because it changed", async () => {
    await addRelease("1.1.0");
    const tls = inDirectory("tls");
    const run = await runServe(["--port", "0", "--self-signed", tls], async (url) => {
      await writeFile(inDirectory("releases/1.1.0/app.bin"), "changed");
      const ca = await readFile(path.join(tls, "ca.pem"), "utf8");
      await expect(download(url, ca, "files")).rejects.toMatchObject({
        code: "agent/status",
        message: expect.stringContaining("the file has changed since it was published"),
      });
    });
    expect(run.err).toContain("1.1.0/app.bin: changed since it was published");
  });

  it("serves with a certificate from files", async () => {
    await addRelease("1.1.0");
    const run = await createRunCertificates({ now: new Date() });
    await writeFile(inDirectory("cert.pem"), run.certPem);
    await writeFile(inDirectory("tls-key.pem"), run.keyPem);
    const tls = ["--cert", inDirectory("cert.pem"), "--tls-key", inDirectory("tls-key.pem")];
    const served = await runServe(["--port", "0", ...tls], async (url) => {
      const { report } = await download(url, run.caPem, "files");
      expect(report.bytesDownloaded).toBe(report.bytesTotal);
    });
    expect(served.status).toBe(0);
  });

  it.each([
    ["no certificate", [], 2, "expected either --self-signed DIR or both"],
    ["half a certificate", ["--cert", "x"], 2, "expected either --self-signed DIR or both"],
    ["both kinds", ["--self-signed", "x", "--cert", "y", "--tls-key", "z"], 2, "expected either"],
    ["a port that is none", ["--port", "70000"], 2, "0 to 65535"],
    ["a missing key file", ["--self-signed", "x", "--key", "/nowhere/key.pem"], 3, "/nowhere/key"],
    ["a missing certificate", ["--cert", "/nowhere/c", "--tls-key", "/nowhere/k"], 3, "/nowhere/c"],
  ])("refuses %s", async (_, args, status, message) => {
    await addRelease("1.1.0");
    const run = await runServe(args);
    expect(run.status).toBe(status);
    expect(run.err).toContain(message);
    expect(run.err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("refuses a certificate that it did not make, a directory that is none, a taken port", async () => {
    const tls = ["--port", "0", "--self-signed", inDirectory("tls")];
    const none = await runServe(tls);
    expect(none).toMatchObject({ status: 2, err: expect.stringContaining("[server/bad-root]") });
    await addRelease("1.1.0");
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : address);
    const busy = await runServe(["--port", port, ...tls.slice(2)]);
    expect(busy).toMatchObject({ status: 3, err: expect.stringContaining("EADDRINUSE") });
    taken.close();
    await writeFile(inDirectory("tls/ca.pem"), "precious");
    const foreign = await runServe(tls);
    expect(foreign).toMatchObject({ status: 2, err: expect.stringContaining("tls/ca.pem") });
  });
});

describe("a server that drops connections by a hook", () => {
  it.each(["files", "bundle"] as const)("is resumed from, for %s", async (mode) => {
    const files = await addRelease("1.1.0");
    const run = await createRunCertificates({ now: new Date() });
    const signer = loadSigner(KEY.privateKey, { name: "key" });
    await using server = await createReleaseServer({
      root: inDirectory("releases"),
      tls: { key: run.keyPem, cert: run.certPem },
      publish: { check: createReleaseCheck({ crypto, keys: [signer.publicKey] }) },
    });
    const drops = new Map([
      [2, 0],
      [4, 5000],
      [5, 16_383],
    ]);
    let ranges = 0;
    server.app.addHook("onSend", async (request, _reply, payload) => {
      if (request.headers.range === undefined || !(payload instanceof Readable)) return payload;
      const place = drops.get(++ranges);
      if (place === undefined) return payload;
      return await Promise.resolve(
        Readable.from(cutShort(payload, place, () => request.raw.socket.destroy())),
      );
    });
    const url = await server.listen({ host: "127.0.0.1", port: 0 });
    const { report, images } = await download(url, run.caPem, mode);
    expect(report.resumes).toBe(3);
    expect(report.bytesDownloaded).toBe(report.bytesTotal);
    expect(Buffer.from(images.get(1) ?? []).equals(files.get("net.bin") ?? Buffer.of())).toBe(true);
  });
});
