// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, createRandom } from "@tandem/base";
import { MemoryStorage, NandChip, PowerLoss } from "@tandem/flash";
import type { Cut, FlashOperation, NandProfile, Power, RuleViolation } from "@tandem/flash";

import { SetState } from "../set-state.js";
import { decodeRecord } from "../state-record.js";
import type { StoreLimits } from "../store-plan.js";
import { Store } from "../store.js";

// Small blocks, so that every path (full block, last block, rotation) is reached in few operations.
export const PROFILE: NandProfile = {
  name: "small",
  pageBytes: 1024,
  spareBytes: 64,
  pagesPerBlock: 4,
  blockCount: 64,
  readUs: 1,
  programUs: 1,
  eraseUs: 1,
  busHz: 1e9,
};
export const LIMITS: StoreLimits = {
  images: 2,
  banks: 2,
  extents: 20,
  badBlocks: 10,
  journalBlocks: 16,
};
const IMAGE_SIZES: readonly number[] = [5000, 2048];

/** Power that is cut at one operation. */
export class CutPower implements Power {
  count = 0;
  /** Number of the operation; null: never. */
  at: number | null;
  readonly when: Cut["when"];
  readonly seed: number;

  constructor(at: number | null, when: Cut["when"], seed: number) {
    this.at = at;
    this.when = when;
    this.seed = seed;
  }

  begin(_operation: FlashOperation): Cut | null {
    return this.count++ === this.at ? { when: this.when, random: createRandom(this.seed) } : null;
  }
}

export class Bench {
  readonly violations: RuleViolation[] = [];
  storage = new MemoryStorage();

  chip(power: Power): NandChip {
    return new NandChip({
      name: "nand",
      profile: PROFILE,
      storage: this.storage,
      power,
      onViolation: (violation) => this.violations.push(violation),
    });
  }

  /** A copy of the chip on which one journal chain and all unstable pages are unreadable. */
  withoutChain(chain: number, unstable: ReadonlySet<number>): NandChip {
    const storage = this.storage.fork();
    const chip = new NandChip({ name: "nand", profile: PROFILE, storage });
    for (let block = 0; block < LIMITS.journalBlocks; block++) {
      const first = block * PROFILE.pagesPerBlock;
      if (decodeRecord(chip.readPage(first).data, LIMITS)?.chain !== chain) continue;
      for (let page = first; page < first + PROFILE.pagesPerBlock; page++) {
        if (storage.read(page) !== null) chip.decayPage(page, 2, createRandom(page));
      }
    }
    for (const page of unstable) chip.decayPage(page, 3, createRandom(page));
    return chip;
  }
}

export function imageBytes(image: number): Uint8Array {
  return createRandom(100 + image).bytes(IMAGE_SIZES[image] ?? 0);
}

/** Receives what is missing of the release, then marks it a candidate; safe to call again. */
export function receive(store: Store): void {
  if (store.record.state === SetState.CANDIDATE) return;
  if (store.record.state !== SetState.WRITING) {
    const incoming = IMAGE_SIZES.map((sizeBytes) => ({
      sizeBytes,
      fileDigest: new Uint8Array(32),
      version: new Uint8Array(8),
    }));
    store.commit({
      ...store.reserveBank(0, incoming),
      state: SetState.WRITING,
      candidateBank: 0,
    });
  }
  for (const [image] of IMAGE_SIZES.entries()) {
    const bytes = imageBytes(image);
    const writer = store.writeImage(0, image);
    for (let at = writer.positionBytes; at < bytes.length; at += 700) {
      writer.write(at, bytes.subarray(at, at + 700));
    }
  }
  store.commit({ state: SetState.CANDIDATE });
}

/** The first image, if it is not the one that was received. */
export function damagedImage(store: Store): number | null {
  const damaged = IMAGE_SIZES.findIndex((size, image) => {
    if (store.receivedBytes(0, image) !== size) return true;
    return !bytesEqual(store.readImage(0, image).read(0, size), imageBytes(image));
  });
  return damaged === -1 ? null : damaged;
}

/** Runs until done or cut; true when done. */
export function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof PowerLoss) return false;
    throw error;
  }
}
