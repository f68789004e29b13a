// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { encodeReleaseJson, parseReleaseJson } from "./release-json.js";
import type { ReleaseManifest } from "./release-json.js";

const name = "release.json";
const DIGEST = "0123456789abcdef".repeat(4);
const MANIFEST: ReleaseManifest = {
  format: 1,
  version: "1.2.0",
  id: DIGEST,
  hardware: "nrf5340dk",
  securityCounter: 3,
  images: [
    { index: 0, core: "app", file: "app.bin", size: 100, sha256: DIGEST, version: "1.2.0" },
    { index: 1, core: "net", file: "net.bin", size: 90, sha256: DIGEST, version: "1.2.0+7" },
  ],
};
const parse = (document: unknown) => parseReleaseJson(JSON.stringify(document), { name });
const withImage = (index: number, change: object): object => ({
  ...MANIFEST,
  images: MANIFEST.images.map((image, i) => (i === index ? { ...image, ...change } : image)),
});

function parsedOrFormatError(text: string): ReleaseManifest | FormatError {
  try {
    return parseReleaseJson(text, { name });
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

describe("parseReleaseJson", () => {
  it("gives back what was encoded, with and without a bundle", () => {
    const bundle = { file: "dfu_multi_image.bin", size: 226, sha256: DIGEST };
    for (const manifest of [MANIFEST, { ...MANIFEST, bundle }]) {
      expect(parseReleaseJson(encodeReleaseJson(manifest), { name })).toEqual(manifest);
    }
  });

  it.each([
    ["another format", { ...MANIFEST, format: 2 }, "format: 2, expected 1"],
    ["a missing field", { ...MANIFEST, id: undefined }, "id: missing, expected string"],
    ["an unknown field", { ...MANIFEST, sise: 1 }, "sise: 1, expected no such field"],
    ["no images", { ...MANIFEST, images: [] }, "images: [], expected 1 to 4 images"],
    [
      "five images",
      { ...MANIFEST, images: Array.from({ length: 5 }, () => MANIFEST.images[0]) },
      "expected 1 to 4 images",
    ],
    [
      "images out of order",
      { ...MANIFEST, images: MANIFEST.images.toReversed() },
      "images[0].index: 1, expected 0",
    ],
    [
      "a path",
      withImage(1, { file: "../net.bin" }),
      'images[1].file: "../net.bin", expected a plain file name',
    ],
    ["a file twice", withImage(1, { file: "app.bin" }), 'images[1].file: "app.bin" again'],
    ["a core twice", withImage(1, { core: "app" }), 'images[1].core: "app" again'],
    [
      "its own name",
      withImage(0, { file: "release.json" }),
      "expected a name other than release.json",
    ],
    ["no bytes", withImage(0, { size: 0 }), "images[0].size: 0, expected at least 1"],
    ["too many bytes", withImage(0, { size: 2 ** 24 + 1 }), "expected at most 16777216"],
    ["a fraction", withImage(0, { size: 1.5 }), "images[0].size: 1.5, expected"],
    [
      "upper-case hex",
      withImage(0, { sha256: DIGEST.toUpperCase() }),
      "expected 64 lower-case hex digits",
    ],
    [
      "a bad version",
      withImage(1, { version: "1.2" }),
      'images[1].version: "1.2", expected major.minor.revision',
    ],
    [
      "a negative counter",
      { ...MANIFEST, securityCounter: -1 },
      "securityCounter: -1, expected at least 0",
    ],
    ["hardware with spaces", { ...MANIFEST, hardware: "a b" }, "hardware: "],
  ])("refuses %s", (_, document, message) => {
    expect(() => parse(document)).toThrow(message);
  });

  it("refuses a text that is no release at all", () => {
    expect(() => parseReleaseJson("{", { name })).toThrow("release.json: not JSON");
    expect(() => parseReleaseJson(" ".repeat(65_537), { name })).toThrow("65537 characters");
    expect(() => parse([])).toThrow("document: [], expected object");
  });

  it("either parses any JSON or throws a FormatError", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(() => parsedOrFormatError(text)).not.toThrow();
      }),
    );
    const field = fc.constantFrom("format", "version", "id", "images", "securityCounter", "bundle");
    fc.assert(
      fc.property(field, fc.jsonValue(), (key, value) => {
        const text = JSON.stringify({ ...MANIFEST, [key]: value });
        expect(() => parsedOrFormatError(text)).not.toThrow();
      }),
    );
  });
});
