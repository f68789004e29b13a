// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

import { nodeCrypto } from "@tandem/base/node";
import { PowerLoss } from "@tandem/flash";

import type { BootConfig } from "../../boot-config.js";
import type { BootFlashArea } from "../../boot-flash-area.js";
import { bootGo } from "../../boot-go.js";
import type { BootOptions, ImageAreas } from "../../boot-options.js";
import { FlashOperations, SimpleFlash } from "../../simple-flash.js";
import type { SimpleFlashSnapshot } from "../../simple-flash.js";
import type { OperationLine, TracedBoot } from "./reference.js";
import { layoutOf } from "./scenario.js";
import type { Scenario, ScenarioLayout } from "./scenario.js";

/** Tandem's MCUboot on the flash of a scenario, with the abilities of the reference driver. */
export class TandemBoard {
  readonly #layout: ScenarioLayout;
  readonly #operations = new FlashOperations();
  readonly #devices: readonly SimpleFlash[];
  readonly #options: BootOptions;
  #kept: readonly SimpleFlashSnapshot[];

  constructor(scenario: Scenario, flash: readonly Uint8Array[]) {
    this.#layout = layoutOf(scenario);
    this.#devices = this.#layout.devices.map(({ size, sectorSize, align, erasedValue }, id) => {
      const bytes = flash[id] ?? new Uint8Array(0);
      const operations = this.#operations;
      return new SimpleFlash({
        name: `${id}`,
        size,
        sectorSize,
        align,
        erasedValue: erasedValue === 0 ? 0x00 : 0xff,
        bytes,
        operations,
      });
    });
    this.#options = this.#bootOptions(scenario);
    this.#kept = this.#snapshot();
  }

  /** What stands in flash now is what `restore` goes back to. */
  keep(): void {
    this.#kept = this.#snapshot();
  }

  restore(): void {
    for (const [id, device] of this.#devices.entries()) {
      const kept = this.#kept[id];
      if (kept !== undefined) device.restore(kept);
    }
  }

  /** One boot; power goes before write or erase number `cut`, counted from 1; 0: it stays. */
  boot(cut: number): TracedBoot {
    const log: OperationLine[] = [];
    this.#operations.observer = ({ kind, device, address, length }) => {
      log.push(this.#operationLine(kind, Number(device), address, length));
    };
    this.#operations.reset(cut === 0 ? Number.POSITIVE_INFINITY : cut - 1);
    const outcome = this.#outcome();
    const digest = createHash("sha256");
    for (const { bytes } of this.#devices) digest.update(bytes);
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
    return {
      config: bootConfig(scenario),
      images,
      ...(scratch && { scratch }),
      crypto: nodeCrypto,
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

  #snapshot(): readonly SimpleFlashSnapshot[] {
    return this.#devices.map((device) => device.snapshot());
  }
}

/** The build of MCUboot that a scenario asks for. */
function bootConfig({ mode, variant }: Scenario): BootConfig {
  return {
    mode: mode === "overwrite-slow" ? "overwrite" : mode,
    overwriteOnlyFast: mode === "overwrite",
    validatePrimary: variant !== "novalidate",
    downgradePrevention: variant === "downgrade" ? "version" : "none",
    bootstrap: variant === "bootstrap",
  };
}
