// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import type { Random } from "@tandem/base";

import { NEW_BLOCK } from "./medium-state.js";
import type { MediumState } from "./medium-state.js";
import { andBits, flipBits, halfErased } from "./nand-physics.js";
import type { NandPhysics } from "./nand-physics.js";
import { ONE_SPARE_BYTE } from "./nand-profile.js";
import type { NandProfile } from "./nand-profile.js";
import type { PageCodec } from "./page-codec.js";
import type { PageStorage } from "./page-storage.js";
import type { EraseTear } from "./power.js";
import { ECC_SECTOR_BYTES } from "./sector-ecc.js";

interface NandCellsOptions {
  readonly profile: NandProfile;
  readonly codec: PageCodec;
  readonly storage: PageStorage;
  readonly medium: MediumState;
  readonly physics: NandPhysics;
  readonly random: Random;
}

/** The array of a NAND chip: its bits and what time, wear and cuts do to them. */
export class NandCells {
  readonly #options: NandCellsOptions;
  readonly #profile: NandProfile;
  readonly #storage: PageStorage;
  readonly #medium: MediumState;

  constructor(options: NandCellsOptions) {
    this.#options = options;
    this.#profile = options.profile;
    this.#storage = options.storage;
    this.#medium = options.medium;
  }

  get random(): Random {
    return this.#options.random;
  }

  get markPages(): readonly number[] {
    return (this.#profile.mark ?? ONE_SPARE_BYTE).pages;
  }

  get markBytes(): number {
    return (this.#profile.mark ?? ONE_SPARE_BYTE).spareBytes;
  }

  /** What the sense amplifiers make of a page: its bits, or others when it is unstable. */
  sense(page: number, block: number): Uint8Array | null {
    this.#countRead(block);
    const stored = this.#storage.read(page);
    const { goodChance } = this.#medium.page(page);
    if (goodChance === 256 || stored === null) return stored;
    const { random } = this;
    const { unstableReadIsGood } = this.#options.physics;
    if (unstableReadIsGood !== undefined) {
      return unstableReadIsGood(page) ? stored : this.#unreadable(stored);
    }
    const isGood = random.below(256) < goodChance;
    const left = goodChance - 1 - random.below(16);
    if (left <= 0) return this.#settle(page, stored);
    this.#medium.setPage(page, { goodChance: left });
    return isGood ? stored : this.#beyondEcc(stored);
  }

  /** Makes a page read well at some times and not at others, ever more rarely. */
  destabilize(page: number, random: Random): void {
    this.#medium.setPage(page, { goodChance: 64 + random.below(192) });
  }

  /** Time passes: every unstable page has become unreadable for good. */
  settleUnstable(): void {
    for (const page of this.#medium.unstablePages()) {
      const stored = this.#storage.read(page);
      if (stored !== null) this.#settle(page, stored);
    }
  }

  /**
   * Retention: flips bits of main area and codes in every programmed page, `flipsPerPage` on
   * average; up to ten times as many in a block at the end of its life.
   */
  age(flipsPerPage: number, random: Random): void {
    const { blockCount, pagesPerBlock, enduranceCycles } = this.#profile;
    for (let page = 0; page < blockCount * pagesPerBlock; page++) {
      const stored = this.#storage.read(page);
      if (stored === null) continue;
      const { erases } = this.#medium.block(Math.floor(page / pagesPerBlock));
      const mean = flipsPerPage * (1 + (9 * erases) / (enduranceCycles ?? 100_000));
      const flips = Math.floor(mean) + (random.u32() / 0x1_0000_0000 < mean % 1 ? 1 : 0);
      if (flips > 0) this.#flip(page, stored, flips, random);
    }
  }

  /** Flips `count` bits in each sector of a page. */
  decay(page: number, count: number, random: Random): void {
    const { pageBytes, spareBytes } = this.#profile;
    const bytes =
      this.#storage.read(page)?.slice() ?? new Uint8Array(pageBytes + spareBytes).fill(0xff);
    for (let start = 0; start < pageBytes; start += ECC_SECTOR_BYTES) {
      flipBits(bytes, { start, length: ECC_SECTOR_BYTES }, count, random);
    }
    this.#storage.write(page, bytes);
  }

  /** Changes a page so that its ECC takes it for good: miscorrection, or a fault above the chip. */
  corruptSilently(page: number, random: Random): void {
    const { pageBytes, spareBytes } = this.#profile;
    const bytes = new Uint8Array(pageBytes + spareBytes).fill(0xff);
    const stored = this.#storage.read(page);
    if (stored !== null) bytes.set(stored);
    flipBits(bytes, { start: 0, length: pageBytes }, 1 + random.below(64), random);
    this.#options.codec.encode(bytes);
    this.#storage.write(page, bytes);
  }

  isMarkedBad(block: number): boolean {
    const { pageBytes, pagesPerBlock } = this.#profile;
    for (const page of this.markPages) {
      const stored = this.#storage.read(block * pagesPerBlock + page);
      if (stored === null) continue;
      // Programs keep 0xFF at the mark; only the factory and `markBad` write there.
      if (!isErased(stored.subarray(pageBytes, pageBytes + this.markBytes))) return true;
    }
    return false;
  }

  markFactoryBad(block: number): void {
    const { pageBytes, spareBytes, pagesPerBlock } = this.#profile;
    const { factory } = this.#profile.mark ?? ONE_SPARE_BYTE;
    for (const page of this.markPages) {
      const mark = new Uint8Array(pageBytes + spareBytes).fill(factory === "whole-page" ? 0 : 0xff);
      mark.fill(0, pageBytes, pageBytes + this.markBytes);
      if (factory === "first-bytes") mark[0] = 0;
      this.#storage.write(block * pagesPerBlock + page, mark);
    }
  }

  /** First page of a block that may still be programmed. */
  nextPageOf(block: number): number {
    const { nextPage } = this.#medium.block(block);
    if (nextPage >= 0) return nextPage;
    const { pagesPerBlock } = this.#profile;
    let next = pagesPerBlock;
    for (; next > 0; next--) {
      const stored = this.#storage.read(block * pagesPerBlock + next - 1);
      if (stored !== null && !isErased(stored)) break;
    }
    return next;
  }

  /** Counts a program; true when it fails. */
  countProgram(page: number, block: number, kind: "whole" | "part" | "mark"): boolean {
    const { failEveryNthProgram: nth } = this.#options.physics;
    this.#medium.programs += 1;
    if (kind !== "mark") {
      const { pagesPerBlock } = this.#profile;
      const nextPage = Math.max(this.nextPageOf(block), (page % pagesPerBlock) + 1);
      this.#medium.setBlock(block, { nextPage });
    }
    if (kind === "part") {
      this.#medium.setPage(page, { programs: this.#medium.page(page).programs + 1 });
    }
    return this.#medium.block(block).isWornOut || isNth(this.#medium.programs, nth);
  }

  /** Counts an erase; true when it fails. */
  countErase(block: number, isFactoryBad: boolean): boolean {
    const { failEveryNthErase, enduranceCycles, factoryBadErase } = this.#options.physics;
    const endurance = enduranceCycles ?? this.#profile.enduranceCycles ?? Number.POSITIVE_INFINITY;
    this.#medium.erases += 1;
    const erases = this.#medium.block(block).erases + 1;
    this.#medium.setBlock(block, { erases, ...(erases > endurance ? { isWornOut: true } : {}) });
    if (isFactoryBad && factoryBadErase === "fails") return true;
    return this.#medium.block(block).isWornOut || isNth(this.#medium.erases, failEveryNthErase);
  }

  program(page: number, target: Uint8Array): void {
    this.#storage.write(page, andBits(this.#storage.read(page), target));
  }

  /** Programs after a cut erase: up to twice as many wrong bits as the ECC corrects. */
  disturbWeakBlock(block: number, target: Uint8Array): void {
    if (!this.#medium.block(block).isWeak) return;
    const most = 2 * this.#options.codec.ecc.strengthBits + 1;
    for (let start = 0; start < this.#profile.pageBytes; start += ECC_SECTOR_BYTES) {
      const region = { start, length: ECC_SECTOR_BYTES };
      flipBits(target, region, this.random.below(most + 1), this.random);
    }
  }

  erase(block: number): void {
    this.#blank(block);
    const { erases, isWornOut } = this.#medium.block(block);
    this.#medium.setBlock(block, { ...NEW_BLOCK, nextPage: 0, erases, isWornOut });
  }

  tearErase(block: number, tear: EraseTear, random: Random): void {
    switch (tear) {
      case "old":
        return;
      case "complete":
        this.erase(block);
        return;
      case "blank-weak":
        this.#blank(block);
        this.#medium.setBlock(block, { nextPage: 0, isWeak: true });
        return;
      case "mixed":
        this.#mix(block, random);
        return;
      default:
        tear satisfies never;
    }
  }

  /** Some pages keep their old bits, some are half erased; the block stays weak. */
  #mix(block: number, random: Random): void {
    const { pagesPerBlock } = this.#profile;
    for (let page = block * pagesPerBlock; page < (block + 1) * pagesPerBlock; page++) {
      const stored = this.#storage.read(page);
      if (stored === null || random.below(3) === 0) continue;
      if (random.below(2) === 0) this.#storage.erase(page, 1);
      else this.#storage.write(page, halfErased(stored, random));
    }
    this.#medium.setBlock(block, { nextPage: -1, isWeak: true });
  }

  #blank(block: number): void {
    const { pagesPerBlock } = this.#profile;
    this.#storage.erase(block * pagesPerBlock, pagesPerBlock);
    this.#medium.clearPages(block * pagesPerBlock, pagesPerBlock);
  }

  #countRead(block: number): void {
    const { readsPerDisturbedBit } = this.#options.physics;
    if (readsPerDisturbedBit === undefined) return;
    const reads = this.#medium.block(block).reads + 1;
    this.#medium.setBlock(block, { reads });
    if (!isNth(reads, readsPerDisturbedBit)) return;
    const { pagesPerBlock } = this.#profile;
    const page = block * pagesPerBlock + this.random.below(pagesPerBlock);
    const stored = this.#storage.read(page);
    if (stored !== null) this.#flip(page, stored, 1, this.random);
  }

  /** Flips bits anywhere in the main area and the codes. */
  #flip(page: number, stored: Uint8Array, count: number, random: Random): void {
    const { pageBytes } = this.#profile;
    const { ecc } = this.#options.codec.spare;
    const codeBytes = ecc.reduce((sum, { length }) => sum + length, 0);
    const bytes = stored.slice();
    for (let i = 0; i < count; i++) {
      let start = random.below(pageBytes + codeBytes);
      if (start >= pageBytes) {
        const inCodes = start - pageBytes;
        const { offset, length } = ecc[Math.floor((inCodes * ecc.length) / codeBytes)] ?? {
          offset: 0,
          length: 1,
        };
        start = pageBytes + offset + (inCodes % length);
      }
      flipBits(bytes, { start, length: 1 }, 1, random);
    }
    this.#storage.write(page, bytes);
  }

  /** An unstable page has decayed: it is bad from now on. */
  #settle(page: number, stored: Uint8Array): Uint8Array {
    const bad = this.#beyondEcc(stored);
    this.#storage.write(page, bad);
    this.#medium.setPage(page, { goodChance: 256 });
    return bad;
  }

  /** The page with more wrong bits than the ECC corrects in every sector: nothing of it is left. */
  #unreadable(stored: Uint8Array): Uint8Array {
    const bytes = stored.slice();
    const count = this.#options.codec.ecc.strengthBits + 1;
    for (let start = 0; start < this.#profile.pageBytes; start += ECC_SECTOR_BYTES) {
      flipBits(bytes, { start, length: ECC_SECTOR_BYTES }, count, this.random);
    }
    return bytes;
  }

  /** The page with more wrong bits in one sector than the ECC corrects. */
  #beyondEcc(stored: Uint8Array): Uint8Array {
    const { random } = this;
    const bytes = stored.slice();
    const start = random.below(this.#profile.pageBytes / ECC_SECTOR_BYTES) * ECC_SECTOR_BYTES;
    const count = this.#options.codec.ecc.strengthBits + (random.below(8) === 0 ? 2 : 1);
    flipBits(bytes, { start, length: ECC_SECTOR_BYTES }, count, random);
    return bytes;
  }
}

function isNth(count: number, nth: number | undefined): boolean {
  return nth !== undefined && nth > 0 && count % nth === 0;
}
