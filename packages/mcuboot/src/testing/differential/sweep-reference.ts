// SPDX-License-Identifier: Apache-2.0
import { PLAIN_SCENARIO } from "./matrix.js";
import { askReference } from "./reference.js";
import { layoutOf } from "./scenario.js";
import type { Scenario } from "./scenario.js";

/** What a sweep counts, as `tandem mcuboot sweep --json` prints it; vectors/SOURCE.md defines it. */
export interface SweepCounts {
  readonly points: number;
  readonly bootFailures: number;
  readonly mixedStarts: number;
  readonly stillMixedAfter2: number;
  readonly oldOld: number;
  readonly newNew: number;
}

/** Byte of an image's secondary slot in which a sweep flips bit 4, from the slot's start. */
export interface Flip {
  readonly image: number;
  readonly offset: number;
}

const SWEEP_SECONDS = 600;
const FLIP_MASK = 1 << 4;

/** Payload bytes of every image of {@link K64F_LAYOUT}. */
export const K64F_PAYLOAD_BYTES = 100_000;

/** Bytes of a slot and of a sector of {@link K64F_LAYOUT}. */
export const K64F_SLOT_BYTES: number = 128 * 1024;
export const K64F_SECTOR_BYTES = 4096;

/** Two images in 128 KiB slots of 4 KiB sectors, 4-byte writes, one-sector scratch. */
export const K64F_LAYOUT: Scenario = {
  ...PLAIN_SCENARIO,
  images: 2,
  align: 4,
  primary: [[K64F_SLOT_BYTES / K64F_SECTOR_BYTES, K64F_SECTOR_BYTES]],
  secondary: [[K64F_SLOT_BYTES / K64F_SECTOR_BYTES, K64F_SECTOR_BYTES]],
  scratch: [[1, K64F_SECTOR_BYTES]],
  payloads: [
    [K64F_PAYLOAD_BYTES, K64F_PAYLOAD_BYTES],
    [K64F_PAYLOAD_BYTES, K64F_PAYLOAD_BYTES],
  ],
};

/**
 * Sweeps every cut of a boot with MCUboot's C code; `seconds` are those of the cuts alone, on one
 * core.
 * @throws {InternalError} mcuboot/reference-failed
 */
export function sweepReference(
  directory: string,
  scenario: Scenario,
  flip: Flip | null,
): { readonly counts: SweepCounts; readonly seconds: number } {
  const commands = [
    ...(scenario.from === "revert" ? ["boot 0", "keep"] : []),
    `sweep ${flip === null ? "-1 0 0" : flipArguments(scenario, flip)}`,
  ];
  const answers = askReference(directory, scenario, commands, SWEEP_SECONDS) ?? "";
  const numbers = /^sweep \d (.*)$/m.exec(answers)?.[1]?.split(" ").map(Number) ?? [];
  const [points = 0, bootFailures = 0, mixedStarts = 0, stillMixedAfter2 = 0] = numbers;
  const [oldOld = 0, newNew = 0, , seconds = 0] = numbers.slice(4);
  return {
    counts: { points, bootFailures, mixedStarts, stillMixedAfter2, oldOld, newNew },
    seconds,
  };
}

function flipArguments(scenario: Scenario, { image, offset }: Flip): string {
  const slot = layoutOf(scenario).areas.find(({ name }) => name === `s${image}`);
  return `${slot?.device ?? 0} ${(slot?.offset ?? 0) + offset} ${FLIP_MASK}`;
}
