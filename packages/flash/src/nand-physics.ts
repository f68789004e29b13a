// SPDX-License-Identifier: Apache-2.0
import type { Random } from "@tandem/base";

import type { ProgramTear } from "./power.js";

/** How the silicon of one chip misbehaves; all of it off when absent. */
export interface NandPhysics {
  /** Every nth program of the chip fails (P_FAIL). */
  readonly failEveryNthProgram?: number;
  /** Every nth erase of the chip fails (E_FAIL). */
  readonly failEveryNthErase?: number;
  /** Erases after which a block fails; the profile's figure when absent. */
  readonly enduranceCycles?: number;
  /** Reads of a block, since its erase, that disturb one bit of it. */
  readonly readsPerDisturbedBit?: number;
  /**
   * Whether this read of an unstable page is good, or nothing of it can be read; it then stays as
   * unstable as it was. Absent: the chip's random numbers decide, and the page ends up unreadable.
   */
  readonly unstableReadIsGood?: (page: number) => boolean;
  /** Erasing a factory bad block destroys the mark, or fails and leaves it. */
  readonly factoryBadErase?: "succeeds" | "fails";
}

/** Flips `count` different bits of `bytes[start .. start + length)`. */
export function flipBits(
  bytes: Uint8Array,
  region: { readonly start: number; readonly length: number },
  count: number,
  random: Random,
): void {
  const flipped = new Set<number>();
  while (flipped.size < Math.min(count, region.length * 8)) {
    flipped.add(random.below(region.length * 8));
  }
  for (const bit of flipped) {
    const at = region.start + (bit >> 3);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  }
}

/** Programming only clears bits. */
export function andBits(old: Uint8Array | null, target: Uint8Array): Uint8Array {
  if (old === null) return target;
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) & (old[i] ?? 0xff);
  return target;
}

/** Changes what was to be programmed into what a cut leaves of it. */
export function tearProgram(target: Uint8Array, tear: ProgramTear, random: Random): void {
  switch (tear) {
    case "nothing":
      target.fill(0xff);
      return;
    case "some-bits":
      keepSomeBits(target, random);
      return;
    case "one-bit": {
      const bit = pickClearedBit(target, random);
      target.fill(0xff);
      if (bit !== null) target[bit >> 3] = 0xff ^ (1 << (bit & 7));
      return;
    }
    case "all-but-one-bit": {
      const bit = pickClearedBit(target, random);
      if (bit !== null) target[bit >> 3] = (target[bit >> 3] ?? 0) | (1 << (bit & 7));
      return;
    }
    case "complete":
    case "unstable":
      return;
    default:
      tear satisfies never;
  }
}

/** A random share of the bits to be cleared was reached. */
function keepSomeBits(target: Uint8Array, random: Random): void {
  const reached = random.below(target.length * 8);
  for (let i = 0; i < target.length; i++) {
    const unreached = i * 8 > reached ? 0xff : random.below(256) & random.below(256);
    target[i] = (target[i] ?? 0xff) | unreached;
  }
}

/** One of the zero bits, each as likely as the others; null when there is none. */
function pickClearedBit(bytes: Uint8Array, random: Random): number | null {
  let cleared = 0;
  for (const byte of bytes) cleared += CLEARED_BITS[byte] ?? 0;
  let left = random.below(cleared);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0xff;
    const here = CLEARED_BITS[byte] ?? 0;
    if (left >= here) {
      left -= here;
      continue;
    }
    for (let bit = 0; bit < 8; bit++) {
      if (((byte >> bit) & 1) === 0 && left-- === 0) return at * 8 + bit;
    }
  }
  return null;
}

/** Zero bits of each byte. */
const CLEARED_BITS = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, byte) => {
  let cleared = 8;
  for (let bit = 0; bit < 8; bit++) cleared -= (byte >> bit) & 1;
  return cleared;
});

/** What a half-erased page reads as: some cleared bits are set again. */
export function halfErased(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.map((byte) => byte | random.below(256));
}
