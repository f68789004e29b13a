// SPDX-License-Identifier: Apache-2.0
import { UsageError, createRandom, isErased } from "@tandem/base";
import type { Random } from "@tandem/base";

import { MediumState } from "./medium-state.js";
import { NandCells } from "./nand-cells.js";
import { tearProgram } from "./nand-physics.js";
import type { NandPhysics } from "./nand-physics.js";
import type { NandProfile } from "./nand-profile.js";
import { nandOn } from "./nand-profile.js";
import {
  ECC_ENABLE,
  ECC_STATUS_SHIFT,
  FEATURE,
  registersAtPowerUp,
  STATUS,
} from "./nand-registers.js";
import type { NandRegisters } from "./nand-registers.js";
import type { PageCodec } from "./page-codec.js";
import { pageCodecOf } from "./page-codec.js";
import type { PagedFlash, PageRead } from "./paged-flash.js";
import { MemoryStorage } from "./page-storage.js";
import type { PageStorage } from "./page-storage.js";
import { eraseTear, NO_CLOCK, PowerLoss, programTear, STEADY_POWER } from "./power.js";
import type { Cut, FlashOperation, ModelClock, Power, RuleViolation } from "./power.js";
import { ECC_SECTOR_BYTES } from "./sector-ecc.js";

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
  /** Typical times when absent. */
  readonly timing?: "typical" | "worst";
  /** False: blocks are protected after each power-up until `unlockBlocks`. */
  readonly startsUnlocked?: boolean;
  readonly physics?: NandPhysics;
  /** Decides what unstable pages, weak blocks and read disturb do. */
  readonly random?: Random;
  /** What becomes of an operation during which the processor (not the power) is reset. */
  readonly inFlightAfterReset?: "completes" | "aborted";
}

/** A chip at one moment: its bits, their hidden physical state and its registers. */
export interface NandSnapshot {
  readonly storage: MemoryStorage;
  readonly registers: Readonly<NandRegisters>;
}

/** SPI bytes around the data of a page read or program: opcodes, addresses, status polls. */
const BUS_OVERHEAD_BYTES = 14;

/**
 * An SPI-NAND chip with on-die ECC. It enforces what the data sheet demands (program once,
 * ascending order, erase by block, unlock before writing, ECC on, hands off factory bad blocks): a
 * rule that is broken is reported, and the bits then do what real ones would.
 */
export class NandChip implements PagedFlash {
  readonly name: string;
  readonly geometry: NandProfile;
  readonly eccStrengthBits: number;
  readonly #options: NandChipOptions;
  readonly #codec: PageCodec;
  readonly #storage: PageStorage;
  readonly #medium: MediumState;
  readonly #cells: NandCells;
  readonly #power: Power;
  readonly #clock: ModelClock;
  #registers: NandRegisters;

  constructor(options: NandChipOptions) {
    const { profile, storage } = options;
    this.#options = options;
    this.name = options.name;
    this.geometry = options.timing === "worst" ? nandOn(profile, { timing: "worst" }) : profile;
    this.#codec = pageCodecOf(profile);
    this.eccStrengthBits = this.#codec.ecc.strengthBits;
    this.#storage = storage;
    this.#medium = storage.medium ?? new MediumState();
    this.#power = options.power ?? STEADY_POWER;
    this.#clock = options.clock ?? NO_CLOCK;
    this.#cells = new NandCells({
      profile,
      codec: this.#codec,
      storage,
      medium: this.#medium,
      physics: options.physics ?? {},
      random: options.random ?? createRandom(1),
    });
    this.#registers = this.#atPowerUp();
  }

  /** What only time, wear and tests do to the bits. */
  get cells(): NandCells {
    return this.#cells;
  }

  /** Power was gone and is back: registers are as after power-up. */
  powerCycle(): void {
    this.#registers = this.#atPowerUp();
  }

  /** Lifts the block protection that power-up brings. */
  unlockBlocks(): void {
    this.writeFeature(FEATURE.PROTECTION, 0);
  }

  /** Switches the ECC on again after raw reads. */
  enableEcc(): void {
    this.#registers.eccEnabled = true;
  }

  /** Feature C0h: failures of the last program or erase, ECC status of the last read. */
  readStatus(): number {
    return this.readFeature(FEATURE.STATUS);
  }

  /** GET FEATURE; 0 for features that the part does not have. */
  readFeature(address: number): number {
    this.#clock.elapse(this.#busUs(3 - BUS_OVERHEAD_BYTES));
    const { protection, eccEnabled, status, correctedBits } = this.#registers;
    const { detail } = this.#codec.ecc;
    if (address === FEATURE.PROTECTION) return protection;
    if (address === FEATURE.CONFIGURATION) return eccEnabled ? ECC_ENABLE : 0;
    if (address === FEATURE.STATUS) return status;
    if (address !== detail?.address) return 0;
    return Math.max(0, correctedBits - detail.bias) << detail.shift;
  }

  /** SET FEATURE of block protection or configuration. */
  writeFeature(address: number, value: number): void {
    this.#clock.elapse(this.#busUs(3 - BUS_OVERHEAD_BYTES));
    if (address === FEATURE.PROTECTION) this.#registers.protection = value & 0xff;
    else if (address === FEATURE.CONFIGURATION) {
      this.#registers.eccEnabled = (value & ECC_ENABLE) !== 0;
    } else throw new UsageError("flash/feature", `${this.name}: feature 0x${address.toString(16)}`);
  }

  readPage(page: number): PageRead {
    this.#checkPage(page);
    const { pageBytes, pagesPerBlock, readUs } = this.geometry;
    this.#clock.elapse(readUs + this.#busUs(pageBytes));
    const stored = this.#cells.sense(page, Math.floor(page / pagesPerBlock));
    if (!this.#registers.eccEnabled) this.#violate("read-ecc-off", page * pageBytes);
    if (stored === null) {
      this.#setEccStatus(0);
      return { data: new Uint8Array(pageBytes).fill(0xff), status: "ok", correctedBits: 0 };
    }
    const data = stored.slice(0, pageBytes);
    const bits = this.#registers.eccEnabled ? this.#codec.decode(data, stored) : 0;
    const told = this.#setEccStatus(bits);
    if (bits < 0) return { data, status: "uncorrectable", correctedBits: 0 };
    return { data, status: bits > 0 ? "corrected" : "ok", correctedBits: told };
  }

  /** Main and spare area as they are; leaves the ECC off, to be switched on with `enableEcc`. */
  readRaw(page: number): Uint8Array {
    this.#checkPage(page);
    const { pageBytes, spareBytes, pagesPerBlock, readUs } = this.geometry;
    this.#registers.eccEnabled = false;
    this.#clock.elapse(readUs + this.#busUs(pageBytes + spareBytes + 3));
    const stored = this.#cells.sense(page, Math.floor(page / pagesPerBlock));
    return stored?.slice() ?? new Uint8Array(pageBytes + spareBytes).fill(0xff);
  }

  programPage(page: number, data: Uint8Array): "ok" | "failed" {
    this.#checkPage(page);
    const { pageBytes, spareBytes } = this.geometry;
    if (data.length !== pageBytes) {
      throw new UsageError(
        "flash/page-size",
        `${this.name}: program of page ${page} with ${data.length} bytes, expected ${pageBytes}`,
      );
    }
    const target = new Uint8Array(pageBytes + spareBytes).fill(0xff);
    target.set(data);
    if (this.#registers.eccEnabled) this.#codec.encode(target);
    else this.#violate("program-ecc-off", page * pageBytes);
    return this.#program(page, target, pageBytes, "whole");
  }

  /**
   * Programs whole sectors of a page, from byte `columnBytes` of the main area on: a partial
   * program, of which a page takes as many as the part's NOP between two erases.
   */
  programSectors(page: number, columnBytes: number, data: Uint8Array): "ok" | "failed" {
    this.#checkPage(page);
    const { pageBytes, spareBytes } = this.geometry;
    const end = columnBytes + data.length;
    if (columnBytes % ECC_SECTOR_BYTES !== 0 || end % ECC_SECTOR_BYTES !== 0 || end > pageBytes) {
      throw new UsageError(
        "flash/page-size",
        `${this.name}: bytes ${columnBytes} to ${end} of a page, expected multiples of ${ECC_SECTOR_BYTES} up to ${pageBytes}`,
      );
    }
    const target = new Uint8Array(pageBytes + spareBytes).fill(0xff);
    target.set(data, columnBytes);
    // Sectors that stay blank have a blank code, which leaves the stored one as it is.
    if (this.#registers.eccEnabled) this.#codec.encode(target);
    else this.#violate("program-ecc-off", page * pageBytes);
    return this.#program(page, target, data.length, "part");
  }

  /** Marks a block bad as drivers do: zeros in the spare area, raw, without an erase before. */
  markBad(block: number): "ok" | "failed" {
    const { pageBytes, spareBytes, pagesPerBlock } = this.geometry;
    this.#checkPage(block * pagesPerBlock);
    const target = new Uint8Array(pageBytes + spareBytes).fill(0xff);
    target.fill(0, pageBytes, pageBytes + this.#cells.markBytes);
    return this.#program(block * pagesPerBlock, target, this.#cells.markBytes, "mark");
  }

  eraseBlock(block: number): "ok" | "failed" {
    const { pageBytes, pagesPerBlock, eraseUs } = this.geometry;
    this.#checkPage(block * pagesPerBlock);
    const address = block * pagesPerBlock * pageBytes;
    if (this.#isLocked("erase-locked", address, STATUS.E_FAIL)) return "failed";
    const operation = this.#operation("erase", address, pagesPerBlock * pageBytes);
    const cut = this.#begin(operation);
    const bad = this.#cells.isMarkedBad(block);
    if (bad) this.#violate("erase-bad-block", address);
    this.#registers.status &= ~(STATUS.E_FAIL | STATUS.P_FAIL);
    const fails = this.#cells.countErase(block, bad);
    this.#busy(eraseUs, (aborted) => {
      if (cut?.when === "inside") this.#cells.tearErase(block, eraseTear(cut), cut.random);
      else if (aborted) this.#cells.tearErase(block, "mixed", this.#cells.random);
      else if (cut === null && fails) this.#medium.setBlock(block, { hasFailed: true });
      else this.#cells.erase(block);
    });
    if (cut !== null) this.#lose(operation);
    if (!fails) return "ok";
    this.#registers.status |= STATUS.E_FAIL;
    return "failed";
  }

  /** Raw read of the mark at the start of the spare area; the ECC is as before afterwards. */
  isMarkedBad(block: number): boolean {
    this.#checkPage(block * this.geometry.pagesPerBlock);
    const pages = this.#cells.markPages.length;
    this.#clock.elapse(pages * (this.geometry.readUs + this.#busUs(this.#cells.markBytes)));
    return this.#cells.isMarkedBad(block);
  }

  /** Marks a block bad as the factory of the part does. */
  markFactoryBad(block: number): void {
    this.#cells.markFactoryBad(block);
  }

  /** From now on programs and erases of this block fail (P_FAIL, E_FAIL). */
  wearOut(block: number): void {
    this.#medium.setBlock(block, { isWornOut: true });
  }

  /** Flips bits of a page as decay does: `count` in each of its sectors. */
  decayPage(page: number, count: number, random: Random): void {
    this.#cells.decay(page, count, random);
  }

  /**
   * The chip as it is now, at constant cost.
   * @throws {UsageError} flash/no-snapshot when the storage is not in memory
   */
  snapshot(): NandSnapshot {
    return { storage: this.#memory().fork(), registers: { ...this.#registers } };
  }

  /** Back to a snapshot, at constant cost. */
  restore(snapshot: NandSnapshot): void {
    this.#memory().assign(snapshot.storage);
    this.#registers = { ...snapshot.registers };
  }

  /** An independent chip in the same state, at constant cost; `changes` replace its options. */
  fork(changes: Partial<Omit<NandChipOptions, "profile" | "storage">> = {}): NandChip {
    const storage = this.#memory().fork();
    const copy = new NandChip({ ...this.#options, ...changes, storage });
    copy.#registers = { ...this.#registers };
    return copy;
  }

  #program(
    page: number,
    target: Uint8Array,
    bytes: number,
    kind: "whole" | "part" | "mark",
  ): "ok" | "failed" {
    const { pageBytes, pagesPerBlock, programUs } = this.geometry;
    const block = Math.floor(page / pagesPerBlock);
    const address = page * pageBytes;
    if (this.#isLocked("program-locked", address, STATUS.P_FAIL)) return "failed";
    const operation = this.#operation("program", address, pageBytes);
    const cut = this.#begin(operation);
    if (kind !== "mark") this.#checkProgramRules(page, block, target, kind);
    this.#clock.elapse(this.#busUs(bytes));
    this.#registers.status &= ~(STATUS.E_FAIL | STATUS.P_FAIL);
    const fails = this.#cells.countProgram(page, block, kind);
    this.#busy(programUs, (aborted) => {
      this.#cells.disturbWeakBlock(block, target);
      if (cut?.when === "inside") {
        const tear = programTear(cut);
        tearProgram(target, tear, cut.random);
        if (tear === "unstable") this.#cells.destabilize(page, cut.random);
      } else if (aborted) tearProgram(target, "some-bits", this.#cells.random);
      else if (cut === null && fails) {
        target.fill(0x5a, 0, pageBytes / 2);
        this.#medium.setBlock(block, { hasFailed: true });
      }
      this.#cells.program(page, target);
    });
    if (cut !== null) this.#lose(operation);
    if (!fails) return "ok";
    this.#registers.status |= STATUS.P_FAIL;
    return "failed";
  }

  #checkProgramRules(
    page: number,
    block: number,
    target: Uint8Array,
    kind: "whole" | "part",
  ): void {
    const { pageBytes, pagesPerBlock, nop } = this.geometry;
    const address = page * pageBytes;
    const state = this.#medium.block(block);
    if (this.#cells.isMarkedBad(block)) this.#violate("program-bad-block", address);
    if (state.isWeak) this.#violate("program-after-cut-erase", address);
    if (state.hasFailed) this.#violate("program-failed-block", address);
    const stored = this.#storage.read(page);
    const nextPage = this.#cells.nextPageOf(block);
    const again = kind === "part" && page % pagesPerBlock === nextPage - 1;
    if (stored !== null && (kind === "whole" ? !isErased(stored) : overlaps(stored, target))) {
      this.#violate("program-twice", address);
    } else if (page % pagesPerBlock < nextPage && !again) {
      this.#violate("program-out-of-order", address);
    }
    if (kind === "part" && this.#medium.page(page).programs >= (nop ?? 1)) {
      this.#violate("nop-exceeded", address);
    }
  }

  /** Asks the supply; a cut before the operation leaves everything as it is. */
  #begin(operation: FlashOperation): Cut | null {
    const cut = this.#power.begin(operation);
    if (cut?.when === "before") this.#lose(operation);
    return cut;
  }

  #lose(operation: FlashOperation): never {
    this.powerCycle();
    throw new PowerLoss(operation);
  }

  /**
   * Lets the time of the array pass and then does what it does. A reset of the processor, thrown by
   * the clock, does not stop the chip: only a reset command of the next start does.
   */
  #busy(us: number, effect: (aborted: boolean) => void): void {
    let passed = false;
    try {
      this.#clock.elapse(us);
      passed = true;
    } finally {
      effect(!passed && this.#options.inFlightAfterReset === "aborted");
    }
  }

  #isLocked(rule: "erase-locked" | "program-locked", address: number, fail: number): boolean {
    if (this.#registers.protection === 0) return false;
    this.#violate(rule, address);
    this.#registers.status |= fail;
    return true;
  }

  /** Sets the ECC bits of the status; returns the corrected bits as far as the part tells them. */
  #setEccStatus(bits: number): number {
    const { status, statusMask, uncorrectable, detail } = this.#codec.ecc;
    const row = status.find(({ upToBits }) => bits <= upToBits);
    const code = bits < 0 ? uncorrectable : (row?.code ?? uncorrectable);
    this.#registers.status =
      (this.#registers.status & ~statusMask) | ((code << ECC_STATUS_SHIFT) & statusMask);
    this.#registers.correctedBits = Math.max(0, bits);
    return detail === undefined ? (row?.upToBits ?? 0) : Math.max(0, bits);
  }

  #memory(): MemoryStorage {
    if (this.#storage instanceof MemoryStorage) return this.#storage;
    throw new UsageError(
      "flash/no-snapshot",
      `${this.name}: only chips in memory have snapshots and forks`,
    );
  }

  #atPowerUp(): NandRegisters {
    const unlocked = this.#options.startsUnlocked ?? true;
    return registersAtPowerUp(unlocked ? 0 : (this.geometry.protectionAtPowerUp ?? 0x38));
  }

  #busUs(bytes: number): number {
    return ((bytes + BUS_OVERHEAD_BYTES) * 8 * 1e6) / this.geometry.busHz;
  }

  #operation(kind: "erase" | "program", address: number, length: number): FlashOperation {
    return { device: this.name, kind, address, length };
  }

  #violate(rule: RuleViolation["rule"], address: number): void {
    this.#options.onViolation?.({ device: this.name, rule, address });
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

/** True when both clear bits in the same sector: a second program of it. */
function overlaps(stored: Uint8Array, target: Uint8Array): boolean {
  for (let start = 0; start < target.length; start += ECC_SECTOR_BYTES) {
    const end = start + ECC_SECTOR_BYTES;
    if (end > target.length) return false;
    if (!isErased(stored.subarray(start, end)) && !isErased(target.subarray(start, end))) {
      return true;
    }
  }
  return false;
}
