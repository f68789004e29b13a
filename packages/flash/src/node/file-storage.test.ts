// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openFileStorage } from "./file-storage.js";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "tandem-flash-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("openFileStorage", () => {
  it("keeps pages across reopening; erased pages are 0xFF in the file", () => {
    const file = path.join(directory, "flash.bin");
    const size = { pageBytes: 16, pageCount: 8 };
    const first = openFileStorage(file, { ...size, create: true });
    first.write(2, new Uint8Array(16).fill(1));
    first.write(3, new Uint8Array(16).fill(2));
    first.erase(3, 1);
    first.close();
    const again = openFileStorage(file, size);
    expect(again.read(2)).toEqual(new Uint8Array(16).fill(1));
    expect(again.read(3)).toBeNull();
    again.close();
    expect(
      readFileSync(file)
        .subarray(48, 64)
        .every((byte) => byte === 0xff),
    ).toBe(true);
  });

  it("refuses a file of another size, naming both", () => {
    const file = path.join(directory, "flash.bin");
    openFileStorage(file, { pageBytes: 16, pageCount: 8, create: true }).close();
    expect(() => openFileStorage(file, { pageBytes: 16, pageCount: 9 })).toThrow(
      /flash\.bin: 128 bytes, expected 144/,
    );
  });
});
