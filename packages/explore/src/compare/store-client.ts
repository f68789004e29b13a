// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import { MemoryStorage } from "@tandem/flash";
import type { Store } from "@tandem/store";
import type { NcsApplication, NcsBuild, Nrf5340Twin, PowerSupply } from "@tandem/twin";

import { receive } from "../download.js";
import { createTwin } from "../world.js";
import type { World } from "../world.js";
import { installSet, passesSelfTest } from "./ncs-client.js";
import type { ClientMemory, MarkOrder, NcsClient } from "./ncs-client.js";

/** Nordic's advice: the network core's image is marked first. */
const ORDER: MarkOrder = [1, 0];

/** Attempts with one set before the application gives it up. */
const MOST_ATTEMPTS = 2;

/**
 * An application with Tandem's store and service, and an MCUboot that knows of neither: the release
 * is received, verified and kept as ever, but instead of the coordinator the application copies it
 * from its bank to MCUboot's slots, and the accepted one when that has to come back. The service
 * stays at CANDIDATE, since it leaves STAGED and accepts only with the coordinator's help.
 */
export class StoreClient implements NcsClient {
  readonly events: string[] = [];
  memory: ClientMemory;
  readonly #world: World;
  /** Has no part in the boot: it makes store and service. */
  readonly #half: Nrf5340Twin;
  readonly #build: NcsBuild;

  /**
   * @param world whose store the device has, and whose new release it is to get
   * @param device.storage of the store's chip
   * @param device.power of all its chips
   */
  constructor(
    world: World,
    device: {
      readonly build: NcsBuild;
      readonly storage: MemoryStorage;
      readonly power: PowerSupply;
    },
    memory: ClientMemory,
  ) {
    const { securityCounter } = world.root.state;
    const [appFlash, netFlash] = [new MemoryStorage(), new MemoryStorage()];
    const { build, power, storage: nand } = device;
    this.#world = world;
    this.#build = build;
    this.#half = createTwin(world, { nand, appFlash, netFlash, securityCounter }, { power });
    this.memory = memory;
  }

  run(app: NcsApplication): "reset" | "rest" {
    const store = this.#half.mountStore();
    const service = this.#half.createService(store);
    const isNew = toHex(app.facts.hash) === this.#world.next.hashes[0];
    this.events.push(`the ${isNew ? "new" : "old"} application runs`);
    for (;;) {
      const { state } = service.query();
      this.events.push(`the store is ${state}`);
      if (state === "WRITING") {
        receive(this.#world, service);
      } else if (state === "CANDIDATE") {
        const end = this.#runSet(app, { isWanted: isNew, store, bank: "candidateBank" });
        if (end !== "give-up") return end;
        service.clean();
        this.memory = { ...this.memory, attempts: 0 };
        this.events.push("the new set is given up");
      } else if (this.memory.isAsked) {
        const end = this.#runSet(app, { isWanted: !isNew, store, bank: "acceptedBank" });
        return end === "give-up" ? "rest" : end;
      } else {
        service.start(this.#world.next.manifest);
        this.memory = { ...this.memory, isAsked: true };
      }
    }
  }

  /** Goes on with a set when it runs and works, and has it installed otherwise. */
  #runSet(
    app: NcsApplication,
    set: {
      /** Its application runs. */
      readonly isWanted: boolean;
      readonly store: Store;
      readonly bank: "candidateBank" | "acceptedBank";
    },
  ): "reset" | "rest" | "give-up" {
    if (set.isWanted && passesSelfTest(app)) {
      app.confirm();
      this.events.push("the wanted set runs");
      return "rest";
    }
    const { attempts } = this.memory;
    const isSilent = set.isWanted && app.netVersion === null;
    const isBad = isSilent && set.bank === "candidateBank";
    if (attempts >= MOST_ATTEMPTS || isBad) return "give-up";
    // What a trial goes back to is not to be written over; overwrite mode has nothing like that.
    if (!app.isConfirmed && this.#build.mode !== "overwrite") return "reset";
    this.memory = { ...this.memory, attempts: attempts + 1 };
    const bank = set.store.record[set.bank] ?? 0;
    installSet(app, { app: imageOf(set.store, bank, 0), net: imageOf(set.store, bank, 1) }, ORDER);
    this.events.push(`bank ${bank} is copied to MCUboot's slots and marked`);
    return "reset";
  }
}

function imageOf(store: Store, bank: number, image: number): Uint8Array {
  const reader = store.readImage(bank, image);
  return reader.read(0, reader.size);
}
