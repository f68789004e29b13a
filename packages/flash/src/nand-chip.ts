// SPDX-License-Identifier: Apache-2.0
import { UsageError, isErased } from "@tandem/base";
import type { Random } from "@tandem/base";

import type { NandProfile } from "./nand-profile.js";
import type { PagedFlash, PageRead } from "./paged-flash.js";
import type { PageStorage } from "./page-storage.js";
import { NO_CLOCK, PowerLoss, STEADY_POWER } from "./power.js";
import type { FlashOperation, ModelClock, Power, RuleViolation } from "./power.js";
import { correctSector, ECC_SECTOR_BYTES, sectorCode } from "./sector-ecc.js";

export interface NandChipOptions {
  /** Name in operations and violations. */
  readonly name: string;
  readonly profile: NandProfile;
  /** Pages of main area followed by spare area. */
  readonly storage: PageStorage;
  readonly power?: Power;
  readonly clock?: ModelClock;
  /** Called with each rule that the software above breaks. */
  readonly onViolation?: (violation: RuleViolation) => void;
}

/** Bytes of the spare area before the code of sector i: W25N01GV keeps it at 16 i + 8. */
const codeOffset = (sector: number): number => 16 * sector + 8;

/** SPI bytes around the data of a page read or program: opcodes, addresses, status polls. */
const BUS_OVERHEAD_BYTES = 14;

/**
 * An SPI-NAND chip with on-die ECC of one bit per 512 bytes. It enforces what the data sheet
 * demands (program once, ascending order, erase by block, hands off factory bad blocks): a rule
 * that is broken is reported, and the bits then do what real ones would.
 */
export class NandChip implements PagedFlash {
  readonly name: string;
  readonly geometry: NandProfile;
  readonly eccStrengthBits = 1;
  readonly #storage: PageStorage;
  readonly #power: Power;
  readonly #clock: ModelClock;
  readonly #onViolation: (violation: RuleViolation) => void;
  /** Next page that may be programmed, per block; looked up in the storage when unknown. */
  readonly #nextPage = new Map<number, number>();
  /** Blocks whose last erase was cut: they read blank, but cannot be relied on. */
  readonly #weakBlocks = new Set<number>();
  readonly #failingBlocks = new Set<number>();

  constructor(options: NandChipOptions) {
    this.name = options.name;
    this.geometry = options.profile;
    this.#storage = options.storage;
    this.#power = options.power ?? STEADY_POWER;
    this.#clock = options.clock ?? NO_CLOCK;
    this.#onViolation = options.onViolation ?? (() => undefined);
  }

  readPage(page: number): PageRead {
    this.#checkPage(page);
    this.#clock.elapse(this.geometry.readUs + this.#busUs(this.geometry.pageBytes));
    const stored = this.#storage.read(page);
    const { pageBytes } = this.geometry;
    if (stored === null) {
      return { data: new Uint8Array(pageBytes).fill(0xff), status: "ok", correctedBits: 0 };
    }
    const data = stored.slice(0, pageBytes);
    let status: PageRead["status"] = "ok";
    for (let sector = 0; sector * ECC_SECTOR_BYTES < pageBytes; sector++) {
      const at = pageBytes + codeOffset(sector);
      const code = (stored[at] ?? 0) | ((stored[at + 1] ?? 0) << 8);
      const result = correctSector(data, sector * ECC_SECTOR_BYTES, code);
      if (result === "uncorrectable") return { data, status: "uncorrectable", correctedBits: 0 };
      if (result === "corrected") status = "corrected";
    }
    return { data, status, correctedBits: status === "corrected" ? 1 : 0 };
  }

  programPage(page: number, data: Uint8Array): "ok" | "failed" {
    this.#checkPage(page);
    const { pageBytes, pagesPerBlock, programUs } = this.geometry;
    if (data.length !== pageBytes) {
      throw new UsageError(
        "flash/page-size",
        `${this.name}: program of page ${page} with ${data.length} bytes, expected ${pageBytes}`,
      );
    }
    const block = Math.floor(page / pagesPerBlock);
    const operation = this.#operation("program", page * pageBytes, pageBytes);
    const cut = this.#power.begin(operation);
    if (cut?.when === "before") throw new PowerLoss(operation);
    this.#checkProgramRules(page, block);
    this.#clock.elapse(programUs + this.#busUs(pageBytes));
    this.#nextPage.set(block, (page % pagesPerBlock) + 1);
    const target = this.#withSpare(data);
    if (cut?.when === "inside") keepSomeBits(target, cut.random);
    const failed = cut === null && this.#failingBlocks.has(block);
    if (failed) target.fill(0x5a, 0, pageBytes / 2);
    this.#storage.write(page, andBits(this.#storage.read(page), target));
    if (cut !== null) throw new PowerLoss(operation);
    return failed ? "failed" : "ok";
  }

  eraseBlock(block: number): "ok" | "failed" {
    const { pageBytes, pagesPerBlock, eraseUs } = this.geometry;
    this.#checkPage(block * pagesPerBlock);
    const operation = this.#operation(
      "erase",
      block * pagesPerBlock * pageBytes,
      pagesPerBlock * pageBytes,
    );
    const cut = this.#power.begin(operation);
    if (cut?.when === "before") throw new PowerLoss(operation);
    if (this.isMarkedBad(block)) this.#violate("erase-bad-block", operation.address);
    this.#clock.elapse(eraseUs);
    if (cut?.when === "inside") {
      this.#tearErase(block, cut.random);
      throw new PowerLoss(operation);
    }
    if (cut === null && this.#failingBlocks.has(block)) return "failed";
    this.#storage.erase(block * pagesPerBlock, pagesPerBlock);
    this.#nextPage.set(block, 0);
    this.#weakBlocks.delete(block);
    if (cut !== null) throw new PowerLoss(operation);
    return "ok";
  }

  /** Raw read (ECC off) of the mark: first byte of the main and of the spare area of page 0. */
  isMarkedBad(block: number): boolean {
    const stored = this.#storage.read(block * this.geometry.pagesPerBlock);
    if (stored === null) return false;
    // A programmed page keeps 0xFF at the mark in the spare area; only the factory writes there.
    return stored[this.geometry.pageBytes] !== 0xff;
  }

  /** Marks a block bad as the factory does: zero in the first main and spare byte of page 0. */
  markFactoryBad(block: number): void {
    const mark = new Uint8Array(this.geometry.pageBytes + this.geometry.spareBytes).fill(0xff);
    mark[0] = 0x00;
    mark[this.geometry.pageBytes] = 0x00;
    this.#storage.write(block * this.geometry.pagesPerBlock, mark);
  }

  /** From now on programs and erases of this block fail (P_FAIL, E_FAIL). */
  wearOut(block: number): void {
    this.#failingBlocks.add(block);
  }

  /** Flips bits of a page as decay does: `count` in each of its sectors. */
  decayPage(page: number, count: number, random: Random): void {
    const { pageBytes, spareBytes } = this.geometry;
    const bytes =
      this.#storage.read(page)?.slice() ?? new Uint8Array(pageBytes + spareBytes).fill(0xff);
    for (let start = 0; start < pageBytes; start += ECC_SECTOR_BYTES) {
      const flipped = new Set<number>();
      while (flipped.size < count) flipped.add(random.below(ECC_SECTOR_BYTES * 8));
      for (const bit of flipped) {
        const at = start + (bit >> 3);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      }
    }
    this.#storage.write(page, bytes);
  }

  #checkProgramRules(page: number, block: number): void {
    const address = page * this.geometry.pageBytes;
    if (this.isMarkedBad(block)) this.#violate("program-bad-block", address);
    if (this.#weakBlocks.has(block)) this.#violate("program-after-cut-erase", address);
    const stored = this.#storage.read(page);
    if (stored !== null && !isErased(stored)) this.#violate("program-twice", address);
    else if (page % this.geometry.pagesPerBlock < this.#nextPageOf(block)) {
      this.#violate("program-out-of-order", address);
    }
  }

  #nextPageOf(block: number): number {
    const known = this.#nextPage.get(block);
    if (known !== undefined) return known;
    const first = block * this.geometry.pagesPerBlock;
    let next = this.geometry.pagesPerBlock;
    while (next > 0) {
      const stored = this.#storage.read(first + next - 1);
      if (stored !== null && !isErased(stored)) break;
      next--;
    }
    this.#nextPage.set(block, next);
    return next;
  }

  #withSpare(data: Uint8Array): Uint8Array {
    const { pageBytes, spareBytes } = this.geometry;
    const target = new Uint8Array(pageBytes + spareBytes).fill(0xff);
    target.set(data);
    for (let sector = 0; sector * ECC_SECTOR_BYTES < pageBytes; sector++) {
      const code = sectorCode(data, sector * ECC_SECTOR_BYTES);
      target[pageBytes + codeOffset(sector)] = code & 0xff;
      target[pageBytes + codeOffset(sector) + 1] = code >> 8;
    }
    return target;
  }

  /** Some pages keep their old bits, some are half erased; the block stays weak. */
  #tearErase(block: number, random: Random): void {
    const { pagesPerBlock } = this.geometry;
    for (let page = block * pagesPerBlock; page < (block + 1) * pagesPerBlock; page++) {
      const stored = this.#storage.read(page);
      if (stored === null || random.below(3) === 0) continue;
      if (random.below(2) === 0) this.#storage.erase(page, 1);
      else
        this.#storage.write(
          page,
          stored.map((byte) => byte | random.below(256)),
        );
    }
    this.#nextPage.delete(block);
    this.#weakBlocks.add(block);
  }

  #busUs(bytes: number): number {
    return ((bytes + BUS_OVERHEAD_BYTES) * 8 * 1e6) / this.geometry.busHz;
  }

  #operation(kind: "erase" | "program", address: number, length: number): FlashOperation {
    return { device: this.name, kind, address, length };
  }

  #violate(rule: RuleViolation["rule"], address: number): void {
    this.#onViolation({ device: this.name, rule, address });
  }

  #checkPage(page: number): void {
    const { blockCount, pagesPerBlock } = this.geometry;
    if (!Number.isSafeInteger(page) || page < 0 || page >= blockCount * pagesPerBlock) {
      throw new UsageError(
        "flash/range",
        `${this.name}: page ${page} of ${blockCount * pagesPerBlock}`,
      );
    }
  }
}

/** Programming only clears bits. */
function andBits(old: Uint8Array | null, target: Uint8Array): Uint8Array {
  if (old === null) return target;
  return target.map((byte, i) => byte & (old[i] ?? 0xff));
}

/** A cut inside a program: a random share of the bits to be cleared was reached. */
function keepSomeBits(target: Uint8Array, random: Random): void {
  const reached = random.below(target.length * 8);
  for (let i = 0; i < target.length; i++) {
    const unreached = i * 8 > reached ? 0xff : random.below(256) & random.below(256);
    target[i] = (target[i] ?? 0xff) | unreached;
  }
}
