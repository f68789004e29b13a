// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto as crypto } from "@tandem/base/node";
import { describe, expect, it } from "vitest";

import { checkB0nImage } from "./b0n.js";
import {
  FW_INFO_LAYOUT,
  VALIDATION_INFO_LAYOUT,
  appendValidationInfo,
  encodeFwInfo,
  findFwInfo,
} from "./fw-info.js";
import { checkLinkAddress, readVectorTable } from "./vector-table.js";

const ADDRESS = 0x0100_8800;

function firmware(size = 0x801, edit: (bytes: Uint8Array) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(size).fill(0x5a);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x2101_0000, true);
  view.setUint32(4, ADDRESS + 0x401, true);
  bytes.set(encodeFwInfo({ size, version: 42, address: ADDRESS }), 0x200);
  edit(bytes);
  return bytes;
}

function head(reset: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(4, reset, true);
  return bytes;
}

const codeOf = (payload: Uint8Array, address = ADDRESS): string =>
  checkB0nImage(payload, address, crypto)?.code ?? "ok";

describe("fw_info and fw_validation_info", () => {
  it("have the sizes and magic words of nRF Connect SDK", () => {
    expect([FW_INFO_LAYOUT.size, VALIDATION_INFO_LAYOUT.size]).toEqual([60, 176]);
    const payload = appendValidationInfo(firmware(), ADDRESS, crypto);
    const view = new DataView(payload.buffer);
    expect([0, 4, 8].map((i) => view.getUint32(0x200 + i, true))).toEqual([
      0x281ee6de, 0x8fcebb4c, 0x3502,
    ]);
    // common, validation, 79106: the words that NCS's scripts are called with for an nRF5340.
    expect([0, 4, 8].map((i) => view.getUint32(0x804 + i, true))).toEqual([
      0x281ee6de, 0x86518483, 79_106,
    ]);
  });

  it("are found at each of the offsets, and nowhere else", () => {
    for (const offset of [0, 0x200, 0x400, 0x800, 0x1000, 0x600]) {
      const bytes = new Uint8Array(0x1100);
      bytes.set(encodeFwInfo({ size: 0x1100, version: 3, address: 1 }), offset);
      expect(findFwInfo(bytes)?.offsetBytes ?? null).toBe(offset === 0x600 ? null : offset);
    }
    expect(findFwInfo(new Uint8Array(10))).toBeNull();
  });

  it("are not appended to firmware that says another size", () => {
    expect(() => appendValidationInfo(new Uint8Array(64), ADDRESS, crypto)).toThrow("nothing");
    expect(() => appendValidationInfo(firmware().subarray(0, 0x700), ADDRESS, crypto)).toThrow(
      "2049",
    );
  });
});

describe("checkB0nImage", () => {
  it.each([0x800, 0x801, 0x802, 0x803])("accepts firmware of 0x%x bytes", (size) => {
    expect(codeOf(appendValidationInfo(firmware(size), ADDRESS, crypto))).toBe("ok");
  });

  it("refuses what b0n refuses", () => {
    const good = appendValidationInfo(firmware(), ADDRESS, crypto);
    const edited = (offset: number, value: number): Uint8Array => {
      const bytes = good.slice();
      new DataView(bytes.buffer).setUint32(offset, value, true);
      return bytes;
    };
    expect(codeOf(new Uint8Array(0))).toBe("no-fw-info");
    expect(codeOf(good, ADDRESS + 0x1000)).toBe("wrong-address");
    expect(codeOf(edited(0x200 + 32, 0))).toBe("invalidated");
    expect(codeOf(edited(0x200 + 16, good.length + 1))).toBe("bad-size");
    expect(codeOf(edited(0x200 + 12, 0x1000))).toBe("bad-size");
    expect(codeOf(edited(0x200 + 12, 0))).toBe("bad-size");
    expect(codeOf(edited(0x200 + 28, ADDRESS - 4))).toBe("bad-entry");
    expect(codeOf(edited(4, 0x401))).toBe("bad-entry");
    expect(codeOf(good.subarray(0, 0x801))).toBe("no-validation-info");
    expect(codeOf(edited(0x804 + 12, ADDRESS + 4))).toBe("validation-address");
    expect(codeOf(edited(0x700, 0))).toBe("hash-mismatch");
  });
});

describe("checkLinkAddress", () => {
  it("wants an odd reset vector in the range", () => {
    const range = { start: 0x1000, end: 0x2000 };
    expect(checkLinkAddress(head(0x1001), range)).toBeNull();
    expect(checkLinkAddress(head(0x2001), range)?.message).toBe(
      "reset vector at 0x4: 0x00002001, expected within 0x00001000 to 0x00002000",
    );
    expect(checkLinkAddress(head(0x1002), range)?.code).toBe("not-thumb");
    expect(checkLinkAddress(new Uint8Array(7), range)?.code).toBe("no-vector-table");
    expect(readVectorTable(new Uint8Array(7))).toBeNull();
  });
});
