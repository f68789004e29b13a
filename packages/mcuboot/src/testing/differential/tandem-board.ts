// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

import { PowerLoss } from "@tandem/flash";

import type { BootConfig } from "../../boot-config.js";
import type { BootFlashArea } from "../../boot-flash-area.js";
import { bootGo } from "../../boot-go.js";
import type { BootOptions, ImageAreas } from "../../boot-options.js";
import { FlashOperations, SimpleFlash } from "../../simple-flash.js";
import type { SimpleFlashSnapshot } from "../../simple-flash.js";
import { SCENARIO_CRYPTO, SCENARIO_KEY } from "./build-image.js";
import type { OperationLine, TracedBoot } from "./reference.js";
import { hasCounters, layoutOf, maxAlignOf } from "./scenario.js";
import type { Scenario, ScenarioLayout } from "./scenario.js";
import { startCounters, startFlash } from "./start-flash.js";
import type { Step } from "./steps.js";

/** Tandem's MCUboot on a scenario's start flash, with the abilities of the reference driver. */
export class TandemBoard {
  readonly #layout: ScenarioLayout;
  readonly #operations = new FlashOperations();
  readonly #devices: readonly SimpleFlash[];
  readonly #options: BootOptions;
  /** As wide as the driver's, which has room for four images. */
  readonly #counters = new Uint32Array(4);
  readonly #hasCounter: boolean;
  #kept: readonly SimpleFlashSnapshot[] = [];
  #keptCounters = new Uint32Array(4);

  constructor(scenario: Scenario) {
    this.#layout = layoutOf(scenario);
    const flash = startFlash(scenario);
    this.#devices = this.#layout.devices.map(({ size, sectors, align, erasedValue }, id) => {
      return new SimpleFlash({
        name: `${id}`,
        size,
        sectorSize: sectors.flatMap(([count, bytes]) => Array.from({ length: count }, () => bytes)),
        align,
        erasedValue: erasedValue === 0 ? 0x00 : 0xff,
        bytes: flash[id] ?? new Uint8Array(0),
        operations: this.#operations,
      });
    });
    this.#hasCounter = scenario.variant === "counter";
    if (hasCounters(scenario)) this.#counters.set(startCounters(scenario));
    this.#options = this.#bootOptions(scenario);
  }

  /** Does steps in order; a record per boot. */
  run(steps: readonly Step[]): readonly TracedBoot[] {
    return steps.flatMap((step) => {
      if (step.kind === "boot") return [this.#boot(step.cut)];
      this.#disturb(step);
      return [];
    });
  }

  #disturb(step: Exclude<Step, { kind: "boot" }>): void {
    switch (step.kind) {
      case "keep":
        this.#kept = this.#devices.map((device) => device.snapshot());
        this.#keptCounters = this.#counters.slice();
        break;
      case "restore":
        for (const [id, kept] of this.#kept.entries()) this.#devices[id]?.restore(kept);
        this.#counters.set(this.#keptCounters);
        break;
      case "flip":
      case "put": {
        const flash = this.#devices[step.device];
        if (flash === undefined) break;
        const old = flash.bytes[step.offset] ?? 0;
        flash.bytes[step.offset] = step.kind === "put" ? step.value : old ^ step.mask;
        flash.touched();
        break;
      }
      default:
        step satisfies never;
    }
  }

  #boot(cut: number): TracedBoot {
    const log: OperationLine[] = [];
    this.#operations.observer = ({ kind, device, address, length }) => {
      log.push(this.#operationLine(kind, Number(device), address, length));
    };
    this.#operations.reset(cut === 0 ? Number.POSITIVE_INFINITY : cut - 1);
    const outcome = this.#outcome();
    const digest = createHash("sha256");
    for (const { bytes } of this.#devices) digest.update(bytes);
    if (this.#hasCounter) digest.update(new Uint8Array(this.#counters.buffer));
    return { outcome, operations: this.#operations.count, digest: digest.digest("hex"), log };
  }

  #outcome(): string {
    try {
      const result = bootGo(this.#options);
      if (result.kind === "none") {
        const { reason } = result.why;
        return reason === "assertion" || reason === "hang" ? "assert" : "none";
      }
      const { major, minor, revision } = result.header.version;
      const { device, offset } = result.area;
      return `start:${device}:0x${offset.toString(16)}:${major}.${minor}.${revision}`;
    } catch (error) {
      if (error instanceof PowerLoss) return "cut";
      throw error;
    }
  }

  #operationLine(kind: string, device: number, address: number, length: number): OperationLine {
    const area = this.#layout.areas.find(
      (a) => a.device === device && address >= a.offset && address < a.offset + a.size,
    );
    const offset = address - (area?.offset ?? 0);
    return `${kind.charAt(0)} ${area?.name ?? "?"} 0x${offset.toString(16)} ${length}`;
  }

  #bootOptions(scenario: Scenario): BootOptions {
    const images = Array.from({ length: scenario.images }, (_, image): ImageAreas => {
      const secondary = this.#area(`s${image}`);
      return { primary: this.#required(`p${image}`), ...(secondary && { secondary }) };
    });
    const scratch = this.#area("scratch");
    const counters = this.#counters;
    return {
      config: bootConfig(scenario),
      images,
      ...(scratch && { scratch }),
      crypto: SCENARIO_CRYPTO,
      keys: scenario.variant === "signed" ? [SCENARIO_KEY] : [],
      ...(this.#hasCounter && {
        securityCounter: {
          read: (image) => counters[image] ?? null,
          update: (image, counter) => {
            counters[image] = Math.max(counters[image] ?? 0, counter);
            return true;
          },
        },
      }),
    };
  }

  #area(name: string): BootFlashArea | undefined {
    const place = this.#layout.areas.find((area) => area.name === name);
    return place && this.#devices[place.device]?.area(place.offset, place.size);
  }

  #required(name: string): BootFlashArea {
    const area = this.#area(name);
    if (area === undefined) throw new RangeError(`no area ${name}`);
    return area;
  }
}

/** The build of MCUboot that a scenario asks for. */
function bootConfig(scenario: Scenario): BootConfig {
  const { mode, variant } = scenario;
  const byVersion = variant === "downgrade" || variant === "build-number";
  const byCounter = variant === "downgrade-counter";
  return {
    mode: mode === "overwrite-slow" ? "overwrite" : mode,
    maxAlign: maxAlignOf(scenario),
    maxImgSectors: variant === "few-sectors" ? 14 : 128,
    overwriteOnlyFast: mode === "overwrite" || variant === "fast-bootstrap",
    overwriteOnlyKeepBackup: variant === "backup",
    validatePrimary: variant !== "novalidate",
    downgradePrevention: byVersion ? "version" : byCounter ? "security-counter" : "none",
    compareBuildNumber: variant === "build-number",
    bootstrap: variant === "bootstrap" || variant === "fast-bootstrap",
    minimalScramble: variant === "scramble",
  };
}
