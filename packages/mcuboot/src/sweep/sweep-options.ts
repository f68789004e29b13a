// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

/** Modes that move images, so that a cut can come between. */
export const SWEEP_MODES = ["scratch", "move", "offset", "overwrite"] as const;
/** One of {@link SWEEP_MODES}. */
export type SweepMode = (typeof SWEEP_MODES)[number];

/** A bit of a secondary slot that decays while power is off: bit 4 of the byte at `offset`. */
export interface SweepFlip {
  readonly image: number;
  /** From the start of the slot, bytes. */
  readonly offset: number;
}

/** What is swept: layout, update, and what happens between the cut and the next boot. */
export interface SweepOptions {
  readonly mode: SweepMode;
  readonly images: 1 | 2;
  /** Payload of every image, bytes. */
  readonly size: number;
  /** Bytes of every slot; the scratch area is one sector. */
  readonly slotSize: number;
  readonly sectorSize: number;
  /** Smallest write, bytes. */
  readonly align: number;
  /** `mutual`: each v2 needs every other image at 2.0.0. */
  readonly deps: "none" | "mutual";
  /** How the v2 images are marked; `first-only`: image 0 on trial, image 1 not at all. */
  readonly pending: "test" | "permanent" | "first-only";
  /** The boot that is cut: the one that installs, or the one that takes a trial back. */
  readonly from: "install" | "revert";
  readonly flip: SweepFlip | null;
}

/**
 * Refuses what cannot be swept.
 * @throws {UsageError} mcuboot/sweep-options, naming option, found and expected
 */
export function checkSweepOptions(options: SweepOptions): void {
  const { mode, images, slotSize, sectorSize, align, pending, from, flip } = options;
  if (![1, 2, 4, 8, 16, 32].includes(align)) refuse("--align", align, "1, 2, 4, 8, 16 or 32");
  if (sectorSize < 1 || sectorSize % align !== 0) {
    refuse("--sector-size", sectorSize, `a multiple of the alignment, ${align}`);
  }
  if (slotSize < sectorSize || slotSize % sectorSize !== 0) {
    refuse("--slot-size", slotSize, `a multiple of the sector size, ${sectorSize}`);
  }
  if (from === "revert" && mode === "overwrite") {
    refuse("--from", from, "install: overwrite mode keeps no image to go back to");
  }
  if (from === "revert" && pending === "permanent") {
    refuse("--from", from, "install: a permanent update is not taken back");
  }
  if (flip !== null && flip.image >= images) {
    refuse("--then", `flip:${flip.image}:${flip.offset}`, `an image below ${images}`);
  }
  if (flip !== null && flip.offset >= slotSize) {
    refuse("--then", `flip:${flip.image}:${flip.offset}`, `an offset below ${slotSize}`);
  }
}

function refuse(option: string, found: string | number, expected: string): never {
  throw new UsageError("mcuboot/sweep-options", `${option} ${found}: expected ${expected}`);
}
