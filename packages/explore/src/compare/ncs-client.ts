// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import type { NcsApplication, NcsBuild } from "@tandem/twin";

import type { PlainRelease } from "./plain-release.js";

/** What a client knows of the update; no loss of power on the device takes it away. */
export interface ClientMemory {
  /** All images have been marked, and the answer to the last mark has come. */
  readonly isAsked: boolean;
  /** The set that is to run. */
  readonly wanted: "old" | "new";
  /** Times that the wanted set was marked, or begun to be. */
  readonly attempts: number;
}

export const FIRST_MEMORY: ClientMemory = { isAsked: false, wanted: "new", attempts: 0 };

/** How a client goes about it. */
export interface ClientPlan {
  readonly build: NcsBuild;
  /** In which order the images are marked. */
  readonly order: readonly [number, number];
  /**
   * The application keeps both sets, verified, and puts in the wanted one again whenever something
   * else runs: what a store alone can do, without a hand in the bootloader.
   */
  readonly keepsSets: boolean;
  readonly old: PlainRelease;
  readonly next: PlainRelease;
}

/** Attempts with one set before the client gives it up. */
const MOST_ATTEMPTS = 2;

/** The application, and the client that speaks with it, from the application's start on. */
export class NcsClient {
  readonly events: string[] = [];
  memory: ClientMemory;
  readonly #plan: ClientPlan;

  constructor(plan: ClientPlan, memory: ClientMemory) {
    this.#plan = plan;
    this.memory = memory;
  }

  /** How it ends: the application resets the chip, or there is nothing left to do. */
  run(app: NcsApplication): "reset" | "rest" {
    const isNew = toHex(app.facts.hash) === this.#plan.next.hashes[0];
    this.events.push(`the ${isNew ? "new" : "old"} application runs`);
    if (this.#plan.keepsSets) return this.#runWithSets(app, isNew ? "new" : "old");
    if (isNew) return this.#tryNew(app);
    return this.memory.isAsked ? "rest" : this.#install(app);
  }

  /** A trial is confirmed when the network core answers with the application's own version. */
  #tryNew(app: NcsApplication): "reset" | "rest" {
    if (app.isConfirmed) return "rest";
    if (!passesSelfTest(app)) {
      this.events.push("its self-test fails: the network core does not answer as it should");
      // Overwrite mode keeps nothing to go back to, so a reset would bring nothing.
      return this.#plan.build.mode === "overwrite" ? "rest" : "reset";
    }
    app.confirm();
    this.events.push("it confirms itself");
    return "rest";
  }

  #runWithSets(app: NcsApplication, running: "old" | "new"): "reset" | "rest" {
    if (running === this.memory.wanted && passesSelfTest(app)) {
      app.confirm();
      this.events.push("the wanted set runs");
      return "rest";
    }
    const { wanted, attempts } = this.memory;
    const isSilent = running === "new" && app.netVersion === null;
    if (wanted === "new" && (isSilent || attempts >= MOST_ATTEMPTS)) {
      this.events.push("the new set is given up");
      this.memory = { ...this.memory, wanted: "old", attempts: 0 };
    }
    // MCUmgr marks nothing while a trial is on; a reset ends it.
    if (!app.isConfirmed && this.#plan.build.mode !== "overwrite") return "reset";
    return this.memory.attempts >= MOST_ATTEMPTS ? "rest" : this.#install(app);
  }

  #install(app: NcsApplication): "reset" {
    const { order, old, next } = this.#plan;
    const { wanted, attempts } = this.memory;
    this.memory = { ...this.memory, attempts: attempts + 1 };
    const set = wanted === "new" ? next : old;
    const images = [set.app, set.net];
    for (const image of order) app.upload(image, images[image] ?? new Uint8Array(0));
    for (const image of order) app.mark(image, "test");
    this.memory = { ...this.memory, isAsked: true };
    this.events.push(
      `the ${wanted} images are uploaded and marked, in the order ${order.join(", ")}`,
    );
    return "reset";
  }
}

function passesSelfTest({ facts, netVersion }: NcsApplication): boolean {
  return netVersion?.major === facts.header.version.major;
}
