// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { looksLikeIntelHex, parseIntelHex } from "./intel-hex.js";

const name = "app.hex";
const record = (type: number, offset: number, data: readonly number[]): string => {
  const bytes = [data.length, offset >> 8, offset & 0xff, type, ...data];
  const checksum = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return `:${[...bytes, checksum].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
};
const END = record(1, 0, []);
const parse = (...lines: readonly string[]) => parseIntelHex(lines.join("\n"), { name });

function parseOrFormatError(lines: readonly string[]): void {
  try {
    parse(...lines, END);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

describe("parseIntelHex", () => {
  it("joins records, fills gaps with 0xFF and lists the segments", () => {
    const firmware = parse(
      record(4, 0, [0x01, 0x00]),
      record(0, 0x8806, [7]),
      record(0, 0x8800, [1, 2]),
      record(0, 0x8802, [3]),
      record(5, 0, [0, 0, 0, 0]),
      END,
      "",
    );
    expect(firmware).toEqual({
      baseAddress: 0x0100_8800,
      bytes: new Uint8Array([1, 2, 3, 0xff, 0xff, 0xff, 7]),
      segments: [
        { address: 0x0100_8800, length: 3 },
        { address: 0x0100_8806, length: 1 },
      ],
    });
  });

  it("knows segment addresses and Windows line ends", () => {
    const text = `${record(2, 0, [0x10, 0x00])}\r\n${record(0, 0x10, [9])}\r\n${END}\r\n`;
    expect(parseIntelHex(text, { name }).baseAddress).toBe(0x1_0010);
  });

  it("names file, line, found and expected checksum", () => {
    const bad = `${record(0, 0, [1, 2]).slice(0, -2)}00`;
    expect(() => parse(record(0, 16, [1]), bad, END)).toThrow(
      "app.hex, line 2: checksum 0x00, expected 0xfb",
    );
  });

  it.each([
    ["a missing end", [record(0, 0, [1])], "line 1: end of file, expected an end-of-file record"],
    ["a record behind the end", [END, record(0, 0, [1])], "line 2: a record behind"],
    ["text", ["hello", END], 'line 1: "hello", expected ":"'],
    ["a wrong length", [":0200000001FD", END], "line 1: length 2, expected 1"],
    ["an unknown type", [record(6, 0, []), END], "line 1: record type 0x06, expected"],
    ["a wrap", [record(0, 0xffff, [1, 2]), END], "line 1: data ends at 0x10001"],
    [
      "overlaps",
      [record(0, 0, [1, 2]), record(0, 1, [3]), END],
      "line 2: data at 0x00000001 overlaps line 1",
    ],
    ["no data", [END], "no data records"],
    [
      "a huge span",
      [record(0, 0, [1]), record(4, 0, [0x20, 0]), record(0, 0, [1]), END],
      "line 3: data at 0x20000000, expected within 16777216",
    ],
  ])("refuses %s", (_, lines, message) => {
    expect(() => parse(...lines)).toThrow(message);
  });

  it("either parses any text or throws a FormatError", () => {
    const line = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc
        .tuple(fc.nat(6), fc.nat(0xffff), fc.array(fc.nat(255), { maxLength: 20 }))
        .map(([type, offset, data]) => record(type, offset, data)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        expect(() => parseOrFormatError(lines)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

describe("looksLikeIntelHex", () => {
  it("tells HEX text from firmware", () => {
    expect(looksLikeIntelHex(new TextEncoder().encode(END))).toBe(true);
    expect(looksLikeIntelHex(new Uint8Array([0x3a, 0x00, 0x01]))).toBe(false);
    expect(looksLikeIntelHex(new Uint8Array(0))).toBe(false);
  });
});
