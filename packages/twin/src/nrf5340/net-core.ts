// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, toHex } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import type { ModelClock, NorChip } from "@tandem/flash";
import { checkB0nImage, findFwInfo } from "@tandem/image";
import type { ImageVersion } from "@tandem/image";
import type { PcdStatus } from "@tandem/update";

import type { FirmwareScripts, NetScript } from "../firmware-script.js";
import type { KnownNetImage, Observer } from "../observer.js";
import { padToWords } from "../pad-to-words.js";
import { MEMORY_MAP } from "./memory-map.js";
import type { FlashSlot } from "./memory-map.js";

/** Magics of the PCD command struct (sdk-nrf, include/dfu/pcd_common.h). */
export const PCD_CMD_MAGIC = {
  COPY: 0xb5b4b3b6,
  READ_VERSION: 0xdca345ea,
  DONE: 0xf103ce5d,
  FAIL: 0x25bafc15,
} as const;

/** The command struct in shared RAM; `data` is a pointer into application RAM. */
interface PcdCommand {
  magic: number;
  /** Null: an address that the network core cannot read. */
  data: Uint8Array | null;
  version: number | null;
  /** b0n copies without looking first; no b0n does. */
  unchecked: boolean;
}

const NO_COMMAND: PcdCommand = {
  magic: 0,
  data: new Uint8Array(0),
  version: null,
  unchecked: false,
};

export interface NetCoreOptions {
  readonly flash: NorChip;
  /** b0n's slot in it. */
  readonly slot: FlashSlot;
  readonly crypto: Crypto;
  readonly observer: Observer;
  readonly scripts: FirmwareScripts;
  /** b0n accepts firmware without fw_info: for real firmware that was not linked for this map. */
  readonly unlinked: boolean;
}

/** Network core time that passes in one poll of a spinning b0n, microseconds. */
const SPIN_US = 1000;
/** What hashing the firmware takes b0n, microseconds. */
const VALIDATE_US = 60_000;

/** The clock of the network core: it counts on its own and is caught up with when it is watched. */
export class NetCoreClock implements ModelClock {
  nowUs = 0;

  elapse(us: number): void {
    this.nowUs += us;
  }
}

/**
 * The network core: held off, or running b0n, or running its firmware. b0n is a coroutine that
 * yields after each flash operation, so that it runs beside the application core and can be cut.
 * @see sdk-nrf, samples/nrf5340/netboot/src/main.c, subsys/pcd/src/pcd.c
 */
export class NetCore {
  readonly #options: NetCoreOptions;
  readonly #clock: NetCoreClock;
  #command: PcdCommand = { ...NO_COMMAND };
  #isLocked = false;
  #b0n: Generator<undefined, void> | null = null;
  #running: { readonly version: ImageVersion; readonly script: NetScript } | null = null;

  /** @param clock the one that the network core's flash counts in */
  constructor(options: NetCoreOptions, clock: NetCoreClock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** RAM and registers are gone: the command struct, its lock, and whatever ran. */
  powerOff(): void {
    this.forceOff();
    this.#command = { ...NO_COMMAND };
    this.#isLocked = false;
  }

  /** A reset of the application core holds the network core; RAM keeps its contents. */
  reset(): void {
    this.forceOff();
    this.#isLocked = false;
  }

  forceOff(): void {
    this.#b0n = null;
    this.#running = null;
  }

  /** Releases NETWORK.FORCEOFF: b0n starts from its reset vector. */
  release(nowUs: number): void {
    this.#clock.nowUs = nowUs;
    this.#b0n = this.#runB0n();
  }

  /**
   * Writes a command; refused by the SPU once the RAM is locked.
   * @param data what the pointer points to; null where a read is a bus fault
   */
  writeCommand(
    magic: number,
    data: Uint8Array | null,
    { unchecked = false }: { readonly unchecked?: boolean } = {},
  ): void {
    if (!this.#isLocked) this.#command = { magic, data, version: null, unchecked };
  }

  lockCommand(): void {
    this.#isLocked = true;
  }

  get status(): PcdStatus {
    const { COPY, DONE, READ_VERSION } = PCD_CMD_MAGIC;
    if (this.#command.magic === COPY || this.#command.magic === READ_VERSION) return "busy";
    return this.#command.magic === DONE ? "done" : "failed";
  }

  /** fw_info version that READ_VERSION left in the command struct. */
  get reportedVersion(): number | null {
    return this.#command.version;
  }

  /** Version that the running firmware answers over IPC; null when nothing answers. */
  get ipcVersion(): ImageVersion | null {
    if (this.#running === null) return null;
    const { version, script } = this.#running;
    switch (script.kind) {
      case "silent":
        return null;
      case "wrong-version":
        return { ...version, build: version.build + 1 };
      case "boots":
      case "refused":
      case "busy":
        return version;
      default:
        return script.kind satisfies never;
    }
  }

  /** Lets the network core run until its time reaches `nowUs`. */
  runUntil(nowUs: number): void {
    while (this.#b0n !== null && this.#clock.nowUs < nowUs) {
      if (this.#b0n.next().done === true) this.#b0n = null;
    }
  }

  *#runB0n(): Generator<undefined, void> {
    switch (this.#command.magic) {
      case PCD_CMD_MAGIC.READ_VERSION:
        this.#command.version = findFwInfo(this.#readSlot())?.version ?? null;
        if (this.#command.version === null) {
          this.#command.magic = PCD_CMD_MAGIC.FAIL;
          return;
        }
        this.#command.magic = PCD_CMD_MAGIC.DONE;
        yield* this.#spin();
        return;
      case PCD_CMD_MAGIC.COPY: {
        // A bus fault: b0n ends without an answer.
        if (this.#command.data === null) return;
        const isCopied = yield* this.#copy(this.#command.data, this.#command.unchecked);
        this.#command.magic = isCopied ? PCD_CMD_MAGIC.DONE : PCD_CMD_MAGIC.FAIL;
        // After DONE b0n waits for its reset; after FAIL it returns and starts nothing.
        if (isCopied) yield* this.#spin();
        return;
      }
      default:
        // A normal boot: b0n starts what fw_info points to, without any validation.
        this.#startFirmware();
    }
  }

  /** Validates in application RAM, copies page by page, validates again in flash. */
  *#copy(payload: Uint8Array, unchecked: boolean): Generator<undefined, boolean> {
    const { flash, slot } = this.#options;
    const { start, sizeBytes } = slot;
    this.#clock.elapse(VALIDATE_US);
    yield;
    const { kind } = this.#scriptOf(this.#options.observer.identifyNet(payload));
    if (kind === "busy") yield* this.#spin();
    if (kind === "refused") return false;
    if (payload.length > sizeBytes || !(unchecked || this.#isValid(payload))) return false;
    const { pageBytes } = flash.profile;
    for (let at = 0; at < payload.length; at += pageBytes) {
      flash.erasePage(start + at);
      yield;
      flash.write(start + at, padToWords(payload.subarray(at, at + pageBytes)));
      yield;
    }
    this.#clock.elapse(VALIDATE_US);
    yield;
    const written = flash.read(start, payload.length);
    return bytesEqual(written, payload) && this.#isValid(written);
  }

  *#spin(): Generator<undefined, void> {
    for (;;) {
      this.#clock.elapse(SPIN_US);
      yield;
    }
  }

  #isValid(firmware: Uint8Array): boolean {
    if (this.#options.unlinked) return true;
    const address = MEMORY_MAP.netFlashBase + this.#options.slot.start;
    return checkB0nImage(firmware, address, this.#options.crypto) === null;
  }

  #startFirmware(): void {
    const { observer, unlinked } = this.#options;
    const slot = this.#readSlot();
    // b0n has no entry point without fw_info.
    if (!unlinked && findFwInfo(slot) === null) return;
    observer.networkStarts(slot);
    const image = observer.identifyNet(slot);
    // Bytes that nobody knows run too, but what they answer cannot be known either.
    if (image === null) return;
    this.#running = { version: image.version, script: this.#scriptOf(image) };
  }

  #scriptOf(image: KnownNetImage | null): NetScript {
    const script = image === null ? null : this.#options.scripts.net.get(toHex(image.imageHash));
    return script ?? { kind: "boots" };
  }

  #readSlot(): Uint8Array {
    const { flash, slot } = this.#options;
    return flash.read(slot.start, slot.sizeBytes);
  }
}
