// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import { nodeCrypto as crypto } from "@tandem/base/node";
import {
  TANDEM_TLV_BLOCK_DIGESTS,
  bytesSource,
  checkB0nImage,
  computeBlockDigests,
  encodeImage,
  findFwInfo,
  parseImage,
  parseVersion,
  readBlockDigests,
  signImage,
} from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import { describe, expect, it } from "vitest";

import { checkBinding } from "./binding.js";
import { buildRelease, buildReleaseOf, withBundle } from "./build-release.js";
import type { Release } from "./build-release.js";
import { parseMultiImage } from "./multi-image.js";
import { generatePayloads } from "./payloads.js";
import { parseReleaseInput, payloadInput } from "./release-input.js";
import { verifyRelease } from "./verify-release.js";

const signer = signerFromSeed(new Uint8Array(32).fill(1));
const keys = [signer.publicKey];
const payloads = generatePayloads(1, { version: "1.1.0", crypto, appBytes: 4096, netBytes: 4096 });
const BASE = { version: "1.1.0", securityCounter: 5, crypto, signer };
const app = payloadInput("app.elf.bin", payloads.app);
const net = payloadInput("net.elf.bin", payloads.net);
const RELEASE = buildRelease({ ...BASE, app, net });

const bytesOf = (release: Release, file: string): Uint8Array =>
  release.files.get(file) ?? new Uint8Array(0);
const sourcesOf = (release: Release) =>
  release.manifest.images.map(({ file }) => bytesSource(bytesOf(release, file)));
const codesOf = (release: Release, manifest = release.manifest): readonly string[] =>
  verifyRelease(manifest, sourcesOf(release), { crypto, keys }).findings.map(({ code }) => code);
const withFile = (file: string, bytes: Uint8Array): Release => ({
  ...RELEASE,
  files: new Map([...RELEASE.files, [file, bytes]]),
});

const stock = (payload: Uint8Array): Uint8Array =>
  signImage({
    payload,
    version: parseVersion("0.0.0"),
    headerSize: 0x200,
    signer: signerFromSeed(new Uint8Array(32)),
    crypto,
    dependencies: [{ imageIndex: 1, minVersion: parseVersion("9.0.0") }],
    extraProtectedTlvs: [{ type: 0xa1, value: new Uint8Array([1]) }],
  });

const buildAt = (baseAddress: number) =>
  buildRelease({ ...BASE, app: { ...app, baseAddress }, net });

const bindingCode = (...facts: Parameters<typeof checkBinding>[0]) => checkBinding(facts)?.code;

const small = (seed: number, version: string) =>
  generatePayloads(seed, { version, crypto, appBytes: 2048, netBytes: 2048 });

describe("buildRelease", () => {
  it("binds the net image into the app image and names the release after that", () => {
    const { facts, findings } = verifyRelease(RELEASE.manifest, sourcesOf(RELEASE), {
      crypto,
      keys,
    });
    expect(findings).toEqual([]);
    expect(facts[0]?.manifest?.imageHashes).toEqual([facts[1]?.hash]);
    expect(RELEASE.manifest.id).toBe(toHex(facts[0]?.hash ?? new Uint8Array(0)));
    expect(RELEASE.manifest.images.map(({ core, version }) => [core, version])).toEqual([
      ["app", "1.1.0"],
      ["net", "1.1.0"],
    ]);
  });

  it("makes the same release again", () => {
    expect(buildRelease({ ...BASE, app, net })).toEqual(RELEASE);
  });

  it("unwraps signed images without a manifest and signs them again", () => {
    const again = buildRelease({
      ...BASE,
      app: parseReleaseInput(stock(payloads.app), { name: "a" }),
      net: parseReleaseInput(stock(payloads.net), { name: "n" }),
    });
    expect(codesOf(again)).toEqual([]);
    const image = parseImage(bytesOf(again, "app.bin"));
    expect(image.payload).toEqual(payloads.app);
    expect(image.protectedTlvs.map(({ type }) => type)).toEqual([
      0x50,
      0x76,
      TANDEM_TLV_BLOCK_DIGESTS,
      0xa1,
    ]);
  });

  it("makes the block digests of an image that it signs again anew", () => {
    const [app1, net1] = ["app.bin", "net.bin"].map((file) =>
      parseReleaseInput(bytesOf(RELEASE, file), { name: file }),
    );
    if (app1 === undefined || net1 === undefined) throw new Error("unreachable");
    const images = { app: app1, net: net1 };
    const signedAgain = buildRelease({ ...BASE, version: "1.2.0", ...images });
    expect(codesOf(signedAgain)).toEqual([]);
    for (const source of sourcesOf(signedAgain)) {
      const found = readBlockDigests(source);
      const covered = source.read(0, found?.coveredBytes ?? 0);
      expect(found).toMatchObject(computeBlockDigests(covered, crypto));
    }
    const without = buildRelease({ ...BASE, ...images, blockDigests: false });
    expect(sourcesOf(without).map(readBlockDigests)).toEqual([null, null]);
  });

  it("keeps signed images that are one set when there is no key", () => {
    const inputs = {
      app: parseReleaseInput(bytesOf(RELEASE, "app.bin"), { name: "a" }),
      net: parseReleaseInput(bytesOf(RELEASE, "net.bin"), { name: "n" }),
    };
    const kept = buildRelease({ ...BASE, ...inputs, signer: null });
    expect(kept).toEqual(RELEASE);
    expect(() => buildRelease({ ...BASE, ...inputs, signer: null, securityCounter: 6 })).toThrow(
      "security counter 5 in the signed images, expected 6",
    );
    expect(() => buildRelease({ ...BASE, ...inputs, net, signer: null })).toThrow(
      "net.elf.bin: not signed, expected a key",
    );
    const other = buildRelease({ ...BASE, app, net, securityCounter: 4 });
    const foreign = parseReleaseInput(bytesOf(other, "net.bin"), { name: "n" });
    expect(() => buildRelease({ ...BASE, ...inputs, net: foreign, signer: null })).toThrow(
      "net.bin: security counter 4, expected 5",
    );
  });

  it.each([1, 3, 4])("makes sets of %i images", (count) => {
    const images = Array.from({ length: count }, (_, i) => ({
      core: `core-${i}`,
      input: payloadInput(`p${i}`, new Uint8Array(100 + i)),
    }));
    const release = buildReleaseOf({ ...BASE, images, layout: [] });
    expect(codesOf(release)).toEqual([]);
    expect(release.files.size).toBe(count);
  });

  it("refuses sets of none and five", () => {
    const image = { core: "a", input: payloadInput("a", new Uint8Array(8)) };
    for (const images of [[], [image, image, image, image, image]]) {
      expect(() => buildReleaseOf({ ...BASE, images, layout: [] })).toThrow("expected 1 to 4");
    }
  });

  it("lists all images in one bundle", () => {
    const bundled = withBundle(RELEASE, crypto);
    expect(bundled.manifest.bundle?.file).toBe("dfu_multi_image.bin");
    expect(parseMultiImage(bytesOf(bundled, "dfu_multi_image.bin"))).toEqual([
      { id: 0, bytes: bytesOf(RELEASE, "app.bin") },
      { id: 1, bytes: bytesOf(RELEASE, "net.bin") },
    ]);
  });
});

describe("link checks", () => {
  it("name the core that firmware is for when images are swapped", () => {
    const swapped = { ...BASE, app: net, net: app };
    expect(() => buildRelease(swapped)).toThrow(
      /net.elf.bin: reset vector at 0x4: 0x0100.*, firmware of the net core, expected firmware of the app core/,
    );
    const { warnings } = buildRelease({ ...swapped, unlinked: true });
    expect(warnings.map(({ code }) => code)).toEqual(["wrong-core", "wrong-core"]);
  });

  it("want a HEX file to begin where the firmware will stand", () => {
    expect(buildAt(0x1_0200).warnings).toEqual([]);
    expect(() => buildAt(0x1_0000)).toThrow(
      "app.elf.bin: first byte at address 0x00010000, expected 0x00010200",
    );
  });

  it("want the network core's firmware as b0n wants it", () => {
    const bare = payloadInput("net.bin", payloads.net.subarray(0, payloads.net.length - 100));
    expect(() => buildRelease({ ...BASE, app, net: bare })).toThrow("no validation info");
    expect(buildRelease({ ...BASE, app, net: bare, unlinked: true }).warnings).toMatchObject([
      { code: "fw-info", image: 1, core: "net" },
    ]);
  });

  it("refuse firmware that is too large for its slot, linked or not", () => {
    const large = generatePayloads(1, { version: "1.1.0", crypto, netBytes: 0x3_7804 });
    const build = () =>
      buildRelease({ ...BASE, app, net: payloadInput("n", large.net), unlinked: true });
    expect(build).toThrow(
      "n: 227332 bytes for the slot of the net core at 0x01008800, expected at most 227328",
    );
    const bigApp = generatePayloads(1, { version: "1.1.0", crypto, appBytes: 0xd_de00 - 16 });
    expect(() => buildRelease({ ...BASE, app: payloadInput("a", bigApp.app), net })).toThrow(
      /a: signed image of \d+ bytes for the slot of the app core at 0x00010000, expected at most 909312/,
    );
  });
});

describe("verifyRelease", () => {
  it("names every kind of mismatch", () => {
    const { manifest } = RELEASE;
    const appBytes = bytesOf(RELEASE, "app.bin");
    const broken = appBytes.slice();
    broken[0x300] = (broken[0x300] ?? 0) ^ 1;
    const other = buildRelease({ ...BASE, app, net, version: "1.1.1" });
    expect(codesOf(withFile("app.bin", broken))).toEqual(["image"]);
    expect(codesOf(withFile("app.bin", appBytes.subarray(1)))).toEqual(["size"]);
    expect(codesOf(withFile("net.bin", bytesOf(other, "net.bin")))).toEqual([
      "file-digest",
      "version",
      "manifest-binding",
    ]);
    expect(codesOf(RELEASE, { ...manifest, id: "0".repeat(64) })).toEqual(["release-id"]);
    expect(codesOf(RELEASE, { ...manifest, securityCounter: 4 })).toEqual([
      "security-counter",
      "security-counter",
    ]);
    expect(verifyRelease(manifest, [], { crypto, keys }).findings.map(({ code }) => code)).toEqual([
      "missing",
      "missing",
    ]);
    expect(
      verifyRelease(manifest, sourcesOf(RELEASE), { crypto, keys: [] }).findings,
    ).toMatchObject([
      { code: "image", image: 0, problem: { code: "unknown-key" } },
      { code: "image", image: 1, problem: { code: "unknown-key" } },
    ]);
  });
});

describe("checkBinding", () => {
  const hash = new Uint8Array(32).fill(1);
  const bound = (imageHashes: readonly Uint8Array[]) => ({
    hash,
    manifest: { format: 1, imageHashes } as const,
  });
  const plain = { hash, manifest: null };

  it("accepts exactly the listed images", () => {
    expect(checkBinding([plain])).toBeNull();
    expect(checkBinding([bound([])])).toBeNull();
    expect(checkBinding([bound([hash]), plain])).toBeNull();
  });

  it("names what does not fit", () => {
    expect(bindingCode()).toBe("no-images");
    expect(bindingCode(plain, plain)).toBe("no-manifest");
    expect(bindingCode(bound([hash]), bound([hash]))).toBe("extra-manifest");
    expect(bindingCode(bound([hash]))).toBe("image-count");
    expect(bindingCode(bound([hash, hash]), plain)).toBe("image-count");
    expect(bindingCode(bound([new Uint8Array(32)]), plain)).toBe("hash-mismatch");
  });
});

describe("parseReleaseInput", () => {
  const bytes = bytesOf(RELEASE, "app.bin");

  it("refuses what cannot be firmware", () => {
    expect(() => parseReleaseInput(new Uint8Array(0), { name: "a.bin" })).toThrow("a.bin: 0 bytes");
    expect(() => parseReleaseInput(bytes.subarray(0, 600), { name: "a.bin" })).toThrow(
      "a.bin: payload at 0x200",
    );
    const image = parseImage(bytes);
    const encrypted = encodeImage({ ...image, header: { ...image.header, flags: 4 } });
    expect(() => parseReleaseInput(encrypted, { name: "a.bin" })).toThrow(
      "a.bin: image header at 0x10: flags 0x4 (ENCRYPTED_AES128)",
    );
  });
});

describe("generatePayloads", () => {
  it("makes firmware that both cores' checks accept, of the sizes in the demo", () => {
    const made = generatePayloads(7, { version: "2.3.4", crypto });
    expect([made.app.length, made.net.length]).toEqual([280 * 1024, 173 * 1024]);
    expect(checkB0nImage(made.net, 0x0100_8800, crypto)).toBeNull();
    expect(findFwInfo(made.net)?.version).toBe(0x0203_0004);
    expect(
      buildRelease({ ...BASE, app: payloadInput("a", made.app), net: payloadInput("n", made.net) })
        .warnings,
    ).toEqual([]);
  });

  it("depends on seed and version only", () => {
    expect(small(1, "1.0.0")).toEqual(small(1, "1.0.0"));
    expect(small(1, "1.0.0").app).not.toEqual(small(2, "1.0.0").app);
    expect(small(1, "1.0.0").net).not.toEqual(small(1, "1.0.1").net);
  });
});
