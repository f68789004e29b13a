// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { downloadRelease } from "./download-release.js";
import type { DownloadEvent, DownloadProgress } from "./download-release.js";
import {
  APP,
  BUNDLE,
  BUNDLE_HEADER_SIZE,
  MemoryTarget,
  NET,
  PowerLoss,
  sampleManifest,
  sampleOptions,
  serveSample,
  sha256,
} from "./testing/sample-release.js";
import { ScriptedServer, dropAt } from "./testing/scripted-server.js";
import type { ServedFile } from "./testing/scripted-server.js";

const TOTAL = APP.length + NET.length;

let server: ScriptedServer;
let target: MemoryTarget;

beforeEach(async () => {
  server = await ScriptedServer.start();
  serveSample(server);
  target = new MemoryTarget();
});
afterEach(async () => {
  // Whatever a test did, the download must have left no socket behind.
  await server.idle();
  await server[Symbol.asyncDispose]();
});

function expectComplete(held: MemoryTarget): void {
  // Deep equality of large arrays takes the test runner a tenth of a second.
  expect([0, 1].map((index) => sha256(held.images.get(index) ?? new Uint8Array()))).toEqual(
    [APP, NET].map(sha256),
  );
}

describe("downloadRelease", () => {
  it("downloads two files in fragments", async () => {
    const report = await downloadRelease(sampleOptions(server, target));
    expectComplete(target);
    expect(target.release).toEqual(sampleManifest());
    expect(report).toEqual({
      bytesDownloaded: TOTAL,
      bytesTotal: TOTAL,
      rangeRequests: 6,
      resumes: 0,
    });
    expect(server.requests).toEqual([
      "/releases/1.1.0/release.json",
      "/releases/1.1.0/app.bin bytes=0-16383",
      "/releases/1.1.0/app.bin bytes=16384-32767",
      "/releases/1.1.0/app.bin bytes=32768-49151",
      "/releases/1.1.0/app.bin bytes=49152-50000",
      "/releases/1.1.0/net.bin bytes=0-16383",
      "/releases/1.1.0/net.bin bytes=16384-30002",
    ]);
  });

  it("downloads one bundle in fragments that do not cross from image to image", async () => {
    const report = await downloadRelease({ ...sampleOptions(server, target), mode: "bundle" });
    expectComplete(target);
    expect(report).toEqual({
      bytesDownloaded: TOTAL,
      bytesTotal: TOTAL,
      rangeRequests: 7,
      resumes: 0,
    });
    const start = BUNDLE_HEADER_SIZE;
    expect(server.requests.slice(1)).toEqual(
      [
        "0-511",
        `${start}-${start + 16_383}`,
        `${start + 16_384}-${start + 32_767}`,
        `${start + 32_768}-${start + 49_151}`,
        `${start + 49_152}-${start + 50_000}`,
        `${start + 50_001}-${start + 66_384}`,
        `${start + 66_385}-${BUNDLE.length - 1}`,
      ].map((range) => `/releases/1.1.0/dfu_multi_image.bin bytes=${range}`),
    );
  });

  it("finds releases below a path, and asks for a version with a plus sign", async () => {
    const manifest = sampleManifest({ version: "1.1.0+7" });
    const moved = new Map<string, ServedFile>();
    for (const [path, file] of server.files) {
      moved.set(path.replace("/releases/1.1.0/", "/fw/releases/1.1.0%2B7/"), file);
    }
    const text = Buffer.from(JSON.stringify(manifest));
    moved.set("/fw/releases/1.1.0%2B7/release.json", { bytes: text, sha256: "" });
    server.files.clear();
    for (const [path, file] of moved) server.files.set(path, file);
    const options = sampleOptions(server, target);
    await downloadRelease({ ...options, baseUrl: `${server.url}/fw/`, release: "1.1.0+7" });
    expect(target.release).toEqual(manifest);
  });

  it("tells progress and events in the order in which they happen", async () => {
    const progress: DownloadProgress[] = [];
    const events: DownloadEvent[] = [];
    server.script = dropAt({ 2: 100 });
    await downloadRelease({
      ...sampleOptions(server, target),
      fragmentBytes: 30_003,
      onProgress: (step) => void progress.push(step),
      log: (event) => void events.push(event),
    });
    expect(progress.map((step) => [step.core, step.imageBytes, step.releaseBytes])).toEqual([
      ["app", 30_003, 30_003],
      ["app", 50_001, 50_001],
      ["net", 30_003, 80_004],
    ]);
    expect(progress[0]).toMatchObject({ imageBytesTotal: 50_001, releaseBytesTotal: 80_004 });
    expect(events.map(({ type }) => type)).toEqual([
      "release",
      "image",
      "retry",
      "resumed",
      "image",
    ]);
    expect(events[2]).toMatchObject({ attempt: 1, reason: { code: "agent/connection" } });
    expect(events[3]).toMatchObject({ core: "app", offsetBytes: 30_003 });
  });

  it("refuses what it cannot ask for", async () => {
    const options = sampleOptions(server, target);
    const refusals = [
      [{ baseUrl: "http://127.0.0.1" }, "agent/bad-url"],
      [{ baseUrl: "https://user:word@127.0.0.1" }, "agent/bad-url"],
      [{ baseUrl: "https://127.0.0.1/?q" }, "agent/bad-url"],
      [{ baseUrl: "127.0.0.1" }, "agent/bad-url"],
      [{ release: ".." }, "agent/bad-version"],
      [{ release: "" }, "agent/bad-version"],
      [{ fragmentBytes: 0 }, "agent/bad-fragment-size"],
      [{ fragmentBytes: 1.5 }, "agent/bad-fragment-size"],
      [{ tls: { ca: "not a certificate" } }, "agent/bad-ca"],
    ] as const;
    for (const [change, code] of refusals) {
      // One after the other: they share the server.
      // oxlint-disable-next-line no-await-in-loop
      await expect(downloadRelease({ ...options, ...change })).rejects.toMatchObject({ code });
    }
    expect(server.requests).toEqual([]);
  });

  it("refuses a target that holds more than the image", async () => {
    target.receivedBytes = () => APP.length + 1;
    await expect(downloadRelease(sampleOptions(server, target))).rejects.toMatchObject({
      code: "agent/bad-offset",
    });
  });
});

describe("a dropped connection", () => {
  it.each([
    ["before the headers of the first range", { 1: "before the headers" }, 1],
    ["before the first byte", { 1: 0 }, 1],
    ["after the first byte", { 1: 1 }, 1],
    ["in the middle", { 2: 8000 }, 1],
    ["before the last byte", { 3: 16_383 }, 1],
    ["in the short last fragment of an image", { 4: 848 }, 1],
    ["in the first fragment of the second image", { 5: 5000 }, 1],
    ["in the last fragment of all", { 6: 13_618 }, 1],
    ["twice in one fragment", { 3: 16_000, 4: 1 }, 2],
    ["in every image", { 1: 7, 7: 7 }, 2],
  ] as const)("%s continues behind the last completed fragment", async (_, drops, resumes) => {
    server.script = dropAt(drops);
    const report = await downloadRelease(sampleOptions(server, target));
    expectComplete(target);
    expect(report).toEqual({
      bytesDownloaded: TOTAL,
      bytesTotal: TOTAL,
      rangeRequests: 6,
      resumes,
    });
    expect(server.requests).toHaveLength(7 + resumes);
    expect(new Set(server.requests).size).toBe(7);
  });

  it.each([
    ["in the header", { 1: 20 }, 0],
    ["in the second image", { 7: 13_000 }, 1],
  ] as const)("%s of a bundle does the same", async (_, drops, resumes) => {
    server.script = dropAt(drops);
    const report = await downloadRelease({ ...sampleOptions(server, target), mode: "bundle" });
    expectComplete(target);
    expect(report).toEqual({
      bytesDownloaded: TOTAL,
      bytesTotal: TOTAL,
      rangeRequests: 7,
      resumes,
    });
  });

  it("is waited for with delays that double, up to the number of attempts", async () => {
    const delays: number[] = [];
    server.script = dropAt({ 1: 5, 2: 5, 3: 5 });
    await expect(downloadRelease(sampleOptions(server, target, delays))).rejects.toMatchObject({
      code: "agent/connection",
    });
    expect(delays).toEqual([50, 100]);
    expect(target.images.size).toBe(0);
  });

  it("in release.json is repeated and not counted", async () => {
    let drops = 1;
    server.script = ({ nthRange, request }) => {
      if (nthRange > 0 || drops-- === 0) return false;
      request.socket.destroy();
      return true;
    };
    const report = await downloadRelease(sampleOptions(server, target));
    expectComplete(target);
    expect(report.resumes).toBe(0);
  });
});

describe("a power cut", () => {
  it.each([1, 2, 3, 4, 5])("at write %i leaves the download to go on", async (cutAfterWrites) => {
    const first = new MemoryTarget({ blockBytes: 4096, cutAfterWrites });
    await expect(downloadRelease(sampleOptions(server, first))).rejects.toBeInstanceOf(PowerLoss);
    await server.idle();
    server.requests.length = 0;
    const second = first.afterReset();
    const held = [0, 1].map((index) => second.images.get(index)?.length ?? 0);
    const report = await downloadRelease(sampleOptions(server, second));
    expectComplete(second);
    expect(report.bytesDownloaded).toBe(TOTAL - (held[0] ?? 0) - (held[1] ?? 0));
    expect(report.resumes).toBe(0);
  });

  it("inside the second image of a bundle resumes there", async () => {
    const options = { mode: "bundle", fragmentBytes: 10_000 } as const;
    const first = new MemoryTarget({ blockBytes: 4096, cutAfterWrites: 7 });
    const cut = downloadRelease({ ...sampleOptions(server, first), ...options });
    await expect(cut).rejects.toBeInstanceOf(PowerLoss);
    await server.idle();
    server.requests.length = 0;
    const second = first.afterReset();
    expect(second.images.get(1)?.length).toBe(8192);
    const report = await downloadRelease({ ...sampleOptions(server, second), ...options });
    expectComplete(second);
    expect(report.bytesDownloaded).toBe(NET.length - 8192);
    const from = BUNDLE_HEADER_SIZE + APP.length + 8192;
    expect(server.requests[2]).toBe(
      `/releases/1.1.0/dfu_multi_image.bin bytes=${from}-${from + 9999}`,
    );
  });

  it("when the release is begun reaches the caller untouched", async () => {
    const loss = new PowerLoss("power");
    target.start = () => {
      throw loss;
    };
    await expect(downloadRelease(sampleOptions(server, target))).rejects.toBe(loss);
  });

  it("after everything was received leaves nothing to download", async () => {
    await downloadRelease(sampleOptions(server, target));
    await server.idle();
    const report = await downloadRelease(sampleOptions(server, target.afterReset()));
    expect(report).toEqual({ bytesDownloaded: 0, bytesTotal: TOTAL, rangeRequests: 0, resumes: 0 });
  });
});

describe("an abort", () => {
  it("in the middle of a body ends the download with the signal's reason", async () => {
    const abort = new AbortController();
    server.script = ({ nthRange, response, status, headers, body }) => {
      if (nthRange !== 3) return false;
      response.writeHead(status, headers);
      response.write(body.subarray(0, 100), () => abort.abort());
      return true;
    };
    const options = { ...sampleOptions(server, target), signal: abort.signal };
    await expect(downloadRelease(options)).rejects.toMatchObject({ name: "AbortError" });
    expect(target.images.get(0)?.length).toBe(32_768);
  });

  it("while waiting for the next attempt does not make one", async () => {
    const abort = new AbortController();
    server.script = dropAt({ 1: 10 });
    const options = sampleOptions(server, target);
    const sleep = async (_: number, signal: AbortSignal | undefined): Promise<void> => {
      expect(signal).toBe(abort.signal);
      abort.abort();
      await Promise.resolve();
    };
    await expect(
      downloadRelease({
        ...options,
        retry: { ...options.retry, sleep },
        signal: abort.signal,
      }),
    ).rejects.toMatchObject({ name: "AbortError" });
    expect(server.requests).toHaveLength(2);
  });

  it("before the start connects nowhere", async () => {
    const options = { ...sampleOptions(server, target), signal: AbortSignal.abort() };
    await expect(downloadRelease(options)).rejects.toMatchObject({ name: "AbortError" });
    expect(server.requests).toEqual([]);
  });

  it("leaves no handle open", async () => {
    const abort = new AbortController();
    const options = {
      ...sampleOptions(server, target),
      signal: abort.signal,
      onProgress: () => abort.abort(),
    };
    await expect(downloadRelease(options)).rejects.toMatchObject({ name: "AbortError" });
    await server.idle();
    const open = process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLS/.test(name));
    expect(open).toEqual([]);
  });
});

describe("a sample release", () => {
  it("has the digests that its release.json names", () => {
    expect(sampleManifest().images.map((image) => image.sha256)).toEqual([APP, NET].map(sha256));
  });
});
