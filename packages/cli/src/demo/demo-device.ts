// SPDX-License-Identifier: Apache-2.0
import { InternalError, createRandom } from "@tandem/base";
import type { PublicKey } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { formatVersion } from "@tandem/image";
import { MemoryStorage, PowerLoss, W25N01GV } from "@tandem/flash";
import type { FlashOperation } from "@tandem/flash";
import { McuReset, Nrf5340Twin, PowerSupply, selfTest } from "@tandem/twin";
import type { BootOutcome, FirmwareScripts, RunningApplication } from "@tandem/twin";
import type { BootEvent } from "@tandem/update";

import { FACTORY_BAD_BLOCKS } from "./story.js";

export interface DemoDeviceOptions {
  readonly seed: number;
  readonly keys: readonly PublicKey[];
  readonly hardware: string;
  readonly scripts: FirmwareScripts;
  readonly unlinked: boolean;
  readonly onOperation?: (operation: FlashOperation, number: number) => void;
  readonly onBootEvent: (event: BootEvent) => void;
  readonly onOtherCopy: (text: string) => void;
  readonly onProgress: (core: string, doneBytes: number, totalBytes: number) => void;
}

/** The twin of the story, and how long it has been running for the step at hand. */
export class DemoDevice {
  readonly twin: Nrf5340Twin;
  powerCuts = 0;
  #app: RunningApplication | null = null;

  constructor(options: DemoDeviceOptions) {
    const power = new PowerSupply({
      seed: options.seed,
      ...(options.onOperation === undefined ? {} : { onOperation: options.onOperation }),
    });
    this.twin = new Nrf5340Twin({
      storages: {
        nand: new MemoryStorage(),
        appFlash: new MemoryStorage(),
        netFlash: new MemoryStorage(),
      },
      crypto: nodeCrypto,
      keys: options.keys,
      hardware: options.hardware,
      scripts: options.scripts,
      unlinked: options.unlinked,
      power,
      storeOptions: {
        onEvent: (event) =>
          options.onOtherCopy(
            `page ${event.page} of image ${event.image} is unreadable, served from its other copy`,
          ),
      },
      onBootEvent: options.onBootEvent,
      onProgress: options.onProgress,
    });
    const random = createRandom(options.seed);
    const bad = new Set<number>();
    // Block 0 of this part is good at shipment.
    while (bad.size < FACTORY_BAD_BLOCKS) bad.add(1 + random.below(W25N01GV.blockCount - 1));
    for (const block of bad) this.twin.nand.markFactoryBad(block);
  }

  /** The application that runs now. */
  get app(): RunningApplication {
    if (this.#app === null) throw new InternalError("demo/not-running", "no application runs");
    return this.#app;
  }

  /**
   * Does something with the running application. Power cuts and resets end it; the device then
   * boots again until an application runs. True when the work was done to its end.
   */
  async session(work: (app: RunningApplication) => Promise<void> | void): Promise<boolean> {
    try {
      await work(this.app);
      return true;
    } catch (error) {
      if (error instanceof PowerLoss) {
        this.powerCuts += 1;
        this.boot(this.twin.powerOn());
      } else if (error instanceof McuReset) this.boot(this.twin.reset(error.reason));
      else throw error;
      return false;
    }
  }

  /** Follows a boot through all resets and cuts until an application runs. */
  boot(first: BootOutcome): void {
    this.#app = null;
    let outcome = first;
    while (outcome.kind === "power-lost" || outcome.kind === "reset") {
      if (outcome.kind === "power-lost") this.powerCuts += 1;
      outcome = outcome.kind === "reset" ? this.twin.reset(outcome.reason) : this.twin.powerOn();
    }
    if (outcome.kind === "stopped") throw new InternalError("demo/stopped", outcome.why);
    this.#app = outcome.app;
  }

  /** Resets into the staged update and lets the application decide about it. */
  async settle(): Promise<void> {
    this.boot(this.twin.reset("soft"));
    while (this.app.service.query().state === "TRIAL") {
      await this.session((app) => {
        const result = selfTest(app);
        if (result.ok) app.service.accept();
        else {
          app.service.reject(result.code, result.image, result.detail);
          throw new McuReset("soft");
        }
      });
    }
  }

  /** Version in the header of the application core's slot. */
  get appVersion(): string {
    return formatVersion(this.app.facts.header.version);
  }

  /** Version of the image whose payload stands in the network core's slot. */
  get netVersion(): string {
    const image = this.twin.observer.identifyNet(this.twin.readNetSlot());
    return image === null ? "unknown" : formatVersion(image.version);
  }
}
