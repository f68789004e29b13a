// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage, NRF5340_APP_FLASH, NorChip, PowerLoss, flashArea } from "@tandem/flash";
import type { FlashOperation } from "@tandem/flash";
import { signImage } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import { describe, expect, it } from "vitest";

import { BOOT_MODES } from "./boot-config.js";
import { bootFlashArea } from "./boot-flash-area.js";
import { bootGo } from "./boot-go.js";
import {
  bootSetConfirmed,
  bootSetPending,
  bootSwapType,
  readSwapState,
} from "./bootutil-public.js";
import { dryRunBoot } from "./dry-run.js";
import { FlashOperations, SimpleFlash } from "./simple-flash.js";
import { BOOT_SWAP_TYPE_PERM, BOOT_SWAP_TYPE_TEST } from "./swap-types.js";
import { TestBoard, testImage } from "./testing/board.js";

function simpleFlash(operations = new FlashOperations()): SimpleFlash {
  const sectorSize = [1024, 1024, 2048];
  return new SimpleFlash({ name: "dev", size: 8192, sectorSize, align: 4, operations });
}

describe("SimpleFlash", () => {
  it("counts writes and erases and loses power before the one that was chosen", () => {
    const operations = new FlashOperations();
    const flash = simpleFlash(operations);
    const seen: FlashOperation[] = [];
    operations.observer = (operation) => seen.push(operation);
    const area = flash.area(1024, 3072);
    operations.reset(2);
    area.erase(0, 1024);
    area.write(8, new Uint8Array([1, 2, 3, 4]));
    expect(() => area.write(12, new Uint8Array(4))).toThrow(PowerLoss);
    expect(operations.count).toBe(2);
    expect(seen).toEqual([
      { device: "dev", kind: "erase", address: 1024, length: 1024 },
      { device: "dev", kind: "write", address: 1032, length: 4 },
    ]);
    expect([...flash.bytes.subarray(1032, 1040)]).toEqual([1, 2, 3, 4, 255, 255, 255, 255]);
  });

  it("only clears bits, in whatever order it is written", () => {
    const random = createRandom(7);
    const flash = simpleFlash();
    const model = new Uint8Array(8192).fill(0xff);
    const starts = [0, 1024, 2048, 4096, 6144, 8192];
    for (let i = 0; i < 3000; i++) {
      if (random.below(40) === 0) {
        const sector = random.below(5);
        const start = starts[sector] ?? 0;
        const end = starts[sector + 1] ?? 0;
        flash.erase(start, end - start);
        model.fill(0xff, start, end);
        continue;
      }
      const offset = random.below(2040) * 4;
      const data = new Uint8Array(4 * (1 + random.below(8))).map(() => random.below(256));
      flash.program(offset, data);
      for (const [at, byte] of data.entries())
        model[offset + at] = (model[offset + at] ?? 0) & byte;
    }
    expect(flash.bytes).toEqual(model);
  });

  it("forks and goes back to snapshots", () => {
    const flash = simpleFlash();
    flash.program(0, new Uint8Array([0xf0, 0, 0, 0]));
    const snapshot = flash.snapshot();
    const fork = flash.fork();
    fork.program(0, new Uint8Array([0x0f, 0, 0, 0]));
    expect(fork.bytes[0]).toBe(0);
    expect(flash.bytes[0]).toBe(0xf0);
    flash.erase(0, 1024);
    flash.restore(snapshot);
    flash.program(0, new Uint8Array([0x0f, 0, 0, 0]));
    expect(flash.bytes).toEqual(fork.bytes);
  });

  it("refuses areas that cut a sector, and sectors that do not fit", () => {
    expect(() => simpleFlash().area(512, 1024)).toThrow("expected whole sectors");
    expect(() => simpleFlash().area(0, 1500)).toThrow("expected whole sectors");
    const bad = { name: "dev", size: 1000, sectorSize: 300, align: 4 };
    expect(() => new SimpleFlash(bad)).toThrow(
      "sectors of 300 bytes, expected sectors that fill 1000 bytes",
    );
  });
});

describe("bootGo on a NOR chip", () => {
  it("swaps and lets the chip's loss of power pass", () => {
    let left = Number.POSITIVE_INFINITY;
    const chip = new NorChip({
      name: "app-flash",
      profile: NRF5340_APP_FLASH,
      storage: new MemoryStorage(),
      power: { begin: () => (left-- > 0 ? null : { when: "before", random: createRandom(1) }) },
    });
    const slot = (offset: number): ReturnType<typeof bootFlashArea> =>
      bootFlashArea(flashArea(chip, offset, 0x10000), { device: "app-flash", offset });
    const [primary, secondary] = [slot(0x10000), slot(0x20000)];
    primary.write(0, aligned(testImage({ version: "1.0.0", size: 5000 })));
    secondary.write(0, aligned(testImage({ version: "2.0.0", size: 5000 })));
    const config = { mode: "move" } as const;
    bootSetPending(config, secondary, true);
    const options = { config, images: [{ primary, secondary }], crypto: nodeCrypto };
    left = 20;
    expect(() => bootGo(options)).toThrow(PowerLoss);
    left = Number.POSITIVE_INFINITY;
    expect(bootGo(options).decisions[0]?.resumed).toBe("perm");
    expect(primary.read(20, 1)[0]).toBe(2);
  });
});

function aligned(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4).fill(0xff);
  padded.set(bytes);
  return padded;
}

function changeLastByte(image: Uint8Array): void {
  image[image.length - 1] = (image.at(-1) ?? 0) ^ 1;
}

describe("bootGo with keys", () => {
  const [trusted, foreign] = [
    signerFromSeed(new Uint8Array(32).fill(1)),
    signerFromSeed(new Uint8Array(32).fill(2)),
  ];
  const payload = new Uint8Array(3000).fill(0x42);
  const version = { major: 1, minor: 0, revision: 0, build: 0 };

  function boot(
    signer: typeof trusted,
    change?: (image: Uint8Array) => void,
  ): ReturnType<typeof bootGo> {
    const more = { keys: [trusted.publicKey] };
    const board = new TestBoard({ config: { mode: "single" }, more });
    const image = signImage({ payload, version, headerSize: 512, signer, crypto: nodeCrypto });
    change?.(image);
    board.install(0, "primary", image);
    return board.boot();
  }

  it("starts what a trusted key has signed", () => {
    expect(boot(trusted).kind).toBe("boot");
  });

  it("starts neither what another key has signed nor a changed signature", () => {
    expect(boot(foreign)).toMatchObject({ kind: "none", why: { why: "no-signature" } });
    expect(boot(trusted, changeLastByte)).toMatchObject({
      kind: "none",
      why: { why: "bad-signature" },
    });
  });

  it("refuses a TLV outside the protected area that is not on the list, unless built without", () => {
    for (const [tlvAllowList, kind] of [
      [true, "none"],
      [false, "boot"],
    ] as const) {
      const board = new TestBoard({ config: { mode: "single", tlvAllowList } });
      const image = testImage({ version: "1.0.0", size: 3000 });
      const withTlv = new Uint8Array(image.length + 8);
      withTlv.set(image);
      withTlv.set([0x50, 0, 4, 0, 9, 0, 0, 0], image.length);
      // it_tlv_tot of the unprotected area
      withTlv[3032 + 2] = (withTlv[3032 + 2] ?? 0) + 8;
      board.install(0, "primary", withTlv);
      expect(board.boot().kind).toBe(kind);
    }
  });
});

describe("the application's side", () => {
  it("marks a secondary once, for a trial or for good", () => {
    const board = new TestBoard({ config: { mode: "move" } });
    const [{ primary, secondary } = {}] = board.options.images;
    if (primary === undefined || secondary === undefined) return;
    const { config } = board.options;
    expect(bootSetPending(config, secondary, false)).toBe(0);
    expect(bootSwapType(config, { primary, secondary })).toBe(BOOT_SWAP_TYPE_TEST);
    const { count } = board.operations;
    expect(bootSetPending(config, secondary, true)).toBe(0);
    expect(board.operations.count).toBe(count);
    secondary.erase(secondary.size - 4096, 4096);
    expect(bootSetPending(config, secondary, true)).toBe(0);
    expect(bootSwapType(config, { primary, secondary })).toBe(BOOT_SWAP_TYPE_PERM);
  });

  it("says no to a trailer that is not MCUboot's", () => {
    const board = new TestBoard({ config: { mode: "move" } });
    const [{ primary, secondary } = {}] = board.options.images;
    if (primary === undefined || secondary === undefined) return;
    for (const area of [primary, secondary]) area.write(area.size - 16, new Uint8Array(16));
    expect(bootSetPending(board.options.config, secondary, false)).toBe(3);
    expect(bootSetConfirmed(board.options.config, primary)).toBe(4);
  });

  it.each([8, 16, 32])("writes the magic of maximum alignment %i", (maxAlign) => {
    const board = new TestBoard({ config: { mode: "move", maxAlign }, align: 8 });
    const { secondary } = board.options.images[0] ?? {};
    if (secondary === undefined) return;
    board.pend(0);
    const magic = [...secondary.read(secondary.size - 16, 4)];
    expect(magic).toEqual(maxAlign === 8 ? [0x77, 0xc2, 0x95, 0xf3] : [maxAlign, 0, 0x2d, 0xe1]);
    expect(readSwapState(board.options.config, secondary)).toEqual({
      magic: "good",
      swapType: BOOT_SWAP_TYPE_TEST,
      copyDone: "unset",
      imageOk: "unset",
      imageNum: 0,
    });
  });
});

describe("dryRunBoot", () => {
  it("tells what a boot does and leaves the flash as it is", () => {
    const board = new TestBoard({ config: { mode: "scratch" } });
    board.install(0, "primary", testImage({ version: "1.0.0", size: 9000 }));
    board.install(0, "secondary", testImage({ version: "2.0.0", size: 9000 }));
    board.pend(0);
    const before = board.flash.bytes.slice();
    const dry = dryRunBoot(board.options);
    expect(board.flash.bytes).toEqual(before);
    const next = dryRunBoot(dry.after);
    expect(next.result.decisions[0]?.decided).toBe("revert");
    const real = board.boot();
    expect(dry.operations).toBe(board.operations.count);
    expect(dry.result.steps).toEqual(real.steps);
  });

  it.each(BOOT_MODES)("never throws on random flash, mode %s", (mode) => {
    const random = createRandom(BOOT_MODES.indexOf(mode));
    for (let round = 0; round < 60; round++) {
      const board = new TestBoard({
        config: { mode, validatePrimary: round % 2 === 0, bootstrap: round % 5 === 0 },
        images: mode === "single" ? 1 : 1 + (round % 3),
        slotSectors: 4,
      });
      const image = testImage({ version: "1.0.0", size: 3000 });
      for (const [i, { secondary }] of board.options.images.entries()) {
        if (round % 3 > 0) board.install(i, "primary", image);
        if (round % 3 > 1) board.install(i, "secondary", image);
        if (secondary !== undefined && round % 4 > 1) board.pend(i);
      }
      for (let flips = random.below(4000); flips > 0; flips--) {
        const at = random.below(board.flash.size);
        board.flash.bytes[at] = random.below(256);
      }
      board.flash.touched();
      const { result } = dryRunBoot(board.options);
      expect(["boot", "none"]).toContain(result.kind);
    }
  });
});
