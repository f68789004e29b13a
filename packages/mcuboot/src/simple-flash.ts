// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import type { FlashOperation } from "@tandem/flash";

import type { BootFlashArea, FlashSector } from "./boot-flash-area.js";

/**
 * Counts what MCUboot does to flash, on all devices together: each write call and each erase call
 * is one operation. Power can go before any of them.
 */
export class FlashOperations {
  /** Operations that began since the last `reset`; the one before which power went is not in it. */
  count = 0;
  /** Power goes before the operation with this index, from 0: it leaves no trace. */
  cutBefore: number = Number.POSITIVE_INFINITY;
  /** Called before each operation takes effect, with its index. */
  observer: ((operation: FlashOperation, index: number) => void) | null = null;

  /** Starts counting from 0 again, for the next boot. */
  reset(cutBefore: number = Number.POSITIVE_INFINITY): void {
    this.count = 0;
    this.cutBefore = cutBefore;
  }

  /** @throws {PowerLoss} when power goes before this operation */
  begin(kind: "erase" | "write", device: string, address: number, length: number): void {
    if (this.count >= this.cutBefore) throw new PowerLoss({ device, kind, address, length });
    this.observer?.({ device, kind, address, length }, this.count);
    this.count++;
  }
}

/** How a {@link SimpleFlash} is made. */
export interface SimpleFlashOptions {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Size of every sector, or of each in order; the last size repeats. Bytes. */
  readonly sectorSize: number | readonly number[];
  /** Smallest write, bytes. */
  readonly align: number;
  /** 0xff when absent. */
  readonly erasedValue?: 0xff | 0x00;
  /** Contents, copied; erased when absent. */
  readonly bytes?: Uint8Array;
  /** Shared by the devices of one board; one of its own when absent. */
  readonly operations?: FlashOperations;
}

/** Contents of a {@link SimpleFlash} at one moment. */
export interface SimpleFlashSnapshot {
  readonly bytes: Uint8Array;
  readonly writtenEnds: Uint32Array;
}

/**
 * NOR flash in memory without time, faults or tears: writes turn erased bits into the others,
 * erases work on whole sectors. The medium of MCUboot baselines, sweeps and dumps.
 */
export class SimpleFlash {
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly erasedValue: number;
  readonly operations: FlashOperations;
  /** Contents, live. Whoever changes them from outside calls `touched`. */
  readonly bytes: Uint8Array;
  readonly #sectors: readonly FlashSector[];
  /**
   * Per sector, where the last write since its erase ended: behind it everything is erased, so
   * that the usual ascending writes need no look at the old bytes.
   */
  readonly #writtenEnds: Uint32Array;

  /** @throws {UsageError} mcuboot/flash when the sectors do not make up the size */
  constructor(options: SimpleFlashOptions) {
    this.name = options.name;
    this.size = options.size;
    this.align = options.align;
    this.erasedValue = options.erasedValue ?? 0xff;
    this.operations = options.operations ?? new FlashOperations();
    this.#sectors = sectorTable(options);
    this.#writtenEnds = new Uint32Array(this.#sectors.length);
    this.bytes = new Uint8Array(options.size);
    if (options.bytes === undefined) {
      this.bytes.fill(this.erasedValue);
    } else if (options.bytes.length === options.size) {
      this.bytes.set(options.bytes);
      this.touched();
    } else {
      throw new UsageError(
        "mcuboot/flash",
        `${this.name}: ${options.bytes.length} bytes of contents, expected ${options.size}`,
      );
    }
  }

  /**
   * The area of `size` bytes from `offset`.
   * @throws {UsageError} mcuboot/area when it does not begin and end with a sector
   */
  area(offset: number, size: number): BootFlashArea {
    const inside = this.#sectors.filter((s) => s.offset >= offset && s.offset < offset + size);
    const total = inside.reduce((sum, sector) => sum + sector.size, 0);
    if (inside[0]?.offset !== offset || total !== size) {
      throw new UsageError(
        "mcuboot/area",
        `${this.name}: area of ${size} bytes at 0x${offset.toString(16)}, expected whole sectors`,
      );
    }
    const { bytes } = this;
    return {
      device: this.name,
      offset,
      size,
      sectors: inside.map((sector) => ({ offset: sector.offset - offset, size: sector.size })),
      align: this.align,
      erasedValue: this.erasedValue,
      read: (at, length) => bytes.subarray(offset + at, offset + at + length),
      write: (at, data) => this.write(offset + at, data),
      erase: (at, length) => this.erase(offset + at, length),
    };
  }

  /** One write operation. */
  write(offset: number, data: Uint8Array): void {
    this.operations.begin("write", this.name, offset, data.length);
    this.program(offset, data);
  }

  /** One erase operation on the sectors from `offset`. */
  erase(offset: number, length: number): void {
    this.operations.begin("erase", this.name, offset, length);
    this.bytes.fill(this.erasedValue, offset, offset + length);
    for (let i = this.#sectorIndex(offset); i < this.#sectors.length; i++) {
      const sector = this.#sectors[i];
      if (sector === undefined || sector.offset >= offset + length) break;
      this.#writtenEnds[i] = 0;
    }
  }

  /** Writes without counting an operation: what a programmer does, not MCUboot. */
  program(offset: number, data: Uint8Array): void {
    const first = this.#sectorIndex(offset);
    const sector = this.#sectors[first];
    if (sector === undefined) return;
    const start = offset - sector.offset;
    const fits = start + data.length <= sector.size;
    if (fits && start >= (this.#writtenEnds[first] ?? sector.size)) {
      this.bytes.set(data, offset);
      this.#writtenEnds[first] = start + data.length;
      return;
    }
    const { bytes } = this;
    const clears = this.erasedValue === 0xff;
    for (let i = 0; i < data.length; i++) {
      const old = bytes[offset + i] ?? 0;
      const bits = data[i] ?? 0;
      bytes[offset + i] = clears ? old & bits : old | bits;
    }
    for (let i = first; i < this.#sectors.length; i++) {
      const { offset: begin, size } = this.#sectors[i] ?? { offset: this.size, size: 0 };
      if (begin >= offset + data.length) break;
      const end = Math.min(size, offset + data.length - begin);
      this.#writtenEnds[i] = Math.max(this.#writtenEnds[i] ?? 0, end);
    }
  }

  /** Contents were changed from outside: nothing is known to be erased any more. */
  touched(): void {
    for (const [i, sector] of this.#sectors.entries()) this.#writtenEnds[i] = sector.size;
  }

  snapshot(): SimpleFlashSnapshot {
    return { bytes: this.bytes.slice(), writtenEnds: this.#writtenEnds.slice() };
  }

  /** Back to a snapshot of this device or of one of the same shape; areas stay usable. */
  restore(snapshot: SimpleFlashSnapshot): void {
    this.bytes.set(snapshot.bytes);
    this.#writtenEnds.set(snapshot.writtenEnds);
  }

  /** Makes the contents those of another device of the same shape, without a snapshot between. */
  copyFrom(other: SimpleFlash): void {
    this.bytes.set(other.bytes);
    this.#writtenEnds.set(other.#writtenEnds);
  }

  /** An independent device with the same contents. */
  fork(operations: FlashOperations = new FlashOperations()): SimpleFlash {
    const fork = new SimpleFlash({
      name: this.name,
      size: this.size,
      sectorSize: this.#sectors.map((sector) => sector.size),
      align: this.align,
      erasedValue: this.erasedValue === 0 ? 0x00 : 0xff,
      operations,
    });
    fork.copyFrom(this);
    return fork;
  }

  #sectorIndex(offset: number): number {
    const guess = Math.floor(offset / (this.#sectors[0]?.size ?? 1));
    const sector = this.#sectors[guess];
    if (sector !== undefined && offset >= sector.offset && offset < sector.offset + sector.size) {
      return guess;
    }
    return this.#sectors.findIndex((s) => offset >= s.offset && offset < s.offset + s.size);
  }
}

function sectorTable({ name, size, sectorSize }: SimpleFlashOptions): readonly FlashSector[] {
  const sizes = typeof sectorSize === "number" ? [sectorSize] : sectorSize;
  const sectors: FlashSector[] = [];
  let offset = 0;
  while (offset < size) {
    const next = sizes[Math.min(sectors.length, sizes.length - 1)] ?? 0;
    if (!Number.isSafeInteger(next) || next <= 0) break;
    sectors.push({ offset, size: next });
    offset += next;
  }
  if (offset === size) return sectors;
  throw new UsageError(
    "mcuboot/flash",
    `${name}: sectors of ${sizes.join(", ")} bytes, expected sectors that fill ${size} bytes`,
  );
}
