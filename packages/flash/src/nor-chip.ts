// SPDX-License-Identifier: Apache-2.0
import { UsageError, isErased } from "@tandem/base";

import type { PageStorage } from "./page-storage.js";
import { NO_CLOCK, PowerLoss, STEADY_POWER } from "./power.js";
import type { Cut, FlashOperation, ModelClock, Power, RuleViolation } from "./power.js";

/** Geometry and timing of byte-addressed flash. */
export interface NorProfile {
  readonly sizeBytes: number;
  /** Erase unit, bytes. */
  readonly pageBytes: number;
  /** Smallest aligned write, bytes. */
  readonly writeBytes: number;
  /** Microseconds for one erase unit. */
  readonly eraseUs: number;
  /** Microseconds for one smallest write. */
  readonly writeUs: number;
}

/** Application core flash of the nRF5340: 1 MiB, NVMC times of the product specification. */
export const NRF5340_APP_FLASH: NorProfile = {
  sizeBytes: 0x100000,
  pageBytes: 4096,
  writeBytes: 4,
  eraseUs: 87_500,
  writeUs: 43,
};

/** Network core flash of the nRF5340: 256 KiB in pages of 2 KiB. */
export const NRF5340_NET_FLASH: NorProfile = {
  sizeBytes: 0x40000,
  pageBytes: 2048,
  writeBytes: 4,
  eraseUs: 87_500,
  writeUs: 43,
};

export interface NorChipOptions {
  readonly name: string;
  readonly profile: NorProfile;
  /** One storage page per erase unit. */
  readonly storage: PageStorage;
  readonly power?: Power;
  readonly clock?: ModelClock;
  readonly onViolation?: (violation: RuleViolation) => void;
}

/** Longest write that counts as one operation. */
const MAX_WRITE_BYTES = 1024;

/** Byte-addressed flash: any read, aligned writes that only clear bits, erase by page. */
export class NorChip {
  readonly name: string;
  readonly profile: NorProfile;
  readonly #storage: PageStorage;
  readonly #power: Power;
  readonly #clock: ModelClock;
  readonly #onViolation: (violation: RuleViolation) => void;

  constructor(options: NorChipOptions) {
    this.name = options.name;
    this.profile = options.profile;
    this.#storage = options.storage;
    this.#power = options.power ?? STEADY_POWER;
    this.#clock = options.clock ?? NO_CLOCK;
    this.#onViolation = options.onViolation ?? (() => undefined);
  }

  /** New array with `length` bytes from `offset`. */
  read(offset: number, length: number): Uint8Array {
    this.#checkRange(offset, length, 1);
    const { pageBytes } = this.profile;
    const bytes = new Uint8Array(length).fill(0xff);
    for (let at = 0; at < length;) {
      const inPage = (offset + at) % pageBytes;
      const count = Math.min(length - at, pageBytes - inPage);
      const stored = this.#storage.read(Math.floor((offset + at) / pageBytes));
      if (stored !== null) bytes.set(stored.subarray(inPage, inPage + count), at);
      at += count;
    }
    return bytes;
  }

  /** Writes aligned bytes to erased flash, in operations of at most 1,024 bytes. */
  write(offset: number, bytes: Uint8Array): void {
    this.#checkRange(offset, bytes.length, this.profile.writeBytes);
    for (let at = 0; at < bytes.length;) {
      const inPage = (offset + at) % this.profile.pageBytes;
      const count = Math.min(MAX_WRITE_BYTES, bytes.length - at, this.profile.pageBytes - inPage);
      this.#writeOnce(offset + at, bytes.subarray(at, at + count));
      at += count;
    }
  }

  /** Erases the page that begins at `offset`. */
  erasePage(offset: number): void {
    const { pageBytes, eraseUs } = this.profile;
    this.#checkRange(offset, pageBytes, pageBytes);
    const operation = this.#operation("erase", offset, pageBytes);
    const cut = this.#power.begin(operation);
    if (cut?.when === "before") throw new PowerLoss(operation);
    this.#clock.elapse(eraseUs);
    const page = offset / pageBytes;
    const stored = this.#storage.read(page);
    if (cut?.when === "inside") {
      const torn = stored?.map((byte) => byte | cut.random.below(256));
      if (torn !== undefined) this.#storage.write(page, torn);
    } else this.#storage.erase(page, 1);
    if (cut !== null) throw new PowerLoss(operation);
  }

  #writeOnce(offset: number, bytes: Uint8Array): void {
    const { pageBytes, writeBytes, writeUs } = this.profile;
    const operation = this.#operation("write", offset, bytes.length);
    const cut = this.#power.begin(operation);
    if (cut?.when === "before") throw new PowerLoss(operation);
    this.#clock.elapse((bytes.length / writeBytes) * writeUs);
    const page = Math.floor(offset / pageBytes);
    const target = this.#storage.read(page)?.slice() ?? new Uint8Array(pageBytes).fill(0xff);
    const inPage = offset % pageBytes;
    if (!isErased(target.subarray(inPage, inPage + bytes.length))) {
      this.#onViolation({ device: this.name, rule: "program-twice", address: offset });
    }
    const written =
      cut?.when === "inside" ? tornLength(bytes.length, writeBytes, cut) : bytes.length;
    for (let i = 0; i < written; i++) {
      target[inPage + i] = (target[inPage + i] ?? 0xff) & (bytes[i] ?? 0xff);
    }
    this.#storage.write(page, target);
    if (cut !== null) throw new PowerLoss(operation);
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

/** Whole words that were written before power went. */
function tornLength(length: number, writeBytes: number, cut: Cut): number {
  return cut.random.below(length / writeBytes) * writeBytes;
}
