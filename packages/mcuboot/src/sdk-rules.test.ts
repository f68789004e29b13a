// SPDX-License-Identifier: Apache-2.0
import { PowerLoss } from "@tandem/flash";
import { IMAGE_HEADER_LAYOUT } from "@tandem/image";
import { describe, expect, it } from "vitest";

import type { BootConfig } from "./boot-config.js";
import type { BootResult } from "./boot-result.js";
import { TestBoard, testImage } from "./testing/board.js";

// Where sdk-mcuboot and older releases of MCUboot go ways of their own.

function decided(result: BootResult): readonly string[] {
  return result.decisions.map((decision) => decision.decided);
}

/** Image 0 needs image 1 at a version that it does not reach; both are marked. */
function boardWith(unmetDependency: "stops-all" | "stops-image"): TestBoard {
  const board = new TestBoard({ config: { mode: "overwrite", unmetDependency }, images: 2 });
  for (const image of [0, 1]) {
    board.install(image, "primary", testImage({ version: "1.0.0", size: 2000 }));
    board.pend(image);
  }
  const needs = { image: 1, version: "3.0.0" };
  board.install(0, "secondary", testImage({ version: "2.0.0", size: 2100, needs }));
  board.install(1, "secondary", testImage({ version: "2.0.0", size: 2200 }));
  return board;
}

describe("an unmet dependency", () => {
  it("stops the updates of all images in MCUboot", () => {
    expect(decided(boardWith("stops-all").boot())).toEqual(["none", "none"]);
  });

  it("stops the update of its own image in sdk-mcuboot", () => {
    expect(decided(boardWith("stops-image").boot())).toEqual(["none", "test"]);
  });

  it("reverts an image that was not to be updated in sdk-mcuboot", () => {
    const config = { mode: "move", unmetDependency: "stops-image" } as const;
    const board = new TestBoard({ config, images: 2 });
    const needs = { image: 1, version: "1.0.0" };
    board.install(0, "primary", testImage({ version: "1.0.0", size: 2000, needs }));
    board.install(1, "primary", testImage({ version: "1.0.0", size: 2000 }));
    board.install(1, "secondary", testImage({ version: "0.9.0", size: 2000 }));
    board.pend(1);
    expect(decided(board.boot())).toEqual(["revert", "test"]);
  });
});

describe("dependencies that cannot be read", () => {
  it.each([
    ["stops-all", ["none", "none"]],
    ["stops-image", ["test", "none"]],
  ] as const)("with the rule %s", (unmetDependency, expected) => {
    const board = new TestBoard({ config: { mode: "overwrite", unmetDependency }, images: 2 });
    board.install(0, "primary", testImage({ version: "1.0.0", size: 2000 }));
    board.install(0, "secondary", testImage({ version: "2.0.0", size: 2100 }));
    board.pend(0);
    // A header, and nothing where it says that TLVs are.
    const { primary } = board.options.images[1] ?? {};
    board.flash.program(
      primary?.offset ?? 0,
      testImage({ version: "1.0.0", size: 64 }).subarray(0, 32),
    );
    expect(decided(board.boot())).toEqual(expected);
  });
});

describe("the security counter of a trial that was cut and resumed", () => {
  it.each([
    ["confirmed", 1],
    ["swap-type-none", 2],
  ] as const)("by the rule %s is %i afterwards", (securityCounterUpdate, expected) => {
    let counter = 1;
    const securityCounter = {
      read: () => counter,
      update: (_image: number, value: number) => {
        counter = Math.max(counter, value);
        return true;
      },
    };
    const config = { mode: "move", securityCounterUpdate } as const;
    const board = new TestBoard({ config, more: { securityCounter } });
    board.install(0, "primary", testImage({ version: "1.0.0", size: 9000, counter: 1 }));
    board.install(0, "secondary", testImage({ version: "2.0.0", size: 9000, counter: 2 }));
    board.pend(0);
    expect(() => board.boot(14)).toThrow(PowerLoss);
    expect(board.boot().decisions[0]).toMatchObject({ resumed: "test", decided: "none" });
    expect(board.running()).toBe(2);
    expect(counter).toBe(expected);
  });
});

describe("what sdk-mcuboot asks of NCS", () => {
  it.each([
    [-14, "none"],
    [0, "test"],
    [1, "test"],
    [null, "none"],
  ])("takes the answer %j for the comparison of versions", (answer, expected) => {
    const config: BootConfig = { mode: "overwrite", downgradePrevention: "version" };
    const hooks = { sdk_version_cmp_hook: () => answer };
    const board = new TestBoard({ config, more: { hooks } });
    board.install(0, "primary", testImage({ version: "2.0.0", size: 2000 }));
    board.install(0, "secondary", testImage({ version: "1.0.0", size: 2000 }));
    board.pend(0);
    expect(decided(board.boot())).toEqual([expected]);
  });

  it.each([
    [[], "none"],
    [[0], "boot"],
  ])("swaps with a made-up primary header when it is left out: images %j", (images, expected) => {
    const header = IMAGE_HEADER_LAYOUT.parse(testImage({ version: "0.0.0", size: 500 }));
    const board = new TestBoard({
      config: { mode: "move", swapSizeFromSecondary: images, validatePrimary: false },
      more: { hooks: { boot_read_image_header_hook: (_, slot) => (slot === 0 ? header : 1) } },
    });
    board.install(0, "secondary", testImage({ version: "2.0.0", size: 2000 }));
    board.pend(0);
    expect(board.boot().kind).toBe(expected);
    expect(board.running()).toBe(images.length === 0 ? 255 : 2);
  });

  it.each([
    ["vector", 8],
    ["reset-vector", 4],
  ] as const)("looks for the image's address by %s at header size + %i", (check, at) => {
    for (const belongs of [true, false]) {
      const board = new TestBoard({ config: { mode: "overwrite", imageAddressCheck: check } });
      board.install(0, "primary", testImage({ version: "1.0.0", size: 2000 }));
      const vectors = new Map([[at, belongs ? 0x1234 : 0x0123_4567]]);
      board.install(0, "secondary", testImage({ version: "2.0.0", size: 2000, words: vectors }));
      board.pend(0);
      expect(decided(board.boot())).toEqual([belongs ? "test" : "none"]);
    }
  });
});
