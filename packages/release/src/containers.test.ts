// SPDX-License-Identifier: Apache-2.0
import { FormatError, concatBytes, fromHex, toHex } from "@tandem/base";
import * as fc from "fast-check";
import { deflateSync } from "fflate";
import { describe, expect, it } from "vitest";

import { crc32 } from "./crc32.js";
import { readDfuZip, writeDfuZip } from "./dfu-zip.js";
import { encodeMultiImage, parseMultiImage, parseMultiImageHeader } from "./multi-image.js";
import { readZip, writeZip } from "./zip-archive.js";

const name = "dfu.zip";
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function neverOtherThanFormatError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

describe("dfu_multi_image.bin", () => {
  it.each([
    [
      [0, 102_400, 1, 204_800],
      "2400a163696d6782a2626964006473697a651a00019000a2626964016473697a651a00032000",
    ],
    [
      [-2, 49_152, -1, 49_152],
      "2000a163696d6782a2626964216473697a6519c000a2626964206473697a6519c000",
    ],
  ])("has NCS's header for %j", ([id0 = 0, size0 = 0, id1 = 0, size1 = 0], header) => {
    const bundle = encodeMultiImage([
      { id: id0, bytes: new Uint8Array(size0) },
      { id: id1, bytes: new Uint8Array(size1) },
    ]);
    expect(toHex(bundle.subarray(0, header.length / 2))).toBe(header);
    expect(parseMultiImageHeader(bundle.subarray(0, 512))).toEqual({
      headerSize: header.length / 2,
      images: [
        { id: id0, size: size0 },
        { id: id1, size: size1 },
      ],
    });
  });

  it("gives back its images", () => {
    const parts = [
      { id: 0, bytes: new Uint8Array([1, 2, 3]) },
      { id: 1, bytes: new Uint8Array([4]) },
    ];
    const bundle = encodeMultiImage(parts);
    expect(parseMultiImage(bundle)).toEqual(parts);
    expect(() => parseMultiImage(bundle.subarray(0, bundle.length - 1), { name: "b.bin" })).toThrow(
      `b.bin: ${bundle.length - 1} bytes, expected ${bundle.length} as in its header`,
    );
  });

  it.each([
    ["", "0 bytes, expected at least 2"],
    ["0000", "length 0, expected 1 to 510"],
    ["ffff", "length 65535"],
    ["0500a163", "4 bytes, expected 7"],
    ["0100a0", "expected"],
    ["0600a163696d6780", "expected"],
    // An indefinite array, a longer form of a number, and keys in another order.
    ["1300a163696d679fa2626964006473697a6501ffff", "indefinite length"],
    ["1200a163696d6781a262696418006473697a6501", "more bytes than necessary"],
    ["1100a163696d6781a26473697a650162696400", "expected the shortest form"],
    ["2000a163696d6782a2626964006473697a6519c000a2626964006473697a6519c000", "id 0 again"],
  ])("is refused with header %s", (header, message) => {
    expect(() => parseMultiImageHeader(fromHex(header))).toThrow(FormatError);
    expect(() => parseMultiImageHeader(fromHex(header))).toThrow(message);
  });

  it("takes any header or throws a FormatError", () => {
    const good = encodeMultiImage([{ id: 0, bytes: new Uint8Array(9) }]);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const bytes = good.slice();
        bytes[at] = value;
        expect(() => neverOtherThanFormatError(() => parseMultiImage(bytes))).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

const ENTRY = {
  board: "nrf5340dk",
  soc: "nRF5340_CPUAPP_QKAA",
  loadAddress: 0x1_0200,
  version: { key: "version_MCUBOOT", text: "1.2.0" },
} as const;
const IMAGES = [
  { ...ENTRY, file: "app.bin", imageIndex: 0, bytes: new Uint8Array(300).fill(1) },
  {
    ...ENTRY,
    file: "net.bin",
    imageIndex: 1,
    bytes: new Uint8Array(200).fill(2),
    version: { key: "version", text: "3" },
  } as const,
];
const ZIP = writeDfuZip(IMAGES, { name: "demo", time: 1_700_000_000 });

describe("dfu_application.zip", () => {
  it("gives back its images by index", () => {
    expect(readDfuZip(ZIP, { name })).toEqual(
      IMAGES.map(({ file, imageIndex, bytes }) => ({ file, imageIndex, bytes })),
    );
  });

  it("has the manifest last, with the keys of NCS in their order", () => {
    const members = [...readZip(ZIP, { name })];
    expect(members.map(([member]) => member)).toEqual(["app.bin", "net.bin", "manifest.json"]);
    const manifest = JSON.parse(new TextDecoder().decode(members[2]?.[1]));
    expect(Object.keys(manifest)).toEqual(["format-version", "time", "files", "name"]);
    expect(Object.keys(manifest.files[0])).toEqual([
      "type",
      "board",
      "soc",
      "load_address",
      "image_index",
      "slot_index_primary",
      "slot_index_secondary",
      "version_MCUBOOT",
      "size",
      "file",
      "modtime",
    ]);
    expect(manifest.files[1]).toMatchObject({
      image_index: "1",
      slot_index_primary: "3",
      slot_index_secondary: "4",
      load_address: 66_048,
      version: "3",
      size: 200,
    });
  });

  it("is the same every time", () => {
    expect(writeDfuZip(IMAGES, { name: "demo", time: 1_700_000_000 })).toEqual(ZIP);
  });

  it.each([
    ["no manifest", new Map([["app.bin", text("x")]]), "manifest.json: missing"],
    [
      "a wrong manifest",
      new Map([["manifest.json", text("{}")]]),
      "format-version: missing, expected 0 or 1",
    ],
    [
      "a missing file",
      manifestZip({ file: "app.bin" }),
      'files[0].file: "app.bin", expected a member',
    ],
    [
      "a wrong size",
      new Map([...manifestZip({ file: "app.bin", size: 5 }), ["app.bin", text("x")]]),
      "files[0].size: 5, expected 1",
    ],
    [
      "an index twice",
      new Map([...manifestZip({ file: "a" }, { file: "a" }), ["a", text("x")]]),
      "files[1].image_index: 0 again",
    ],
  ])("is refused with %s", (_, members, message) => {
    expect(() => readDfuZip(writeZip(members), { name })).toThrow(message);
  });

  it("knows numbers for indexes and files without them", () => {
    const members = new Map([
      ...manifestZip({ file: "a", image_index: 1 }, { file: "b" }),
      ["a", text("x")],
      ["b", text("y")],
    ]);
    expect(readDfuZip(writeZip(members), { name }).map(({ file }) => file)).toEqual(["b", "a"]);
  });
});

function manifestZip(...files: readonly object[]): ReadonlyMap<string, Uint8Array> {
  return new Map([["manifest.json", text(JSON.stringify({ "format-version": 0, files }))]]);
}

/** An archive with one member whose directory entry says what a test wants it to say. */
function forgedZip(
  member: string,
  content: Uint8Array,
  forge: {
    readonly size?: number;
    readonly method?: number;
    readonly flags?: number;
    readonly twice?: true;
  } = {},
): Uint8Array {
  const packed = forge.method === 8 ? deflateSync(content) : content;
  const local = new Uint8Array(30 + member.length);
  const localView = new DataView(local.buffer);
  localView.setUint32(0, 0x0403_4b50, true);
  localView.setUint16(26, member.length, true);
  local.set(text(member), 30);
  const central = new Uint8Array(46 + member.length);
  const view = new DataView(central.buffer);
  view.setUint32(0, 0x0201_4b50, true);
  view.setUint16(8, forge.flags ?? 0, true);
  view.setUint16(10, forge.method ?? 0, true);
  view.setUint32(16, crc32(content), true);
  view.setUint32(20, packed.length, true);
  view.setUint32(24, forge.size ?? content.length, true);
  view.setUint16(28, member.length, true);
  central.set(text(member), 46);
  const directory = forge.twice === true ? concatBytes(central, central) : central;
  const end = new Uint8Array(22);
  const endView = new DataView(end.buffer);
  const count = forge.twice === true ? 2 : 1;
  endView.setUint32(0, 0x0605_4b50, true);
  endView.setUint16(8, count, true);
  endView.setUint16(10, count, true);
  endView.setUint32(12, directory.length, true);
  endView.setUint32(16, local.length + packed.length, true);
  return concatBytes(local, packed, directory, end);
}

describe("readZip", () => {
  it("unpacks stored and deflated members", () => {
    const content = new Uint8Array(5000).fill(7);
    expect(readZip(forgedZip("a.bin", content), { name }).get("a.bin")).toEqual(content);
    expect(readZip(forgedZip("a.bin", content, { method: 8 }), { name }).get("a.bin")).toEqual(
      content,
    );
  });

  it.each([
    ["a path", forgedZip("../a", text("x")), 'member "../a", expected a plain file name'],
    ["an absolute path", forgedZip("/a", text("x")), "expected a plain file name"],
    ["a name twice", forgedZip("a", text("x"), { twice: true }), 'member "a" again'],
    ["a bomb", forgedZip("a", text("x"), { size: 0xffff_ffff }), "expected at most 67108864"],
    [
      "a lie about the size",
      forgedZip("a", new Uint8Array(9000), { method: 8, size: 10 }),
      "CRC-32",
    ],
    ["an unknown method", forgedZip("a", text("x"), { method: 12 }), "method 12, expected 0"],
    ["encryption", forgedZip("a", text("x"), { flags: 1 }), "encrypted, expected plain"],
    ["nothing", new Uint8Array(0), "no end of central directory"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readZip(bytes, { name })).toThrow(message);
  });

  it("refuses every truncation", () => {
    for (let length = 0; length < ZIP.length; length++) {
      expect(() => readDfuZip(ZIP.subarray(0, length), { name })).toThrow("dfu.zip: at 0x");
    }
  });

  it("reads any mutation or throws a FormatError", () => {
    const edits = fc.array(fc.tuple(fc.nat(ZIP.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = ZIP.slice();
        for (const [at, value] of changes) bytes[at] = value;
        expect(() => neverOtherThanFormatError(() => readDfuZip(bytes, { name }))).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });
});
