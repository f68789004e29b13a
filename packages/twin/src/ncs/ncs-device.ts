// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import type { Crypto, PublicKey } from "@tandem/base";
import {
  MX25R6435F,
  NRF5340_APP_FLASH,
  NRF5340_NET_FLASH,
  NorChip,
  PowerLoss,
  flashArea,
} from "@tandem/flash";
import type { FlashArea, PageStorage, RuleViolation } from "@tandem/flash";
import { bytesSource, readVectorTable, verifyImage } from "@tandem/image";
import type { ImageFacts } from "@tandem/image";
import { bootGo } from "@tandem/mcuboot";
import type { BootHooks, BootOptions, BootResult, SimpleFlash } from "@tandem/mcuboot";

import { DeviceClock } from "../device-clock.js";
import { ALL_BOOT } from "../firmware-script.js";
import type { FirmwareScripts } from "../firmware-script.js";
import { NET_SLOT } from "../nrf5340/memory-map.js";
import { NetCore, NetCoreClock } from "../nrf5340/net-core.js";
import { Observer } from "../observer.js";
import type { KnownNetImage, ReleasePair } from "../observer.js";
import { PowerSupply } from "../power-supply.js";
import { McuHang, McuReset } from "../signals.js";
import type { ResetReason } from "../signals.js";
import { NcsApplication } from "./ncs-application.js";
import type { NcsBuild } from "./ncs-build.js";
import { createRamFlash, ncsAreas } from "./ncs-flash.js";
import type { NcsAreas } from "./ncs-flash.js";
import { nrf53Hooks } from "./nrf53-hooks.js";
import { Pcd } from "./pcd.js";
import { sequentialUpdateHook } from "./sequential-update.js";
import { SerialRecovery } from "./serial-recovery.js";

/** The three flash memories, as storage of raw pages. */
export interface NcsStorages {
  readonly appFlash: PageStorage;
  /** External NOR; unused where all slots are internal. */
  readonly extFlash: PageStorage;
  readonly netFlash: PageStorage;
}

/** What the device keeps besides flash; everything but this and flash is lost with power. */
export interface NcsState {
  /** Of the application, in OTP. */
  readonly securityCounter: number;
  readonly nowUs: number;
  /** What the observer recognises. */
  readonly knownNetImages: readonly KnownNetImage[];
  readonly pairs: readonly ReleasePair[];
}

/** What a device is made of, and where it is in its life. */
export interface NcsDeviceOptions {
  readonly build: NcsBuild;
  readonly storages: NcsStorages;
  readonly crypto: Crypto;
  /** Keys in MCUboot. */
  readonly keys: readonly PublicKey[];
  readonly scripts?: FirmwareScripts;
  readonly power?: PowerSupply;
  readonly state?: NcsState;
  /**
   * What reverting the application does to the network core. `nothing`: what every release's source
   * does, and users report. `fills-with-ram`: what Nordic's documentation says.
   * @see sdk-nrf, simultaneous_multi_image_dfu_nrf5340.rst
   */
  readonly netOnRevert?: "nothing" | "fills-with-ram";
}

/** How one boot ended. */
export type NcsBootOutcome =
  | { readonly kind: "application"; readonly app: NcsApplication }
  | { readonly kind: "reset"; readonly reason: ResetReason }
  | { readonly kind: "power-lost" }
  | { readonly kind: "stopped"; readonly why: string };

/** Watchdog that applications start, milliseconds. */
const WATCHDOG_MS = 8000;
/** What an application waits for the network core's answer, microseconds. */
const IPC_WAIT_US = 1_000_000;

/**
 * An nRF5340 as the nRF Connect SDK ships it: MCUboot with Nordic's hooks, PCD, b0n and an
 * application that has images installed as MCUmgr or the DFU target do. What Tandem is compared
 * with. Deterministic: equal storages, options and plans give equal runs.
 */
export class NcsNrf5340 {
  readonly build: NcsBuild;
  readonly appFlash: NorChip;
  readonly extFlash: NorChip;
  readonly netFlash: NorChip;
  readonly clock: DeviceClock;
  readonly power: PowerSupply;
  readonly observer: Observer;
  readonly violations: RuleViolation[] = [];
  /** Boots so far. */
  boots = 0;
  /** What MCUboot did in the last boot that it completed; null when it was cut or hung. */
  lastBoot: BootResult | null = null;
  readonly #options: NcsDeviceOptions;
  readonly #ramFlash: SimpleFlash = createRamFlash();
  readonly #areas: NcsAreas;
  readonly #netCore: NetCore;
  readonly #pcd: Pcd;
  readonly #hooks: BootHooks;
  #securityCounter: number;

  constructor(options: NcsDeviceOptions) {
    const { build, storages, crypto, keys, state } = options;
    this.#options = options;
    this.build = build;
    this.power = options.power ?? new PowerSupply({ seed: 1 });
    this.clock = new DeviceClock({ timeoutMs: WATCHDOG_MS, nowUs: state?.nowUs ?? 0 });
    this.#securityCounter = state?.securityCounter ?? 0;
    this.observer = new Observer(crypto, keys, state?.knownNetImages, state?.pairs);
    const { power, clock } = this;
    const onViolation = (violation: RuleViolation): void => void this.violations.push(violation);
    const common = { power, onViolation };
    this.appFlash = new NorChip({
      ...common,
      clock,
      name: "app-flash",
      profile: NRF5340_APP_FLASH,
      storage: storages.appFlash,
    });
    this.extFlash = new NorChip({
      ...common,
      clock,
      name: "ext-flash",
      profile: MX25R6435F,
      storage: storages.extFlash,
    });
    const netClock = new NetCoreClock();
    this.netFlash = new NorChip({
      ...common,
      clock: netClock,
      name: "net-flash",
      profile: NRF5340_NET_FLASH,
      storage: storages.netFlash,
    });
    const chips = { "app-flash": this.appFlash, "ext-flash": this.extFlash };
    this.#areas = ncsAreas(build.layout, chips, this.#ramFlash, NET_SLOT);
    this.#netCore = new NetCore(
      {
        flash: this.netFlash,
        slot: NET_SLOT,
        crypto,
        observer: this.observer,
        scripts: options.scripts ?? ALL_BOOT,
        unlinked: false,
      },
      netClock,
    );
    this.#pcd = new Pcd(this.#netCore, clock);
    this.#hooks = this.#makeHooks();
  }

  /** What has to be kept to build the same device again. */
  get state(): NcsState {
    return {
      securityCounter: this.#securityCounter,
      nowUs: this.clock.nowUs,
      knownNetImages: this.observer.known,
      pairs: this.observer.pairs,
    };
  }

  get securityCounter(): number {
    return this.#securityCounter;
  }

  get primarySlot(): FlashArea {
    const { start, sizeBytes } = this.build.layout.primary;
    return flashArea(this.appFlash, start, sizeBytes);
  }

  /** Contents of b0n's slot. */
  readNetSlot(): Uint8Array {
    return this.netFlash.read(NET_SLOT.start, NET_SLOT.sizeBytes);
  }

  /**
   * An independent device with the same flash, switched off: go on with `powerOn`.
   * @throws {UsageError} flash/no-snapshot when its chips are not in memory
   */
  fork(changes: Partial<Pick<NcsDeviceOptions, "power" | "scripts">> = {}): NcsNrf5340 {
    const { appFlash, extFlash, netFlash } = this;
    return new NcsNrf5340({
      ...this.#options,
      power: new PowerSupply({ seed: 1 }),
      ...changes,
      storages: {
        appFlash: appFlash.snapshot(),
        extFlash: extFlash.snapshot(),
        netFlash: netFlash.snapshot(),
      },
      state: this.state,
    });
  }

  /** Power was gone and is back: RAM, registers and watchdog start anew. */
  powerOn(): NcsBootOutcome {
    this.powerOff();
    return this.#boot();
  }

  powerOff(): void {
    this.clock.stopWatchdog();
    this.#netCore.powerOff();
  }

  /** A reset without loss of power. */
  reset(reason: ResetReason): NcsBootOutcome {
    if (reason === "soft") this.clock.setFed(false);
    else this.clock.stopWatchdog();
    this.#netCore.reset();
    return this.#boot();
  }

  /** Boots, and again after each reset and power cut, until an application runs or nothing can. */
  bootToApplication(first: NcsBootOutcome, maxBoots = 64): NcsBootOutcome {
    let outcome = first;
    for (let boots = 0; boots < maxBoots; boots++) {
      if (outcome.kind === "application" || outcome.kind === "stopped") return outcome;
      outcome = outcome.kind === "reset" ? this.reset(outcome.reason) : this.powerOn();
    }
    return { kind: "stopped", why: `no application after ${maxBoots} boots` };
  }

  /**
   * MCUboot waits in serial recovery instead of starting anything.
   * @throws {UsageError} twin/ncs-build with sequential updates, which have no slot for it
   */
  enterSerialRecovery(): SerialRecovery {
    this.#netCore.reset();
    this.#ramFlash.erase(0, this.#ramFlash.size);
    return new SerialRecovery(this.#areas, this.#hooks, this.#pcd, (bytes) => this.#learn(bytes));
  }

  /** Sets the counter as production does; afterwards MCUboot raises it. */
  raiseSecurityCounter(value: number): void {
    this.#securityCounter = Math.max(this.#securityCounter, value);
  }

  #makeHooks(): BootHooks {
    const { build } = this;
    const pcd = this.#pcd;
    if (build.netUpdate === "sequential") {
      const { appFlash } = this;
      return {
        sdk_validated_swap_type_hook: sequentialUpdateHook({
          build,
          appFlash,
          netSlot: NET_SLOT,
          pcd,
        }),
      };
    }
    return nrf53Hooks({
      build,
      ramFlash: this.#ramFlash,
      netSlot: NET_SLOT,
      pcd,
      fillsOnRevert: this.#options.netOnRevert === "fills-with-ram",
    });
  }

  #boot(): NcsBootOutcome {
    this.boots += 1;
    this.lastBoot = null;
    this.#ramFlash.erase(0, this.#ramFlash.size);
    try {
      const result = bootGo(this.#bootOptions());
      this.lastBoot = result;
      return result.kind === "boot" ? this.#start() : whyNot(result);
    } catch (error) {
      if (error instanceof McuReset) return { kind: "reset", reason: error.reason };
      if (error instanceof McuHang) return { kind: "stopped", why: error.message };
      if (error instanceof PowerLoss) return { kind: "power-lost" };
      throw error;
    }
  }

  #bootOptions(): BootOptions {
    const { build } = this;
    const { images, scratch } = this.#areas;
    const { crypto, keys } = this.#options;
    const options = { config: build.config, images, crypto, keys, hooks: this.#hooks };
    const withScratch = scratch === null ? options : { ...options, scratch };
    if (!build.hardwareDowngradePrevention) return withScratch;
    return {
      ...withScratch,
      securityCounter: {
        read: () => this.#securityCounter,
        update: (_image, counter) => {
          this.raiseSecurityCounter(counter);
          return true;
        },
        isRequired: (image) => image === 0,
      },
    };
  }

  /** MCUboot jumps to the primary slot of image 0. */
  #start(): NcsBootOutcome {
    this.#pcd.lockRam();
    const { crypto, keys } = this.#options;
    const verdict = verifyImage(this.primarySlot, { crypto, keys });
    if (!verdict.ok) return { kind: "stopped", why: verdict.problem.message };
    return { kind: "application", app: this.#runApplication(verdict.facts) };
  }

  /** From the application's first instruction until it is up, or the chip resets. */
  #runApplication(facts: ImageFacts): NcsApplication {
    this.observer.applicationStarts(facts, this.readNetSlot());
    // Firmware of the other core, which MCUboot does not tell apart everywhere.
    if (!this.#isLinkedForSlot(facts)) throw new McuReset("lockup");
    const script = (this.#options.scripts ?? ALL_BOOT).app.get(toHex(facts.hash)) ?? {
      kind: "boots",
    };
    this.#netCore.release(this.clock.nowUs);
    this.clock.elapse(IPC_WAIT_US);
    this.#netCore.runUntil(this.clock.nowUs);
    const app = new NcsApplication({
      facts,
      script,
      netVersion: this.#netCore.ipcVersion,
      build: this.build,
      images: this.#areas.images,
      onUpload: (bytes) => this.#learn(bytes),
    });
    switch (script.kind) {
      case "hangs":
        throw new McuReset("watchdog");
      case "crashes":
        throw new McuReset("lockup");
      case "resets":
        throw new McuReset("soft");
      case "accepts-then-crashes":
        app.confirm();
        throw new McuReset("lockup");
      case "boots":
      case "self-test-fails":
        return app;
      default:
        return script satisfies never;
    }
  }

  #isLinkedForSlot({ header }: ImageFacts): boolean {
    const { start, sizeBytes } = this.build.layout.primary;
    const vectors = readVectorTable(this.primarySlot.read(header.headerSize, 8));
    const resetVector = vectors?.resetVector ?? 0;
    return resetVector >= start && resetVector < start + sizeBytes;
  }

  /** The observer recognises network core images by the payload that b0n will hold. */
  #learn(bytes: Uint8Array): void {
    const { crypto, keys } = this.#options;
    const verdict = verifyImage(bytesSource(bytes), { crypto, keys });
    if (verdict.ok) this.observer.learn(bytes, verdict.facts.header);
  }
}

/** A failed assertion resets (CONFIG_RESET_ON_FATAL_ERROR); everything else is FIH_PANIC. */
function whyNot(result: Extract<BootResult, { kind: "none" }>): NcsBootOutcome {
  const { why } = result;
  if (why.reason === "assertion") return { kind: "reset", reason: "soft" };
  return { kind: "stopped", why: `MCUboot, ${why.source}: ${why.reason}` };
}
