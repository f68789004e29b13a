// SPDX-License-Identifier: Apache-2.0
import { UsageError, createRandom, isErased } from "@tandem/base";
import type { Random } from "@tandem/base";

import { MediumState } from "./medium-state.js";
import { flipBits, halfErased, tearProgram } from "./nand-physics.js";
import type { NorProfile } from "./nor-profile.js";
import { MemoryStorage } from "./page-storage.js";
import type { PageStorage } from "./page-storage.js";
import { eraseTear, NO_CLOCK, PowerLoss, programTear, STEADY_POWER } from "./power.js";
import type { Cut, EraseTear, FlashOperation, ModelClock, Power, RuleViolation } from "./power.js";

export interface NorChipOptions {
  readonly name: string;
  readonly profile: NorProfile;
  /** One storage page per erase unit. */
  readonly storage: PageStorage;
  readonly power?: Power;
  readonly clock?: ModelClock;
  readonly onViolation?: (violation: RuleViolation) => void;
  /** Typical times when absent. */
  readonly timing?: "typical" | "worst";
  /** Decides what unstable words and weakly erased pages do. */
  readonly random?: Random;
  /** As in `NandPhysics`, for pages with unstable words. */
  readonly unstableReadIsGood?: (page: number) => boolean;
}

/** Longest write to internal flash that counts as one operation. */
const MAX_WRITE_BYTES = 1024;

/** Opcode, address and dummy bytes around a transfer, and the status polls after it. */
const BUS_OVERHEAD_BYTES = 8;

/** Byte-addressed flash: any read, aligned writes that only clear bits, erase by page. */
export class NorChip {
  readonly name: string;
  readonly profile: NorProfile;
  readonly #options: NorChipOptions;
  readonly #storage: PageStorage;
  readonly #medium: MediumState;
  readonly #power: Power;
  readonly #clock: ModelClock;
  readonly #random: Random;

  constructor(options: NorChipOptions) {
    const { profile } = options;
    this.#options = options;
    this.name = options.name;
    this.profile = options.timing === "worst" ? { ...profile, ...profile.worst } : profile;
    this.#storage = options.storage;
    this.#medium = options.storage.medium ?? new MediumState();
    this.#power = options.power ?? STEADY_POWER;
    this.#clock = options.clock ?? NO_CLOCK;
    this.#random = options.random ?? createRandom(1);
  }

  /** New array with `length` bytes from `offset`. */
  read(offset: number, length: number): Uint8Array {
    this.#checkRange(offset, length, 1);
    this.#transfer(length);
    const { pageBytes } = this.profile;
    const bytes = new Uint8Array(length).fill(0xff);
    for (let at = 0; at < length;) {
      const inPage = (offset + at) % pageBytes;
      const count = Math.min(length - at, pageBytes - inPage);
      const stored = this.#sense(Math.floor((offset + at) / pageBytes));
      if (stored !== null) bytes.set(stored.subarray(inPage, inPage + count), at);
      at += count;
    }
    return bytes;
  }

  /** Writes aligned bytes to erased flash, in operations of at most 1,024 bytes or one program. */
  write(offset: number, bytes: Uint8Array): void {
    this.#checkRange(offset, bytes.length, this.profile.writeBytes);
    const most = this.profile.program?.bytes;
    for (let at = 0; at < bytes.length;) {
      const inPage = (offset + at) % this.profile.pageBytes;
      const room = most === undefined ? MAX_WRITE_BYTES : most - ((offset + at) % most);
      const count = Math.min(room, bytes.length - at, this.profile.pageBytes - inPage);
      this.#writeOnce(offset + at, bytes.subarray(at, at + count));
      at += count;
    }
  }

  /** Erases the page that begins at `offset`. */
  erasePage(offset: number): void {
    this.#eraseOnce(offset, this.profile.pageBytes, this.profile.eraseUs);
  }

  /**
   * Erases `length` bytes from `offset`, in the largest units that the part has.
   * @throws {UsageError} flash/range
   */
  eraseRange(offset: number, length: number): void {
    const { pageBytes, eraseUs, blockErase } = this.profile;
    this.#checkRange(offset, length, pageBytes);
    for (let at = offset; at < offset + length;) {
      const isBlock =
        blockErase !== undefined &&
        at % blockErase.bytes === 0 &&
        at + blockErase.bytes <= offset + length;
      const bytes = isBlock ? blockErase.bytes : pageBytes;
      this.#eraseOnce(at, bytes, isBlock ? blockErase.us : eraseUs);
      at += bytes;
    }
  }

  /**
   * An independent chip in the same state, at constant cost; `changes` replace its options.
   * @throws {UsageError} flash/no-snapshot when the storage is not in memory
   */
  fork(changes: Partial<Omit<NorChipOptions, "profile" | "storage">> = {}): NorChip {
    return new NorChip({ ...this.#options, ...changes, storage: this.#memory().fork() });
  }

  /** The bits and their hidden physical state as they are now, at constant cost. */
  snapshot(): MemoryStorage {
    return this.#memory().fork();
  }

  /** Back to a snapshot, at constant cost. */
  restore(snapshot: MemoryStorage): void {
    this.#memory().assign(snapshot);
  }

  #memory(): MemoryStorage {
    if (this.#storage instanceof MemoryStorage) return this.#storage;
    throw new UsageError(
      "flash/no-snapshot",
      `${this.name}: only chips in memory have snapshots and forks`,
    );
  }

  /**
   * A page as it reads: with one bit of an unstable span wrong at some times, or one of each of its
   * words when it was decided from outside that the read is bad.
   */
  #sense(page: number): Uint8Array | null {
    const stored = this.#storage.read(page);
    const { goodChance, span } = this.#medium.page(page);
    if (stored === null || span === null) return stored;
    if (this.#isReadGood(page, goodChance)) return stored;
    const bytes = stored.slice();
    const isDecided = this.#options.unstableReadIsGood !== undefined;
    const partBytes = isDecided ? this.profile.writeBytes : span.length;
    for (let at = 0; at < span.length; at += partBytes) {
      flipBits(bytes, { start: span.start + at, length: partBytes }, 1, this.#random);
    }
    return bytes;
  }

  #isReadGood(page: number, goodChance: number): boolean {
    const { unstableReadIsGood } = this.#options;
    if (unstableReadIsGood !== undefined) return unstableReadIsGood(page);
    const isGood = this.#random.below(256) < goodChance;
    this.#medium.setPage(page, {
      goodChance: Math.max(0, goodChance - 1 - this.#random.below(16)),
    });
    return isGood;
  }

  #eraseOnce(offset: number, length: number, us: number): void {
    const { pageBytes } = this.profile;
    this.#checkRange(offset, length, pageBytes);
    const operation = this.#operation("erase", offset, length);
    const cut = this.#begin(operation);
    this.#transfer(0);
    this.#clock.elapse(us);
    for (let page = offset / pageBytes; page < (offset + length) / pageBytes; page++) {
      const tear = cut?.when === "inside" ? eraseTear(cut) : "complete";
      this.#erased(page, tear, cut?.random ?? this.#random);
    }
    if (cut !== null) throw new PowerLoss(operation);
  }

  #erased(page: number, tear: EraseTear, random: Random): void {
    if (tear === "old") return;
    if (tear === "mixed") {
      const stored = this.#storage.read(page);
      if (stored !== null) this.#storage.write(page, halfErased(stored, random));
      return;
    }
    this.#storage.erase(page, 1);
    this.#medium.clearPages(page, 1);
    const { erases } = this.#medium.block(page);
    this.#medium.setBlock(page, { erases: erases + 1, isWeak: tear === "blank-weak" });
  }

  #writeOnce(offset: number, bytes: Uint8Array): void {
    const { pageBytes, writeBytes, writeUs, program } = this.profile;
    const operation = this.#operation("write", offset, bytes.length);
    const cut = this.#begin(operation);
    this.#transfer(bytes.length);
    this.#clock.elapse((bytes.length / writeBytes) * writeUs + (program?.us ?? 0));
    const page = Math.floor(offset / pageBytes);
    const target = this.#storage.read(page)?.slice() ?? new Uint8Array(pageBytes).fill(0xff);
    const start = offset % pageBytes;
    if (!isErased(target.subarray(start, start + bytes.length))) {
      this.#violate("program-twice", offset);
    }
    const isWeak = this.#medium.block(page).isWeak;
    if (isWeak) this.#violate("program-after-cut-erase", offset);
    const span = { start, length: bytes.length };
    const reached = cut?.when === "inside" ? this.#torn(page, span, bytes, cut) : bytes;
    for (let i = 0; i < reached.length; i++) {
      target[start + i] = (target[start + i] ?? 0xff) & (reached[i] ?? 0xff);
    }
    if (isWeak) flipBits(target, span, this.#random.below(3), this.#random);
    this.#storage.write(page, target);
    if (cut !== null) throw new PowerLoss(operation);
  }

  /** What a cut leaves of a write; without a chosen tear, whole words up to one of them. */
  #torn(
    page: number,
    span: { readonly start: number; readonly length: number },
    bytes: Uint8Array,
    cut: Cut,
  ): Uint8Array {
    const { writeBytes } = this.profile;
    const wholeBytes = (): number => cut.random.below(bytes.length / writeBytes) * writeBytes;
    if (cut.tear === undefined) return bytes.subarray(0, wholeBytes());
    const tear = programTear(cut);
    const torn = bytes.slice();
    if (tear === "some-bits") {
      const at = wholeBytes();
      tearProgram(torn.subarray(at, at + writeBytes), "some-bits", cut.random);
      return torn.subarray(0, at + writeBytes);
    }
    if (tear === "unstable") {
      this.#medium.setPage(page, { goodChance: 64 + cut.random.below(192), span });
    }
    tearProgram(torn, tear, cut.random);
    return torn;
  }

  #begin(operation: FlashOperation): Cut | null {
    const cut = this.#power.begin(operation);
    if (cut?.when === "before") throw new PowerLoss(operation);
    return cut;
  }

  /** Time on the bus of external flash. */
  #transfer(bytes: number): void {
    const { bus } = this.profile;
    if (bus === undefined) return;
    const clocks = BUS_OVERHEAD_BYTES * 8 + (bytes * 8) / bus.lanes;
    this.#clock.elapse((clocks * 1e6) / bus.hz);
  }

  #violate(rule: RuleViolation["rule"], address: number): void {
    this.#options.onViolation?.({ device: this.name, rule, address });
  }

  #operation(kind: "erase" | "write", address: number, length: number): FlashOperation {
    return { device: this.name, kind, address, length };
  }

  #checkRange(offset: number, length: number, align: number): void {
    const inside =
      Number.isSafeInteger(offset) && offset >= 0 && offset + length <= this.profile.sizeBytes;
    if (!inside || offset % align !== 0 || length % align !== 0) {
      throw new UsageError(
        "flash/range",
        `${this.name}: 0x${offset.toString(16)} + ${length} bytes, expected multiples of ${align} within ${this.profile.sizeBytes}`,
      );
    }
  }
}
