// SPDX-License-Identifier: Apache-2.0
import { assert, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";

import { bytesEqual, concatBytes, fromHex, hex, isErased, toHex } from "./bytes.js";
import { crc32c } from "./crc32c.js";
import { FormatError } from "./errors.js";
import { array, bytes, struct, u16, u32, u64, u8 } from "./layout.js";
import { createRandom } from "./random.js";

describe("bytes", () => {
  it("turn to hex and back", () => {
    const holds = property(uint8Array(), (input) => bytesEqual(fromHex(toHex(input)), input));
    expect(() => assert(holds)).not.toThrow();
  });

  it("refuse hex that is not hex", () => {
    expect(() => fromHex("abc")).toThrow(FormatError);
    expect(() => fromHex("zz")).toThrow(FormatError);
  });

  it("show numbers as people write addresses", () => {
    expect(hex(0x8800, 8)).toBe("0x00008800");
  });

  it("know the erased state", () => {
    expect(isErased(fromHex("ffffff"))).toBe(true);
    expect(isErased(fromHex("fffffe"))).toBe(false);
  });

  it("join and compare", () => {
    expect(toHex(concatBytes(fromHex("01"), fromHex(""), fromHex("0203")))).toBe("010203");
    expect(bytesEqual(fromHex("01"), fromHex("0102"))).toBe(false);
  });
});

describe("crc32c", () => {
  // RFC 3720, appendix B.4 (bytes of the CRC there are in transmission order).
  it.each([
    ["32 bytes of zeroes", new Uint8Array(32), 0x8a9136aa],
    ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ["32 bytes incrementing", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["32 bytes decrementing", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ])("agrees with RFC 3720 on %s", (_, input, expected) => {
    expect(crc32c(input)).toBe(expected);
  });

  it("continues over parts", () => {
    const holds = property(
      uint8Array(),
      uint8Array(),
      (a, b) => crc32c(b, crc32c(a)) === crc32c(concatBytes(a, b)),
    );
    expect(() => assert(holds)).not.toThrow();
  });
});

describe("struct", () => {
  const layout = struct("sample", {
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    e: bytes(3),
    f: array(u16, 2),
  });
  const value = {
    a: 1,
    b: 0x0203,
    c: 0x04050607,
    d: 0x08090a0b0c0d0e0fn,
    e: fromHex("aabbcc"),
    f: [0x1122, 0x3344],
  };
  const encoded = ["01", "0302", "07060504", "0f0e0d0c0b0a0908", "aabbcc", "22114433"].join("");

  it("encodes little-endian, without padding", () => {
    expect(toHex(layout.encode(value))).toBe(encoded);
    expect(layout.size).toBe(22);
  });

  it("parses what it encoded, at any offset", () => {
    expect(layout.parse(concatBytes(fromHex("00"), fromHex(encoded)), 1)).toEqual(value);
  });

  it("lists its fields with offsets", () => {
    expect(layout.fields.map((field) => [field.name, field.offset])).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 3],
      ["d", 7],
      ["e", 15],
      ["f", 18],
    ]);
  });

  it("names what was cut short", () => {
    expect(() => layout.parse(new Uint8Array(21))).toThrow(
      "sample at 0x0: needs 22 bytes, 21 left",
    );
  });

  it("refuses values of the wrong size", () => {
    expect(() => layout.encode({ ...value, e: new Uint8Array(2) })).toThrow(FormatError);
    expect(() => layout.encode({ ...value, f: [1] })).toThrow(FormatError);
  });
});

describe("createRandom", () => {
  it("repeats itself for the same seed only", () => {
    expect(createRandom(1).bytes(16)).toEqual(createRandom(1).bytes(16));
    expect(createRandom(1).bytes(16)).not.toEqual(createRandom(2).bytes(16));
  });

  it("stays below its bound", () => {
    const random = createRandom(3);
    for (let i = 0; i < 1000; i++) expect(random.below(7)).toBeLessThan(7);
  });
});
