// SPDX-License-Identifier: Apache-2.0
import { rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { Agent, get as getHttps } from "node:https";
import { join } from "node:path";

import { TransportError } from "@tandem/base";
import { encodeMultiImage } from "@tandem/release";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { APP, NET, TLS, ask, fixture, manifestOf, sha256 } from "./testing/release-root.js";
import type { Answer } from "./testing/release-root.js";
import { ServerUnderTest } from "./testing/server-under-test.js";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const APP_ETAG = `"${sha256(APP)}"`;

let test: ServerUnderTest;
beforeEach(async () => {
  test = await ServerUnderTest.prepare();
});
afterEach(async () => {
  await test[Symbol.asyncDispose]();
});

function appPath(): string {
  return join(test.root.path, "first", "app.bin");
}

function problemOf(answer: Answer): unknown {
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  return JSON.parse(answer.body.toString());
}

describe("a published release", () => {
  let url = "";
  beforeEach(async () => {
    await test.root.add("first", manifestOf("1.1.0"));
    url = await test.start();
  });
  const app = async (
    headers: Record<string, string> = {},
    method: "GET" | "HEAD" = "GET",
  ): Promise<Answer> => await ask(url, "/releases/1.1.0/app.bin", { headers, method });

  it("is listed", async () => {
    const answer = await ask(url, "/releases");
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual({
      releases: [
        {
          version: "1.1.0",
          id: manifestOf("1.1.0").id,
          hardware: "nrf5340dk",
          securityCounter: 1,
          release: "/releases/1.1.0/release.json",
          findings: [],
        },
      ],
      refused: [],
    });
    expect(test.events).toMatchObject([{ type: "published", label: "first" }]);
  });

  it("is served as the files that it names, each under the digest of its content", async () => {
    const [document, image] = [await ask(url, "/releases/1.1.0/release.json"), await app()];
    expect(JSON.parse(document.body.toString())).toEqual(manifestOf("1.1.0"));
    expect(document.headers.etag).toBe(`"${sha256(document.body)}"`);
    expect(image.status).toBe(200);
    expect(image.body.equals(APP)).toBe(true);
    expect(image.headers).toMatchObject({
      etag: APP_ETAG,
      "content-length": "5000",
      "content-type": "application/octet-stream",
      "accept-ranges": "bytes",
    });
    expect(image.headers["last-modified"]).toBeUndefined();
  });

  it.each([
    ["bytes=0-99", 0, 99],
    ["bytes=4990-", 4990, 4999],
    ["bytes=4990-9999", 4990, 4999],
    ["bytes=-10", 4990, 4999],
    ["bytes=-9999", 0, 4999],
  ])("answers the range %s", async (range, first, last) => {
    const answer = await app({ range });
    expect(answer.status).toBe(206);
    expect(answer.headers).toMatchObject({
      etag: APP_ETAG,
      "content-range": `bytes ${first}-${last}/5000`,
      "content-length": String(last - first + 1),
    });
    expect(answer.body.equals(APP.subarray(first, last + 1))).toBe(true);
  });

  it.each(["bytes=5000-", "bytes=-0"])("refuses the range %s", async (range) => {
    const answer = await app({ range });
    expect(answer.status).toBe(416);
    expect(answer.headers["content-range"]).toBe("bytes */5000");
    expect(problemOf(answer)).toMatchObject({ status: 416, code: "server/bad-range" });
  });

  it.each([
    "bytes=5-3",
    "bytes=-",
    "bytes=a-b",
    "lines=0-1",
    "bytes=0-1,5-9",
    "bytes=0-1,0-1",
    "bytes=0x0-5",
  ])("ignores the range %s, as it may", async (range) => {
    const answer = await app({ range });
    expect(answer.status).toBe(200);
    expect(answer.body.equals(APP)).toBe(true);
  });

  it.each([
    ["its ETag", APP_ETAG, 206],
    ["another ETag", '"0000"', 200],
    ["its ETag, weak", `W/${APP_ETAG}`, 200],
    ["a list of ETags", `"0000", ${APP_ETAG}`, 200],
    ["a date in the future", "Fri, 01 Jan 2100 00:00:00 GMT", 200],
    ["nonsense", "x", 200],
  ])("honours If-Range with %s", async (_, ifRange, status) => {
    const answer = await app({ range: "bytes=1-2", "if-range": ifRange });
    expect(answer.status).toBe(status);
    expect(answer.body.length).toBe(status === 206 ? 2 : 5000);
    expect(answer.headers.etag).toBe(APP_ETAG);
  });

  it("ignores If-Range without Range", async () => {
    expect((await app({ "if-range": '"0000"' })).status).toBe(200);
    expect((await app({ "if-range": APP_ETAG })).status).toBe(200);
  });

  it.each([
    ["its ETag", { "if-none-match": APP_ETAG }, 304],
    ["its ETag, weak", { "if-none-match": `W/${APP_ETAG}` }, 304],
    ["a list with it", { "if-none-match": `"0000", ${APP_ETAG}` }, 304],
    ["a star", { "if-none-match": "*" }, 304],
    ["another ETag", { "if-none-match": '"0000"' }, 200],
    ["another ETag and a range", { "if-none-match": '"0000"', range: "bytes=0-0" }, 206],
    ["its ETag and a range", { "if-none-match": APP_ETAG, range: "bytes=0-0" }, 304],
  ])("honours If-None-Match with %s", async (_, headers, status) => {
    const answer = await app(headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.etag).toBe(APP_ETAG);
    expect(answer.body.length).toBe({ 200: 5000, 206: 1, 304: 0 }[status]);
  });

  it.each([
    ["its ETag", { "if-match": APP_ETAG }, 200],
    ["a star", { "if-match": "*" }, 200],
    ["another ETag", { "if-match": '"0000"' }, 412],
    ["its ETag, weak", { "if-match": `W/${APP_ETAG}` }, 412],
    ["dates only", { "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT" }, 200],
    ["a later date", { "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT" }, 200],
  ])("honours If-Match with %s", async (_, headers, status) => {
    expect((await app(headers)).status).toBe(status);
  });

  it("answers HEAD without a body, and without a range", async () => {
    const answer = await app({ range: "bytes=0-9" }, "HEAD");
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ etag: APP_ETAG, "content-length": "5000" });
    expect(answer.body.length).toBe(0);
  });

  it("speaks HTTPS only", async () => {
    const outcome = await new Promise((resolve) => {
      get(`${url.replace("https", "http")}/releases`, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).once("error", () => resolve("refused"));
    });
    expect(outcome).toBe("refused");
  });
});

describe("what is not published", () => {
  it.each([
    "/",
    "/releases/",
    "/releases/1.1.0",
    "/releases/1.1.0/",
    "/releases/9.9.9/release.json",
    "/releases/1.1.0/secret.txt",
    "/releases/first/app.bin",
    "/releases/1.1.0/../../secret.txt",
    "/releases/1.1.0/..%2f..%2fsecret.txt",
    "/releases/1.1.0/%2e%2e/secret.txt",
    "/releases/1.1.0/..%5csecret.txt",
    "/releases/1.1.0/app.bin%00",
    "/releases/1.1.0/app.bin/",
    "/releases/1.1.0//app.bin",
    "/releases/1.1.0/APP.BIN",
    "/releases/__proto__/release.json",
    "/releases/1.1.0/constructor",
    "/../../etc/passwd",
    "//etc/passwd",
    "/first/app.bin",
  ])("is not found under %s", async (path) => {
    await test.root.add("first", manifestOf("1.1.0"));
    await test.root.write("first/secret.txt", "secret");
    await test.root.write("secret.txt", "secret");
    const answer = await ask(await test.start(), path);
    expect(answer.status).toBe(404);
    expect(problemOf(answer)).toMatchObject({ title: "Not Found", code: "server/not-found" });
  });

  it("is a bad request when the path is not even percent-encoding", async () => {
    const answer = await ask(await test.start(), "/releases/%zz/app.bin");
    expect(answer.status).toBe(400);
    expect(problemOf(answer)).toMatchObject({ status: 400 });
  });
});

describe("a file that changes after it was published", () => {
  const path = "/releases/1.1.0/app.bin";
  const swaps: [string, () => Promise<void>][] = [
    ["rewritten", async () => await writeFile(appPath(), new Uint8Array(5000))],
    ["touched", async () => await utimes(appPath(), 1, 1)],
    ["longer", async () => await writeFile(appPath(), "x", { flag: "a" })],
    [
      "exchanged",
      async () => {
        await writeFile(`${appPath()}.new`, new Uint8Array(5000));
        await rename(`${appPath()}.new`, appPath());
      },
    ],
    [
      "a link now",
      async () => {
        await rename(appPath(), `${appPath()}.old`);
        await writeFile(`${appPath()}.new`, new Uint8Array(5000));
        await symlink(`${appPath()}.new`, appPath());
      },
    ],
  ];

  it.each(swaps)("is not served any more when it is %s", async (_, swap) => {
    await test.root.add("first", manifestOf("1.1.0"));
    const url = await test.start();
    expect((await ask(url, path)).status).toBe(200);
    await swap();
    const answer = await ask(url, path, { headers: { range: "bytes=0-9", "if-range": APP_ETAG } });
    expect(answer.status).toBe(409);
    expect(answer.headers.etag).toBeUndefined();
    expect(problemOf(answer)).toMatchObject({ code: "server/file-changed" });
    expect(test.events.at(-1)).toEqual({ type: "changed", path: appPath() });
    expect((await ask(url, "/releases/1.1.0/net.bin")).body.equals(NET)).toBe(true);
  });

  it("is not found when it is gone", async () => {
    await test.root.add("first", manifestOf("1.1.0"));
    const url = await test.start();
    await rm(appPath());
    expect(problemOf(await ask(url, path))).toMatchObject({ code: "server/not-found" });
  });
});

describe("createReleaseServer", () => {
  it("checks the bytes that it serves", async () => {
    await test.root.add("first", manifestOf("1.1.0"));
    let seen: unknown;
    await test.create({
      publish: {
        check: ({ manifest, contents }) => {
          seen = [manifest.version, [...contents].map(([name, bytes]) => [name, sha256(bytes)])];
          return [];
        },
      },
    });
    expect(seen).toEqual([
      "1.1.0",
      [
        ["app.bin", sha256(APP)],
        ["net.bin", sha256(NET)],
      ],
    ]);
  });

  it("serves a root that is itself a release directory, and its bundle", async () => {
    const content = encodeMultiImage([
      { id: 0, bytes: APP },
      { id: 1, bytes: NET },
    ]);
    const bundle = { file: "all.bin", size: content.length, sha256: sha256(content) };
    await test.root.add(".", manifestOf("1.1.0", { bundle }));
    await test.root.write("all.bin", content);
    const url = await test.start();
    expect((await ask(url, "/releases/1.1.0/all.bin")).body.equals(content)).toBe(true);
  });

  it("lets a caller add hooks before it listens", async () => {
    await test.root.add("first", manifestOf("1.1.0"));
    const { app, listen } = await test.create();
    app.addHook("onSend", async (request, reply, payload) => {
      if (request.headers.range !== undefined) reply.header("x-hook", "seen");
      return await Promise.resolve(payload);
    });
    const url = await listen(LOOPBACK);
    const answer = await ask(url, "/releases/1.1.0/app.bin", { headers: { range: "bytes=0-9" } });
    expect(answer.headers["x-hook"]).toBe("seen");
  });

  it("answers a failing route with a problem document that tells no internals", async () => {
    const { app, listen } = await test.create();
    app.get("/fails", () => {
      throw new RangeError("internal secret");
    });
    const answer = await ask(await listen(LOOPBACK), "/fails");
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain("secret");
    expect(test.events.at(-1)).toMatchObject({ type: "failed", url: "/fails" });
  });

  it("closes while a client holds its connection open", async () => {
    await test.root.add("first", manifestOf("1.1.0"));
    const server = await test.create();
    const url = await server.listen(LOOPBACK);
    const agent = new Agent({ keepAlive: true, ca: fixture("ca.pem") });
    await new Promise<void>((resolve) => {
      getHttps(`${url}/releases`, { agent }, (response) => {
        response.resume().once("end", resolve);
      });
    });
    await server.close();
    agent.destroy();
    await expect(ask(url, "/releases")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("names a root that cannot be listed", async () => {
    await expect(test.create({ root: join(test.root.path, "none") })).rejects.toMatchObject({
      code: "server/bad-root",
      message: expect.stringContaining("none: ENOENT, expected a directory"),
    });
  });

  it("refuses a key that is not the certificate's, or no key at all", async () => {
    for (const key of [fixture("expired-key.pem"), "nonsense"]) {
      // oxlint-disable-next-line no-await-in-loop
      await expect(test.create({ tls: { ...TLS, key } })).rejects.toMatchObject({
        code: "server/bad-tls",
      });
    }
  });

  it("names a port that is taken", async () => {
    const url = await test.start();
    const other = await test.create();
    const taken = other.listen({ host: "127.0.0.1", port: Number(new URL(url).port) });
    await expect(taken).rejects.toBeInstanceOf(TransportError);
    await expect(taken).rejects.toMatchObject({
      code: "server/listen",
      message: expect.stringContaining("EADDRINUSE"),
    });
  });
});
