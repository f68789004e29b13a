// SPDX-License-Identifier: Apache-2.0
import { TandemError, toHex } from "@tandem/base";
import type { PublicKey, Crypto } from "@tandem/base";
import { NandChip, NorChip, PowerLoss, W25N01GV, flashArea } from "@tandem/flash";
import type {
  FlashArea,
  ModelClock,
  NandProfile,
  PagedFlash,
  PageStorage,
  Power,
  RuleViolation,
} from "@tandem/flash";
import type { ImageFacts } from "@tandem/image";
import { bootGoSingleSlot } from "@tandem/mcuboot";
import { NRF5340_LAYOUT } from "@tandem/release";
import { Store } from "@tandem/store";
import type { StoreOptions } from "@tandem/store";
import { FlashCore, Marker, PcdCore, UpdateService, createBootGoHook } from "@tandem/update";
import type { BootEvent, BootOptions, ImageSlot, PcdPort, Trust } from "@tandem/update";

import { DeviceClock } from "../device-clock.js";
import { ALL_BOOT } from "../firmware-script.js";
import type { FirmwareScripts } from "../firmware-script.js";
import { Observer } from "../observer.js";
import type { KnownNetImage } from "../observer.js";
import { PowerSupply } from "../power-supply.js";
import { McuReset, RESETREAS } from "../signals.js";
import type { ResetReason } from "../signals.js";
import { NRF5340_MAP } from "./memory-map.js";
import type { DeviceMap } from "./memory-map.js";
import { NetCore, NetCoreClock, PCD_CMD_MAGIC } from "./net-core.js";
import type { RunningApplication } from "./running-application.js";

/** The three flash memories, as storage of raw pages. */
export interface TwinStorages {
  readonly nand: PageStorage;
  readonly appFlash: PageStorage;
  readonly netFlash: PageStorage;
}

/** What a flash chip of the device is connected to. */
export interface ChipWiring {
  readonly power: Power;
  readonly clock: ModelClock;
  readonly onViolation: (violation: RuleViolation) => void;
}

/** What the device keeps besides flash; everything but this and flash is lost with power. */
export interface TwinState {
  readonly securityCounter: number;
  readonly nowUs: number;
  /** Network core images whose payloads the observer recognises. */
  readonly knownNetImages: readonly KnownNetImage[];
}

export interface TwinOptions {
  readonly storages: TwinStorages;
  readonly crypto: Crypto;
  readonly keys: readonly PublicKey[];
  readonly hardware: string;
  readonly nandProfile?: NandProfile;
  /** Another chip for the store, e.g. QSPI NOR; absent: the SPI-NAND. */
  readonly storeFlash?: (wiring: ChipWiring) => PagedFlash;
  /** Internal flash, and what stands where in it; default: the nRF5340's. */
  readonly map?: DeviceMap;
  /** Decides reads of unstable pages in internal flash; absent: chance does. */
  readonly unstableReadIsGood?: (device: string, page: number) => boolean;
  readonly storeOptions?: StoreOptions;
  readonly scripts?: FirmwareScripts;
  /** Start valid firmware that a debugger wrote, instead of repairing it. */
  readonly allowForeign?: boolean;
  /** Install a first release although there is nothing to fall back to. */
  readonly allowAdoption?: boolean;
  /** No checks of link address and fw_info: for firmware that was built for another map. */
  readonly unlinked?: boolean;
  readonly power?: PowerSupply;
  readonly state?: TwinState;
  readonly onBootEvent?: (event: BootEvent) => void;
  readonly onProgress?: (core: string, doneBytes: number, totalBytes: number) => void;
  /** Called when something changed in `state` that must outlive the process. */
  readonly onStateChange?: () => void;
}

/** How one boot ended. */
export type BootOutcome =
  | { readonly kind: "application"; readonly app: RunningApplication }
  | { readonly kind: "reset"; readonly reason: ResetReason }
  | { readonly kind: "power-lost" }
  | { readonly kind: "stopped"; readonly why: string };

/** Watchdog of a trial, milliseconds. */
const WATCHDOG_MS = 8000;
/** What an application waits for the network core's answer, microseconds. */
const IPC_WAIT_US = 1_000_000;

/**
 * An nRF5340 with SPI-NAND: both cores with their flash, MCUboot with Tandem's hook, PCD and b0n,
 * watchdog and reset reasons, and firmware that behaves as its script says. Deterministic: equal
 * storages, options and plans give equal runs.
 */
export class Nrf5340Twin {
  readonly nand: NandChip;
  /** The chip that holds the store: `nand`, unless the options name another. */
  readonly storeFlash: PagedFlash;
  readonly map: DeviceMap;
  readonly appFlash: NorChip;
  readonly netFlash: NorChip;
  readonly clock: DeviceClock;
  readonly power: PowerSupply;
  readonly observer: Observer;
  readonly violations: RuleViolation[] = [];
  readonly trust: Trust;
  readonly slots: readonly ImageSlot[];
  /** Boots so far. */
  boots = 0;
  readonly #options: TwinOptions;
  readonly #netCore: NetCore;
  readonly #ram: Uint8Array;
  #securityCounter: number;
  #resetReason: ResetReason = "power-on";

  constructor(options: TwinOptions) {
    this.#options = options;
    this.trust = { crypto: options.crypto, keys: options.keys };
    this.map = options.map ?? NRF5340_MAP;
    this.#ram = new Uint8Array(this.map.pcdRamBytes);
    this.slots = imageSlots(this.map, options.unlinked === true);
    this.power = options.power ?? new PowerSupply({ seed: 1 });
    this.clock = new DeviceClock({ timeoutMs: WATCHDOG_MS, nowUs: options.state?.nowUs ?? 0 });
    this.#securityCounter = options.state?.securityCounter ?? 0;
    const known = options.state?.knownNetImages ?? [];
    this.observer = new Observer(options.crypto, options.keys, known);
    const { power, clock } = this;
    const onViolation = (violation: RuleViolation): void => void this.violations.push(violation);
    const common = { power, onViolation };
    const { storages } = options;
    const profile = options.nandProfile ?? W25N01GV;
    this.nand = new NandChip({ ...common, clock, name: "nand", profile, storage: storages.nand });
    this.storeFlash = options.storeFlash?.({ ...common, clock }) ?? this.nand;
    this.appFlash = new NorChip({
      ...common,
      ...unstableReads(options, "app-flash"),
      clock,
      name: "app-flash",
      profile: this.map.appFlash,
      storage: storages.appFlash,
    });
    const netClock = new NetCoreClock();
    this.netFlash = new NorChip({
      ...common,
      ...unstableReads(options, "net-flash"),
      clock: netClock,
      name: "net-flash",
      profile: this.map.netFlash,
      storage: storages.netFlash,
    });
    this.#netCore = new NetCore(
      {
        flash: this.netFlash,
        slot: this.map.netSlot,
        crypto: options.crypto,
        observer: this.observer,
        scripts: options.scripts ?? ALL_BOOT,
        unlinked: options.unlinked === true,
      },
      netClock,
    );
  }

  get storeOptions(): StoreOptions {
    return this.#options.storeOptions ?? {};
  }

  /** What has to be kept to build the same device again. */
  get state(): TwinState {
    return {
      securityCounter: this.#securityCounter,
      nowUs: this.clock.nowUs,
      knownNetImages: this.observer.known,
    };
  }

  get securityCounter(): number {
    return this.#securityCounter;
  }

  get primarySlot(): FlashArea {
    const { start, sizeBytes } = this.map.appSlot;
    return flashArea(this.appFlash, start, sizeBytes);
  }

  get marker(): Marker {
    const { start, sizeBytes } = this.map.marker;
    return new Marker(flashArea(this.appFlash, start, sizeBytes));
  }

  /** Contents of b0n's slot. */
  readNetSlot(): Uint8Array {
    const { start, sizeBytes } = this.map.netSlot;
    return this.netFlash.read(start, sizeBytes);
  }

  /** Power was gone and is back: RAM, registers and watchdog start anew. */
  powerOn(): BootOutcome {
    this.#resetReason = "power-on";
    this.clock.stopWatchdog();
    this.#netCore.powerOff();
    this.#ram.fill(0);
    return this.#boot();
  }

  /** A reset without loss of power; the watchdog runs across a soft one. */
  reset(reason: ResetReason): BootOutcome {
    this.#resetReason = reason;
    if (reason === "soft") this.clock.setFed(false);
    else this.clock.stopWatchdog();
    this.#netCore.reset();
    return this.#boot();
  }

  /** Boots, and again after each reset and power cut, until an application runs or nothing can. */
  bootToApplication(first: BootOutcome, maxBoots = 64): BootOutcome {
    let outcome = first;
    for (let boots = 0; boots < maxBoots; boots++) {
      if (outcome.kind === "application" || outcome.kind === "stopped") return outcome;
      outcome = outcome.kind === "reset" ? this.reset(outcome.reason) : this.powerOn();
    }
    return { kind: "stopped", why: `no application after ${maxBoots} boots` };
  }

  /** The update service as an application of this device makes it. */
  createService(store: Store): UpdateService {
    return new UpdateService({
      store,
      marker: this.marker,
      trust: this.trust,
      slots: this.slots,
      hardware: this.#options.hardware,
      securityCounter: { read: () => this.#securityCounter },
    });
  }

  /** The application that runs already, without a boot: flash and network core are as it left them. */
  attach(netVersion: RunningApplication["netVersion"]): RunningApplication | null {
    const response = bootGoSingleSlot({ primary: this.primarySlot, ...this.trust });
    if (response.kind === "none") return null;
    const service = this.createService(this.mountStore());
    this.clock.setFed(true);
    return { facts: response.facts, script: { kind: "boots" }, service, netVersion };
  }

  mountStore(): Store {
    return Store.mount(this.storeFlash, this.storeOptions);
  }

  /** Sets the counter as production does; afterwards only an accepted release raises it. */
  raiseSecurityCounter(value: number): void {
    if (value <= this.#securityCounter) return;
    this.#securityCounter = value;
    this.#options.onStateChange?.();
  }

  #boot(): BootOutcome {
    this.boots += 1;
    let stopped = "MCUboot found no image that it may start";
    const hook = createBootGoHook(this.#bootOptions(), {
      reset: () => {
        throw new McuReset("soft");
      },
      recovery: (why) => {
        stopped = why;
      },
    });
    try {
      const response = bootGoSingleSlot({
        primary: this.primarySlot,
        ...this.trust,
        hooks: { boot_go_hook: hook },
        securityCounter: { read: () => this.#securityCounter },
      });
      if (response.kind === "boot") return this.#runApplication(response.facts);
      // MCUboot halts on what it refuses; the watchdog of a trial ends that.
      if (response.problem !== null) this.clock.waitForWatchdog();
      return { kind: "stopped", why: response.problem?.message ?? stopped };
    } catch (error) {
      if (error instanceof McuReset) return { kind: "reset", reason: error.reason };
      if (error instanceof PowerLoss) return { kind: "power-lost" };
      throw error;
    }
  }

  /** From the application's first instruction until it is up, or the chip resets. */
  #runApplication(facts: ImageFacts): BootOutcome {
    this.observer.applicationStarts(facts, this.readNetSlot());
    const scripts = this.#options.scripts ?? ALL_BOOT;
    const script = scripts.app.get(toHex(facts.hash)) ?? { kind: "boots" };
    if (script.kind === "hangs" || script.kind === "crashes" || script.kind === "resets") {
      this.clock.setFed(true);
      this.clock.elapse((script.afterMs ?? 0) * 1000);
      this.clock.setFed(false);
      if (script.kind !== "hangs") throw new McuReset(script.kind === "resets" ? "soft" : "lockup");
      this.clock.waitForWatchdog();
      return { kind: "stopped", why: "the application hangs, and no watchdog runs" };
    }
    if (script.kind === "accepts-then-crashes") {
      const service = this.createService(this.mountStore());
      if (service.query().state === "TRIAL") service.accept();
      throw new McuReset("lockup");
    }
    this.clock.feedWatchdog();
    this.#netCore.release(this.clock.nowUs);
    this.clock.elapse(IPC_WAIT_US);
    this.#netCore.runUntil(this.clock.nowUs);
    this.clock.setFed(true);
    const mounted = this.#mountService();
    const app = {
      facts,
      script,
      netVersion: this.#netCore.ipcVersion,
      get service(): UpdateService {
        if (mounted instanceof TandemError) throw mounted;
        return mounted;
      },
    };
    return { kind: "application", app };
  }

  /** An application whose store is gone runs on; it only cannot update itself. */
  #mountService(): UpdateService | TandemError {
    try {
      return this.createService(this.mountStore());
    } catch (error) {
      if (error instanceof TandemError) return error;
      throw error;
    }
  }

  #bootOptions(): BootOptions {
    const tick =
      (core: string) =>
      (done: number, total: number): void => {
        this.clock.feedWatchdog();
        this.#options.onProgress?.(core, done, total);
      };
    const { trust, slots } = this;
    return {
      nand: this.storeFlash,
      storeOptions: this.storeOptions,
      marker: this.marker,
      trust,
      slots,
      allowForeign: this.#options.allowForeign ?? false,
      allowAdoption: this.#options.allowAdoption ?? false,
      cores: [
        new FlashCore({ core: "app", area: this.primarySlot, trust, tick: tick("app") }),
        new PcdCore({
          core: "net",
          pcd: this.createPcdPort(),
          ram: this.#ram,
          trust,
          tick: tick("net"),
        }),
      ],
      ports: {
        securityCounter: {
          read: () => this.#securityCounter,
          raise: (value) => this.raiseSecurityCounter(value),
        },
        watchdog: {
          start: () => this.clock.startWatchdog(),
          feed: () => this.clock.feedWatchdog(),
        },
        resetReason: RESETREAS[this.#resetReason],
        seal: () => {
          this.#netCore.writeCommand(0, new Uint8Array(0));
          this.#netCore.lockCommand();
        },
      },
      log: (event) => this.#options.onBootEvent?.(event),
    };
  }

  /** The network core as MCUboot reaches it: through the command struct of PCD. */
  createPcdPort(): PcdPort {
    const core = this.#netCore;
    const wait = (ms: number): void => {
      this.clock.elapse(ms * 1000);
      core.runUntil(this.clock.nowUs);
    };
    return {
      forceOff: () => core.forceOff(),
      startCopy: (ram, offset, length) => {
        this.observer.learn(ram, { headerSize: offset, imageSize: length });
        this.#options.onStateChange?.();
        core.writeCommand(PCD_CMD_MAGIC.COPY, ram.subarray(offset, offset + length));
        core.release(this.clock.nowUs);
      },
      readVersion: () => {
        core.writeCommand(PCD_CMD_MAGIC.READ_VERSION, new Uint8Array(0));
        core.release(this.clock.nowUs);
        for (let polls = 0; polls < 20 && core.status === "busy"; polls++) wait(50);
        return core.reportedVersion;
      },
      status: () => core.status,
      clear: () => core.writeCommand(0, new Uint8Array(0)),
      lock: () => core.lockCommand(),
      wait,
    };
  }
}

function unstableReads(
  options: TwinOptions,
  device: string,
): { readonly unstableReadIsGood?: (page: number) => boolean } {
  const { unstableReadIsGood } = options;
  if (unstableReadIsGood === undefined) return {};
  return { unstableReadIsGood: (page) => unstableReadIsGood(device, page) };
}

function imageSlots(map: DeviceMap, unlinked: boolean): readonly ImageSlot[] {
  return NRF5340_LAYOUT.map((layout) => ({
    core: layout.core,
    maxBytes: layout.needsFwInfo ? map.pcdRamBytes : map.appSlot.sizeBytes,
    codeRange: unlinked ? null : layout.slot,
    fwInfoAddress: unlinked || !layout.needsFwInfo ? null : layout.slot.start,
    needsSecurityCounter: layout.core === "app",
    classId: null,
  }));
}
