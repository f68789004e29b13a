// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from "@tandem/base";
import { IMAGE_HEADER_LAYOUT } from "@tandem/image";

import type { FlashBoard } from "../flash-board.js";
import { NEW_RELEASE, OLD_RELEASE, createSweepBoard } from "./sweep-board.js";
import type { SweepFlip, SweepOptions } from "./sweep-options.js";

/** What became of the cuts of a sweep. */
export interface SweepCounts {
  /** Cuts: one before every write and every erase of the undisturbed boot. */
  readonly points: number;
  /** The boot after the cut started nothing. */
  readonly bootFailures: number;
  /** It started the application while the primary slots held images of different releases. */
  readonly mixedStarts: number;
  /** Of these, how many still did so after two more boots. */
  readonly stillMixedAfter2: number;
  /** It started the application with all images old, and with all images new. */
  readonly oldOld: number;
  readonly newNew: number;
}

type Outcome = "failed" | "mixed" | "old" | "new";

/** Sums of several parts of one sweep. */
export function addSweepCounts(parts: readonly SweepCounts[]): SweepCounts {
  const sum = (field: keyof SweepCounts): number =>
    parts.reduce((total, part) => total + part[field], 0);
  return {
    points: sum("points"),
    bootFailures: sum("bootFailures"),
    mixedStarts: sum("mixedStarts"),
    stillMixedAfter2: sum("stillMixedAfter2"),
    oldOld: sum("oldOld"),
    newNew: sum("newNew"),
  };
}

/**
 * Flash operations of the undisturbed boot: the points of the whole sweep.
 * @throws {UsageError} mcuboot/sweep-options
 */
export function countSweepPoints(options: SweepOptions, crypto: Crypto): number {
  const board = createSweepBoard(options, crypto);
  board.boot();
  return board.operations.count;
}

/** Which points of a sweep are run, and who hears of them. */
export interface SweepPart {
  /** The points whose index leaves the rest `index` when divided by `of`. */
  readonly index: number;
  readonly of: number;
  readonly crypto: Crypto;
  /** Called after each point. */
  readonly onPoint?: () => void;
}

/**
 * Cuts power before operations of one boot, each time on a copy of the flash as it stood at that
 * moment, and boots the copy again.
 * @throws {UsageError} mcuboot/sweep-options
 */
export function runSweep(options: SweepOptions, part: SweepPart): SweepCounts {
  const board = createSweepBoard(options, part.crypto);
  const afterCut = board.fork();
  const outcomes = { failed: 0, mixed: 0, old: 0, new: 0 };
  let stillMixedAfter2 = 0;
  let points = 0;
  board.operations.observer = (_, index) => {
    if (index % part.of !== part.index) return;
    afterCut.copyFrom(board);
    if (options.flip !== null) decay(afterCut, options.flip);
    const outcome = bootAndJudge(afterCut);
    if (outcome === "mixed") {
      afterCut.boot();
      if (bootAndJudge(afterCut) === "mixed") stillMixedAfter2++;
    }
    outcomes[outcome]++;
    points++;
    part.onPoint?.();
  };
  board.boot();
  return {
    points,
    bootFailures: outcomes.failed,
    mixedStarts: outcomes.mixed,
    stillMixedAfter2,
    oldOld: outcomes.old,
    newNew: outcomes.new,
  };
}

function bootAndJudge(board: FlashBoard): Outcome {
  if (board.boot().kind === "none") return "failed";
  const releases = board.bootOptions.images.map(({ primary }) => {
    const header = primary.read(0, IMAGE_HEADER_LAYOUT.size);
    return IMAGE_HEADER_LAYOUT.parse(header).version.major;
  });
  if (releases.every((release) => release === OLD_RELEASE)) return "old";
  return releases.every((release) => release === NEW_RELEASE) ? "new" : "mixed";
}

/** Turns bit 4 of a byte of a secondary slot, in whichever direction. */
function decay(board: FlashBoard, { image, offset }: SweepFlip): void {
  const secondary = board.bootOptions.images[image]?.secondary;
  const flash = board.devices.get(secondary?.device ?? "");
  if (secondary === undefined || flash === undefined) return;
  const at = secondary.offset + offset;
  flash.bytes[at] = (flash.bytes[at] ?? 0) ^ 0x10;
  flash.touched();
}
