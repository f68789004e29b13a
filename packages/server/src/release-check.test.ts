// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from "@tandem/base/node";
import { signerFromSeed } from "@tandem/image/node";
import { buildRelease, generatePayloads, payloadInput } from "@tandem/release";
import { describe, expect, it } from "vitest";

import { createReleaseCheck } from "./release-check.js";
import type { LoadedRelease } from "./release-directory.js";

const crypto = nodeCrypto;
const signer = signerFromSeed(new Uint8Array(32).fill(1));
const stranger = signerFromSeed(new Uint8Array(32).fill(2));

function sampleRelease(change?: (net: Uint8Array) => void): LoadedRelease {
  const version = "1.1.0";
  const { app, net } = generatePayloads(1, { version, crypto, appBytes: 8192, netBytes: 8192 });
  const { manifest, files } = buildRelease({
    version,
    securityCounter: 1,
    crypto,
    signer,
    app: payloadInput("app", app),
    net: payloadInput("net", net),
  });
  const contents = new Map(files);
  const changed = contents.get("net.bin")?.slice() ?? new Uint8Array();
  change?.(changed);
  contents.set("net.bin", changed);
  return { directory: "/releases/first", label: "first", manifest, contents };
}

describe("createReleaseCheck", () => {
  it("finds nothing in a release that was signed with the key", async () => {
    const check = createReleaseCheck({ crypto, keys: [signer.publicKey] });
    expect(await check(sampleRelease())).toEqual([]);
  });

  it("finds a release that was signed by a stranger, unless there is no key to tell", async () => {
    const strict = createReleaseCheck({ crypto, keys: [stranger.publicKey] });
    const codes = (await strict(sampleRelease())).map(({ code }) => code);
    expect(codes).toHaveLength(2);
    expect(codes.every((code) => code.startsWith("image/"))).toBe(true);
    expect(await createReleaseCheck({ crypto, keys: null })(sampleRelease())).toEqual([]);
  });

  it.each([null, [signer.publicKey]])("finds a changed byte, and names the file", async (keys) => {
    const check = createReleaseCheck({ crypto, keys });
    const findings = await check(
      sampleRelease((net) => {
        net[1000] = (net[1000] ?? 0) ^ 1;
      }),
    );
    expect(findings).toMatchObject([
      {
        code: expect.stringMatching(/^image\//),
        message: expect.stringMatching(/^first\/net\.bin: /),
      },
    ]);
  });

  it("finds an image that is missing", async () => {
    const { contents, ...release } = sampleRelease();
    const fewer = new Map([...contents].filter(([name]) => name !== "net.bin"));
    const check = createReleaseCheck({ crypto, keys: null });
    expect(await check({ ...release, contents: fewer })).toMatchObject([{ code: "release/size" }]);
  });
});
