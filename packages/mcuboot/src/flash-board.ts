// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { Crypto, PublicKey } from "@tandem/base";

import type { BootConfig } from "./boot-config.js";
import type { BootFlashArea } from "./boot-flash-area.js";
import { bootGo } from "./boot-go.js";
import type { BootOptions, ImageAreas } from "./boot-options.js";
import type { BootResult } from "./boot-result.js";
import type { BootHooks } from "./hooks.js";
import type { SecurityCounterPort } from "./security-counter.js";
import { FlashOperations, SimpleFlash } from "./simple-flash.js";

/** A device with flash. All numbers are bytes. */
export interface BoardDevice {
  readonly name: string;
  readonly size: number;
  readonly sectorSize: number;
  readonly align: number;
  readonly erasedValue: 0xff | 0x00;
  /** Contents, copied; erased when absent. */
  readonly bytes?: Uint8Array;
}

/** A place on a device. Numbers are bytes. */
export interface BoardArea {
  readonly device: string;
  readonly offset: number;
  readonly size: number;
  /** Where MCUboot takes it to begin, if that is not `offset`. */
  readonly address?: number;
}

/** A build of MCUboot and the flash that it runs on. */
export interface FlashBoardOptions {
  readonly config: BootConfig;
  readonly devices: readonly BoardDevice[];
  readonly images: readonly { readonly primary: BoardArea; readonly secondary?: BoardArea }[];
  /** Mode `scratch` only. */
  readonly scratch?: BoardArea;
  readonly crypto: Crypto;
  readonly keys?: readonly PublicKey[];
  /** The device's security counter per image; present: MCUBOOT_HW_ROLLBACK_PROT. */
  readonly securityCounters?: readonly number[];
  /** Hooks of a product, made for each board and each of its forks. */
  readonly makeHooks?: (board: FlashBoard) => BootHooks;
}

/**
 * Devices in memory with MCUboot on them: what is booted again and again, cut, forked and compared.
 * Counts and cuts the flash operations of all devices together.
 */
export class FlashBoard {
  readonly operations: FlashOperations = new FlashOperations();
  readonly devices: ReadonlyMap<string, SimpleFlash>;
  readonly bootOptions: BootOptions;
  readonly #options: FlashBoardOptions;
  readonly #counters: number[];

  /** @throws {UsageError} mcuboot/area when an area does not fit its device */
  constructor(options: FlashBoardOptions) {
    this.#options = options;
    this.#counters = [...(options.securityCounters ?? [])];
    const { operations } = this;
    this.devices = new Map(
      options.devices.map((device) => [device.name, new SimpleFlash({ ...device, operations })]),
    );
    this.bootOptions = this.#bootOptions();
  }

  /** The device's security counter per image. */
  get securityCounters(): readonly number[] {
    return this.#counters;
  }

  /**
   * One boot. Operations are counted from 0.
   * @param cutBefore power goes before the operation with this index
   * @throws {PowerLoss} when power goes
   */
  boot(cutBefore: number = Number.POSITIVE_INFINITY): BootResult {
    this.operations.reset(cutBefore);
    return bootGo(this.bootOptions);
  }

  /** An independent board in the same state; `changes` replace settings of its build. */
  fork(changes: Partial<BootConfig> = {}): FlashBoard {
    const config = { ...this.#options.config, ...changes };
    const fork = new FlashBoard({ ...this.#options, config });
    fork.copyFrom(this);
    return fork;
  }

  /** Takes over flash and counters of another board of the same shape. */
  copyFrom(other: FlashBoard): void {
    for (const [name, flash] of this.devices) {
      const source = other.devices.get(name);
      if (source !== undefined) flash.copyFrom(source);
    }
    this.#counters.splice(0, this.#counters.length, ...other.#counters);
  }

  #bootOptions(): BootOptions {
    const { config, images, scratch, crypto, keys, securityCounters, makeHooks } = this.#options;
    return {
      config,
      images: images.map(({ primary, secondary }): ImageAreas => {
        const primaryArea = this.#area(primary);
        return secondary === undefined
          ? { primary: primaryArea }
          : { primary: primaryArea, secondary: this.#area(secondary) };
      }),
      ...(scratch === undefined ? {} : { scratch: this.#area(scratch) }),
      crypto,
      ...(keys === undefined ? {} : { keys }),
      ...(securityCounters === undefined ? {} : { securityCounter: this.#counterPort() }),
      ...(makeHooks === undefined ? {} : { hooks: makeHooks(this) }),
    };
  }

  #area({ device, offset, size, address }: BoardArea): BootFlashArea {
    const flash = this.devices.get(device);
    if (flash === undefined) {
      const known = [...this.devices.keys()].join(", ");
      throw new UsageError("mcuboot/area", `no device ${device}, expected one of: ${known}`);
    }
    const area = flash.area(offset, size);
    return address === undefined ? area : { ...area, offset: address };
  }

  #counterPort(): SecurityCounterPort {
    return {
      read: (image) => this.#counters[image] ?? 0,
      update: (image, counter) => {
        this.#counters[image] = Math.max(this.#counters[image] ?? 0, counter);
        return true;
      },
    };
  }
}
