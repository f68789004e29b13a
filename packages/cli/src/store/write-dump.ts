// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

import { UsageError } from "@tandem/base";
import { MemoryStorage, NandChip } from "@tandem/flash";
import type { NandProfile, PageStorage } from "@tandem/flash";

import { temporaryName } from "../write-file.js";
import type { DumpLayout } from "./dump-flash.js";

/** A chip in memory, marked as the factory marks it. */
export interface NewChip {
  readonly storage: MemoryStorage;
  readonly profile: NandProfile;
}

/**
 * An erased chip of this geometry.
 * @throws {UsageError} cli/bad-block for a block behind the end of the chip
 */
export function newChip(layout: DumpLayout, badBlocks: readonly number[]): NewChip {
  const storage = new MemoryStorage();
  const profile = chipProfile(layout);
  const chip = new NandChip({ name: "nand", profile, storage });
  for (const block of badBlocks) {
    if (block >= profile.blockCount) {
      throw new UsageError("cli/bad-block", `bad block ${block} of ${profile.blockCount} blocks`);
    }
    chip.markFactoryBad(block);
  }
  return { storage, profile };
}

/**
 * Writes a chip as a dump file, which appears as a whole.
 * @throws {UsageError} cli/exists
 */
export function writeDump(
  file: string,
  { storage, profile }: NewChip,
  layout: DumpLayout,
  isReplaced: boolean,
): void {
  refuseExisting(file, isReplaced);
  const temporary = temporaryName(file);
  const fd = openSync(temporary, "wx");
  try {
    try {
      for (let block = 0; block < profile.blockCount; block++) {
        writeSync(fd, blockBytes(storage, profile, layout, block));
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** @throws {UsageError} cli/exists */
export function refuseExisting(file: string, isReplaced: boolean): void {
  if (!isReplaced && existsSync(file)) {
    throw new UsageError("cli/exists", `${file}: exists already, expected a new name or --force`);
  }
}

/** The chip model needs a spare area for its ECC, also when the file has none. */
function chipProfile({ profile, hasModelEcc }: DumpLayout): NandProfile {
  if (hasModelEcc) return profile;
  return { ...profile, spareBytes: Math.max(profile.spareBytes, profile.pageBytes / 16) };
}

function blockBytes(
  storage: PageStorage,
  profile: NandProfile,
  layout: DumpLayout,
  block: number,
): Uint8Array {
  const { pageBytes, pagesPerBlock } = profile;
  const { spareBytes } = layout.profile;
  const length = pageBytes + spareBytes;
  const bytes = new Uint8Array(pagesPerBlock * length).fill(0xff);
  for (let page = 0; page < pagesPerBlock; page++) {
    const stored = storage.read(block * pagesPerBlock + page);
    if (stored === null) continue;
    // Without the model's ECC, the chip computes its own when the page is programmed: of the spare
    // area, only the bad-block mark is given.
    const markBytes = profile.mark?.spareBytes ?? 1;
    const kept = layout.hasModelEcc ? length : Math.min(length, pageBytes + markBytes);
    bytes.set(stored.subarray(0, kept), page * length);
  }
  return bytes;
}
