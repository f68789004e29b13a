// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import type { BootConfig } from "./boot-config.js";
import { bootSetConfirmed } from "./bootutil-public.js";
import { TestBoard, testImage } from "./testing/board.js";

const MODES = ["overwrite", "scratch", "move", "offset"] as const;
const CASES = MODES.flatMap((mode) =>
  [1, 2].flatMap((images) => [1, 4, 8].map((align) => ({ mode, images, align }))),
);

/** Version 1 runs, version 2 waits in the secondary slots. */
function boardWithUpdate(options: {
  readonly config: BootConfig;
  readonly images: number;
  readonly align: number;
  readonly permanent: boolean;
}): TestBoard {
  const board = new TestBoard(options);
  for (let i = 0; i < options.images; i++) {
    board.install(i, "primary", testImage({ version: "1.0.0", size: 9000 }));
    board.install(i, "secondary", testImage({ version: "2.0.0", size: 13_000 + i }));
    expect(board.pend(i, options.permanent)).toBe(0);
  }
  return board;
}

function versions(board: TestBoard): readonly number[] {
  return board.options.images.map((_, i) => board.running(i));
}

function all(board: TestBoard, version: number): readonly number[] {
  return board.options.images.map(() => version);
}

/** Cuts before operation `cut` of a boot that has at least so many. */
function cutBoot(board: TestBoard, cut: number): void {
  expect(() => board.boot(cut)).toThrow(PowerLoss);
}

describe.each(CASES)("bootGo, $mode, images: $images, align: $align", ({ mode, images, align }) => {
  const make = (permanent: boolean): TestBoard =>
    boardWithUpdate({ config: { mode }, images, align, permanent });

  it("installs for good what is pending for good", () => {
    const board = make(true);
    expect(board.boot().kind).toBe("boot");
    expect(versions(board)).toEqual(all(board, 2));
    expect(board.boot().kind).toBe("boot");
    expect(board.operations.count).toBe(0);
    expect(versions(board)).toEqual(all(board, 2));
  });

  it("ends in the same release after a cut before any operation of the update", () => {
    const board = make(false);
    const start = board.snapshot();
    board.boot();
    const operations = board.operations.count;
    for (let cut = 0; cut < operations; cut++) {
      board.restore(start);
      cutBoot(board, cut);
      expect(board.boot().kind, `cut ${cut}`).toBe("boot");
      expect(versions(board), `cut ${cut}`).toEqual(all(board, 2));
    }
  });

  if (mode === "overwrite") return;

  it("keeps a test that is confirmed", () => {
    const board = make(false);
    board.boot();
    for (const { primary } of board.options.images) {
      expect(bootSetConfirmed(board.options.config, primary)).toBe(0);
    }
    expect(board.boot().decisions.map(({ decided }) => decided)).toEqual(
      board.options.images.map(() => "none"),
    );
    expect(versions(board)).toEqual(all(board, 2));
  });

  it("reverts a test that is not confirmed, whatever operation of the revert is cut", () => {
    const board = make(false);
    board.boot();
    const start = board.snapshot();
    expect(board.boot().decisions[0]?.decided).toBe("revert");
    const operations = board.operations.count;
    expect(versions(board)).toEqual(all(board, 1));
    for (let cut = 0; cut < operations; cut++) {
      board.restore(start);
      cutBoot(board, cut);
      expect(board.boot().kind, `cut ${cut}`).toBe("boot");
      expect(versions(board), `cut ${cut}`).toEqual(all(board, 1));
      expect(board.boot().kind, `cut ${cut}`).toBe("boot");
      expect(board.operations.count, `cut ${cut}`).toBe(0);
    }
  });
});

/** Two images with move or offset can lose an update: below. */
const SAFE_CASES = CASES.filter(
  ({ mode, images }) => images === 1 || mode === "scratch" || mode === "overwrite",
);

it.each(SAFE_CASES)(
  "ends in the same release after two cuts, $mode, images: $images, align: $align",
  ({ mode, images, align }) => {
    const board = boardWithUpdate({ config: { mode }, images, align, permanent: true });
    const start = board.snapshot();
    board.boot();
    const operations = board.operations.count;
    const random = createRandom(operations);
    for (let round = 0; round < 40; round++) {
      board.restore(start);
      cutBoot(board, random.below(operations));
      const middle = board.snapshot();
      expect(board.boot().kind).toBe("boot");
      const left = board.operations.count;
      board.restore(middle);
      if (left > 0) cutBoot(board, random.below(left));
      expect(board.boot().kind).toBe("boot");
      expect(versions(board)).toEqual(all(board, 2));
    }
  },
);

/** Cuts twice, early in each of two boots, until image 0 has stayed old. */
function isLostToTwoCuts(board: TestBoard): boolean {
  const start = board.snapshot();
  return Array.from({ length: 10 }, (_, i) => i).some((first) =>
    [1, 2, 3].some((second) => {
      board.restore(start);
      cutBoot(board, first);
      cutBoot(board, second);
      expect(board.boot().kind).toBe("boot");
      return board.running(0) === 1;
    }),
  );
}

/**
 * With several images, C resets the status between deciding and installing, and forgets that the
 * primary's trailer holds the request already: it erases that trailer and sets it up again, with
 * the secondary's trailer gone since the first cut.
 */
it.each(["move", "offset"] as const)(
  "loses the update of one image of two to two cuts before its first status write, mode %s",
  (mode) => {
    const make = (images: number): TestBoard =>
      boardWithUpdate({ config: { mode }, images, align: 4, permanent: true });
    expect(isLostToTwoCuts(make(1))).toBe(false);
    const two = make(2);
    expect(isLostToTwoCuts(two)).toBe(true);
    expect(versions(two)).toEqual([1, 2]);
    expect(two.boot().decisions.map(({ decided }) => decided)).toEqual(["none", "none"]);
  },
);

it("starts the other slot after a cut anywhere in the erasure of an unconfirmed one", () => {
  const board = new TestBoard({ config: { mode: "direct-xip-revert" } });
  const [slots] = board.options.images;
  board.install(0, "primary", testImage({ version: "1.0.0", size: 9000 }));
  board.install(0, "secondary", testImage({ version: "2.0.0", size: 9000 }));
  expect(slots && bootSetConfirmed(board.options.config, slots.primary)).toBe(0);
  board.pend(0);
  expect(board.boot()).toMatchObject({ slot: "secondary" });
  const start = board.snapshot();
  expect(board.boot()).toMatchObject({ slot: "primary" });
  const operations = board.operations.count;
  expect(operations).toBe(16);
  for (let cut = 0; cut < operations; cut++) {
    board.restore(start);
    cutBoot(board, cut);
    expect(board.boot(), `cut ${cut}`).toMatchObject({ slot: "primary" });
  }
});
