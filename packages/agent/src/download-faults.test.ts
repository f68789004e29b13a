// SPDX-License-Identifier: Apache-2.0
import { PeerError, TimeoutError, TransportError } from "@tandem/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { downloadRelease } from "./download-release.js";
import {
  APP,
  BUNDLE,
  MemoryTarget,
  sampleManifest,
  sampleOptions,
  serveSample,
  sha256,
} from "./testing/sample-release.js";
import { ScriptedServer, alterAt, fixture } from "./testing/scripted-server.js";
import type { Exchange } from "./testing/scripted-server.js";

const NAMES_SAMPLE = { format: 1, version: "1.1.0" };

let server: ScriptedServer;
let target: MemoryTarget;

beforeEach(async () => {
  server = await ScriptedServer.start();
  serveSample(server);
  target = new MemoryTarget();
});
afterEach(async () => {
  await server.idle();
  await server[Symbol.asyncDispose]();
});

async function failure(
  changes: Partial<Parameters<typeof downloadRelease>[0]> = {},
): Promise<unknown> {
  return await downloadRelease({ ...sampleOptions(server, target), ...changes }).then(
    () => "no error",
    (error: unknown) => error,
  );
}

function put(bytes: Uint8Array): void {
  server.files.set("/releases/1.1.0/release.json", { bytes, sha256: "" });
}

function manifestWith(changes: object): Uint8Array {
  return Buffer.from(JSON.stringify({ ...sampleManifest(), ...changes }));
}

describe("a server that cannot be trusted", () => {
  it.each([
    ["an unknown authority", "server", "other-ca.pem", /unknown CA/],
    ["an expired certificate", "expired", "ca.pem", /certificate has expired/],
    ["a certificate for another host", "other-host", "ca.pem", /certificate is for another host/],
  ])("is refused for %s, at once", async (_, certificate, ca, reason) => {
    await using other = await ScriptedServer.start(certificate);
    const error = await failure({ baseUrl: other.url, tls: { ca: fixture(ca) } });
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      code: "agent/tls",
      message: expect.stringMatching(reason),
      details: { host: new URL(other.url).host },
    });
    expect(other.requests).toEqual([]);
    await other.idle();
  });

  it("is refused when it has become another in the middle of a download", async () => {
    // The connection that replaces the dropped one is checked like the first.
    server.script = ({ nthRange, request }) => {
      if (nthRange !== 2) return false;
      server.useCertificate("expired");
      request.socket.destroy();
      return true;
    };
    expect(await failure()).toMatchObject({ code: "agent/tls" });
    expect(target.images.get(0)?.length).toBe(16_384);
  });

  it("is refused when it does not speak TLS at all", async () => {
    const { createServer } = await import("node:net");
    const plain = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const address = plain.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const error = await failure({ baseUrl: `https://127.0.0.1:${port}` });
    expect(error).toMatchObject({ code: "agent/tls" });
    plain.close();
  });
});

describe("a server that is not there", () => {
  it("is tried as often as asked, then named", async () => {
    const gone = await ScriptedServer.start();
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    const delays: number[] = [];
    const options = sampleOptions(server, target, delays);
    const error = await failure({ ...options, baseUrl: url });
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      code: "agent/connection",
      message: expect.stringContaining(`no connection to ${new URL(url).host} (ECONNREFUSED)`),
    });
    expect(delays).toHaveLength(2);
  });

  it("is a timeout when it accepts and then says nothing", async () => {
    server.script = ({ nthRange }) => nthRange > 0;
    const error = await failure({ timeouts: { requestMs: 60 } });
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ code: "agent/timeout" });
  });

  it("is a timeout when it stops within a body", async () => {
    server.script = ({ nthRange, response, status, headers, body }) => {
      if (nthRange === 0) return false;
      response.writeHead(status, headers).write(body.subarray(0, 10));
      return true;
    };
    const error = await failure({ timeouts: { idleMs: 60 } });
    expect(error).toMatchObject({ code: "agent/timeout" });
    expect(target.images.size).toBe(0);
  });
});

describe("a file that is another one now", () => {
  const changed = { bytes: APP.slice().fill(0, 40_000), sha256: sha256(new Uint8Array(9)) };

  it("is refused when its content changes in the middle", async () => {
    server.script = ({ nthRange }) => {
      if (nthRange === 2) server.files.set("/releases/1.1.0/app.bin", changed);
      return false;
    };
    const error = await failure();
    expect(error).toBeInstanceOf(PeerError);
    expect(error).toMatchObject({
      code: "agent/entity-changed",
      message: expect.stringContaining(`"${changed.sha256}"`),
      details: { url: `${server.url}/releases/1.1.0/app.bin` },
    });
    expect(target.images.get(0)?.length).toBe(32_768);
  });

  it.each<[string, (answer: Exchange) => Partial<Exchange>]>([
    ["another ETag", ({ headers }) => ({ headers: { ...headers, etag: '"other"' } })],
    ["a weak ETag", ({ headers }) => ({ headers: { ...headers, etag: `W/${headers.etag}` } })],
    [
      "no ETag",
      ({ headers }) => ({ headers: { "content-range": headers["content-range"] ?? "" } }),
    ],
    [
      "another size",
      ({ headers }) => ({ headers: { ...headers, "content-range": "bytes 16384-32767/50002" } }),
    ],
    ["status 200", () => ({ status: 200, body: APP, headers: { "content-length": APP.length } })],
    ["status 416", () => ({ status: 416, body: new Uint8Array(), headers: {} })],
  ])("is refused for %s", async (_, alter) => {
    server.script = alterAt(2, alter);
    expect(await failure()).toMatchObject({ code: "agent/entity-changed" });
    expect(target.images.get(0)?.length).toBe(16_384);
  });
});

describe("an answer that does not fit the request", () => {
  it.each<[string, string, (answer: Exchange) => Partial<Exchange>]>([
    [
      "another range",
      "agent/bad-range",
      ({ headers }) => ({ headers: { ...headers, "content-range": "bytes 0-16383/50001" } }),
    ],
    [
      "no Content-Range",
      "agent/bad-range",
      ({ headers }) => ({ headers: { etag: headers.etag ?? "" } }),
    ],
    [
      "an unknown size",
      "agent/bad-range",
      ({ headers }) => ({ headers: { ...headers, "content-range": "bytes 16384-32767/*" } }),
    ],
    [
      "a shorter body, announced",
      "agent/body-length",
      ({ headers, body }) => ({
        headers: { ...headers, "content-length": 100 },
        body: body.subarray(0, 100),
      }),
    ],
    [
      "a longer body, announced",
      "agent/body-length",
      ({ headers }) => ({ headers: { ...headers, "content-length": 20_000 }, body: APP }),
    ],
    [
      "a shorter chunked body",
      "agent/body-length",
      ({ headers: { etag, "content-range": range }, body }) => ({
        headers: { etag, "content-range": range, "transfer-encoding": "chunked" },
        body: body.subarray(1),
      }),
    ],
    [
      "a longer chunked body",
      "agent/body-length",
      ({ headers: { etag, "content-range": range } }) => ({
        headers: { etag, "content-range": range, "transfer-encoding": "chunked" },
        body: APP,
      }),
    ],
    [
      "a compressed body",
      "agent/bad-encoding",
      ({ headers }) => ({ headers: { ...headers, "content-encoding": "gzip" } }),
    ],
    ["status 404", "agent/not-found", () => ({ status: 404 })],
    ["status 403", "agent/status", () => ({ status: 403 })],
    ["status 302", "agent/status", () => ({ status: 302, headers: { location: "/" } })],
  ])("%s ends the download without a repetition", async (_, code, alter) => {
    server.script = alterAt(2, alter);
    const error = await failure();
    expect(error).toBeInstanceOf(PeerError);
    expect(error).toMatchObject({ code });
    expect(target.images.get(0)?.length).toBe(16_384);
    expect(server.requests).toHaveLength(3);
  });

  it("that is not HTTP ends it too", async () => {
    server.script = ({ nthRange, request }) => {
      if (nthRange === 2) request.socket.end("garbage, for certain\r\n\r\n");
      return nthRange === 2;
    };
    expect(await failure()).toMatchObject({ code: "agent/bad-response" });
  });

  it("quotes the server's problem document in one line", async () => {
    const detail = "app.bin has changed\r\nsince it was published";
    server.script = alterAt(1, () => ({
      status: 409,
      headers: { "content-type": "application/problem+json" },
      body: Buffer.from(JSON.stringify({ detail })),
    }));
    expect(await failure()).toMatchObject({
      message: `GET ${server.url}/releases/1.1.0/app.bin: status 409, expected 206: app.bin has changed since it was published`,
    });
  });

  it.each([
    ["is too long", Buffer.alloc(5000, "x")],
    ["is no JSON", Buffer.from("{")],
    ["is a list", Buffer.from("[]")],
    ["has no text for a detail", Buffer.from('{"detail": 5}')],
  ])("says nothing more when the problem document %s", async (_, body) => {
    const headers = { "content-type": "application/problem+json" };
    server.script = alterAt(1, () => ({ status: 409, headers, body }));
    expect(await failure()).toMatchObject({
      message: `GET ${server.url}/releases/1.1.0/app.bin: status 409, expected 206`,
    });
  });

  it("is asked for again when the connection is lost within the problem document", async () => {
    server.script = ({ nthRange, request, response }) => {
      if (nthRange !== 1) return false;
      response.writeHead(404, { "content-type": "application/problem+json" });
      response.write("{", () => request.socket.destroy());
      return true;
    };
    const report = await downloadRelease(sampleOptions(server, target));
    expect(report).toMatchObject({ rangeRequests: 6, resumes: 1 });
  });
});

describe("a busy server", () => {
  it.each([
    ["503 without a time", 503, {}, 50],
    ["503 with seconds", 503, { "retry-after": "7" }, 7000],
    ["429 with a date", 429, { "retry-after": "Sun, 01 Nov 2026 12:00:09 GMT" }, 9000],
    ["500 with more than the limit", 500, { "retry-after": "86400" }, 120_000],
    ["408 with nonsense", 408, { "retry-after": "soon" }, 50],
  ])("%s is asked again after that", async (_, status, headers, delayMs) => {
    const delays: number[] = [];
    server.script = alterAt(2, () => ({ status, headers, body: Buffer.from("try later") }));
    const report = await downloadRelease(sampleOptions(server, target, delays));
    expect(delays).toEqual([delayMs]);
    expect(report).toMatchObject({ rangeRequests: 6, resumes: 0 });
  });

  it("is given up after the last attempt", async () => {
    server.script = ({ response }) => {
      response.writeHead(503).end();
      return true;
    };
    expect(await failure()).toMatchObject({ code: "agent/status", details: { found: 503 } });
    expect(server.requests).toHaveLength(3);
  });
});

describe("a hostile release.json", () => {
  it.each([
    ["is missing", () => server.files.clear(), "agent/not-found"],
    ["is too long", () => put(new Uint8Array(65_537).fill(0x20)), "agent/body-length"],
    ["is empty", () => put(new Uint8Array()), "agent/body-length"],
    ["is not UTF-8", () => put(Uint8Array.of(0x7b, 0xff, 0x7d)), "agent/not-text"],
    ["is of another version", () => put(manifestWith({ version: "9.9.9" })), "agent/wrong-release"],
  ])("that %s ends the download before the target is touched", async (_, prepare, code) => {
    prepare();
    expect(await failure()).toMatchObject({ code });
    expect(target.release).toBeUndefined();
  });

  it.each([
    ["no JSON", Buffer.from("{")],
    ["a list", Buffer.from("[]")],
    ["no images", Buffer.from(JSON.stringify(NAMES_SAMPLE))],
    ["another format", manifestWith({ format: 2 })],
  ])("with %s is a format error that names the URL", async (_, bytes) => {
    put(bytes);
    expect(await failure()).toMatchObject({
      name: "FormatError",
      message: expect.stringContaining(`${server.url}/releases/1.1.0/release.json`),
    });
    expect(target.release).toBeUndefined();
  });

  it("that streams without end is cut off", async () => {
    server.script = ({ response }) => {
      response.writeHead(200);
      const pump = (): boolean => response.write(new Uint8Array(16_384), () => void pump());
      return pump() || true;
    };
    expect(await failure()).toMatchObject({ code: "agent/body-length" });
  });
});

describe("a bundle that is not the release", () => {
  it.each([
    ["no bundle at all", { bundle: undefined }, "agent/no-bundle"],
    [
      "another size of an image",
      { images: sampleManifest().images.map((image) => ({ ...image, size: image.size + 1 })) },
      "agent/bundle-mismatch",
    ],
    ["fewer images", { images: sampleManifest().images.slice(0, 1) }, "agent/bundle-mismatch"],
  ])("is refused for %s before the target is touched", async (_, changes, code) => {
    put(manifestWith(changes));
    expect(await failure({ mode: "bundle" })).toMatchObject({ code });
    expect(target.release).toBeUndefined();
  });

  it("is refused for bytes behind the last image", async () => {
    const longer = Buffer.concat([BUNDLE, Buffer.alloc(1)]);
    const bundle = { file: "dfu_multi_image.bin", size: longer.length, sha256: sha256(longer) };
    serveSample(server, sampleManifest({ bundle }));
    server.files.set("/releases/1.1.0/dfu_multi_image.bin", {
      bytes: longer,
      sha256: bundle.sha256,
    });
    expect(await failure({ mode: "bundle" })).toMatchObject({ code: "agent/bundle-mismatch" });
  });

  it("is refused for a header that is none", async () => {
    const broken = { bytes: BUNDLE.slice().fill(0xff, 0, 32), sha256: sha256(BUNDLE) };
    server.files.set("/releases/1.1.0/dfu_multi_image.bin", broken);
    expect(await failure({ mode: "bundle" })).toMatchObject({
      name: "FormatError",
      message: expect.stringContaining(`${server.url}/releases/1.1.0/dfu_multi_image.bin: header`),
    });
  });
});
