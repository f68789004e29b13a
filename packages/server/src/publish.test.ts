// SPDX-License-Identifier: Apache-2.0
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";

import { encodeMultiImage } from "@tandem/release";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { APP, NET, ask, manifestOf, sha256 } from "./testing/release-root.js";
import { ServerUnderTest, failingCheck } from "./testing/server-under-test.js";

let test: ServerUnderTest;
beforeEach(async () => {
  test = await ServerUnderTest.prepare();
});
afterEach(async () => {
  await test[Symbol.asyncDispose]();
});

describe("a directory that does not verify", () => {
  const breakages: [string, string, (manifest: ReturnType<typeof manifestOf>) => Promise<void>][] =
    [
      ["is no JSON", "release/bad-json", async (m) => await test.root.add("broken", m, "{")],
      [
        "lacks a file",
        "server/unreadable",
        async (m) => {
          await test.root.add("broken", m);
          await rm(join(test.root.path, "broken", "net.bin"));
        },
      ],
      [
        "has a file of another size",
        "server/size",
        async (m) => {
          await test.root.add("broken", m);
          await test.root.write("broken/net.bin", new Uint8Array(2999));
        },
      ],
      [
        "has a file with another digest",
        "server/digest",
        async (m) => {
          await test.root.add("broken", m);
          await test.root.write("broken/net.bin", new Uint8Array(3000));
        },
      ],
      [
        "names a file outside",
        "release/bad-json",
        async (m) => {
          await test.root.write("app.bin", APP);
          const images = m.images.map((image) => ({ ...image, file: "../app.bin" }));
          await test.root.add("broken", { ...m, images });
        },
      ],
      [
        "names release.json as an image",
        "release/bad-json",
        async (m) => {
          const images = m.images.map((image) => ({ ...image, file: "release.json" }));
          await test.root.add("broken", { ...m, images });
        },
      ],
      [
        "names a directory",
        "server/unreadable",
        async (m) => {
          await test.root.add("broken", m);
          await rm(join(test.root.path, "broken", "net.bin"));
          await test.root.write("broken/net.bin/file", "");
        },
      ],
      [
        "names a link",
        "server/unreadable",
        async (m) => {
          await test.root.add("broken", m);
          await rm(join(test.root.path, "broken", "net.bin"));
          await symlink("/etc/passwd", join(test.root.path, "broken", "net.bin"));
        },
      ],
      [
        "has a release.json without end",
        "server/too-large",
        async (m) => await test.root.add("broken", m, " ".repeat(65_537)),
      ],
      [
        "has a release.json that is not text",
        "server/not-text",
        async (m) => {
          await test.root.add("broken", m);
          await test.root.write("broken/release.json", Uint8Array.of(0xff));
        },
      ],
    ];

  it.each(breakages)(
    "because it %s is refused, and the others are served",
    async (_, code, add) => {
      await add(manifestOf("2.0.0"));
      await test.root.add("good", manifestOf("1.1.0"));
      const url = await test.start();
      expect(test.events).toMatchObject([
        { type: "published", label: "good" },
        { type: "refused", label: "broken", reasons: [{ code }] },
      ]);
      const list = (await ask(url, "/releases")).body.toString();
      expect(JSON.parse(list)).toMatchObject({
        releases: [{ version: "1.1.0" }],
        refused: [{ label: "broken", reasons: [{ code }] }],
      });
      expect(list).not.toContain(test.root.path);
      expect((await ask(url, "/releases/2.0.0/app.bin")).status).toBe(404);
      expect((await ask(url, "/releases/1.1.0/app.bin")).status).toBe(200);
    },
  );

  it.each<[string, string, readonly { id: number; bytes: Uint8Array }[]]>([
    [
      "another image",
      "server/bundle",
      [
        { id: 0, bytes: APP },
        { id: 1, bytes: APP },
      ],
    ],
    ["an image less", "server/bundle", [{ id: 0, bytes: APP }]],
    [
      "an image of another core",
      "server/bundle",
      [
        { id: 0, bytes: APP },
        { id: 2, bytes: NET },
      ],
    ],
  ])("is refused for a bundle with %s", async (_, code, parts) => {
    const content = encodeMultiImage(parts);
    const bundle = { file: "all.bin", size: content.length, sha256: sha256(content) };
    await test.root.add("broken", manifestOf("2.0.0", { bundle }));
    await test.root.write("broken/all.bin", content);
    const { refused } = await test.create();
    expect(refused).toMatchObject([
      { reasons: [{ code, message: expect.stringMatching(/^broken\/all\.bin: image/) }] },
    ]);
  });

  it("is refused for a bundle that is none", async () => {
    const bundle = { file: "all.bin", size: APP.length, sha256: sha256(APP) };
    await test.root.add("broken", manifestOf("2.0.0", { bundle }));
    await test.root.write("broken/all.bin", APP);
    const { refused } = await test.create();
    expect(refused).toMatchObject([{ reasons: [{ code: "release/bad-bundle" }] }]);
  });

  it("is refused for what the check finds, with all reasons", async () => {
    await test.root.add("broken", manifestOf("2.0.0"));
    const reasons = [
      { code: "image/bad-signature", message: "net.bin: signature is not valid" },
      { code: "image/bad-hash", message: "net.bin: hash 00, expected 01" },
    ];
    const { published, refused } = await test.create({
      publish: { check: async () => await Promise.resolve(reasons) },
    });
    expect(published.size).toBe(0);
    expect(refused).toEqual([{ label: "broken", reasons }]);
  });

  it("is refused when the check itself fails", async () => {
    await test.root.add("broken", manifestOf("2.0.0"));
    const { refused } = await test.create({ publish: { check: failingCheck } });
    expect(refused).toMatchObject([{ reasons: [{ code: "server/check-failed" }] }]);
  });

  it("is published by an unchecked server, with what was found", async () => {
    await test.root.add("broken", manifestOf("2.0.0"));
    await test.root.write("broken/net.bin", new Uint8Array(3000));
    await test.root.add("no-json", manifestOf("3.0.0"), "{");
    const url = await test.start({
      unchecked: true,
      publish: { check: failingCheck },
    });
    const answer = await ask(url, "/releases/2.0.0/net.bin");
    expect(answer.headers.etag).toBe(`"${sha256(new Uint8Array(3000))}"`);
    const list: unknown = JSON.parse((await ask(url, "/releases")).body.toString());
    expect(list).toMatchObject({
      releases: [{ version: "2.0.0", findings: [{ code: "server/digest" }] }],
      refused: [{ label: "no-json" }],
    });
  });

  it("is refused when its version is already published", async () => {
    await test.root.add("b-copy", manifestOf("1.1.0"));
    await test.root.add("a-first", manifestOf("1.1.0"));
    const { published, refused } = await test.create();
    expect(published.get("1.1.0")?.label).toBe("a-first");
    expect(refused).toMatchObject([
      { label: "b-copy", reasons: [{ code: "server/duplicate-version" }] },
    ]);
  });
});
