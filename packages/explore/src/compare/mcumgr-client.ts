// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import type { NcsApplication, NcsBuild } from "@tandem/twin";

import { installSet, passesSelfTest } from "./ncs-client.js";
import type { ClientMemory, MarkOrder, NcsClient } from "./ncs-client.js";
import type { PlainRelease } from "./plain-release.js";

/** How a client of MCUmgr goes about it. */
export interface McumgrPlan {
  readonly build: NcsBuild;
  readonly order: MarkOrder;
  readonly next: PlainRelease;
}

/** NCS's own way: a phone or a PC uploads and marks, the application confirms itself. */
export class McumgrClient implements NcsClient {
  readonly events: string[] = [];
  memory: ClientMemory;
  readonly #plan: McumgrPlan;

  constructor(plan: McumgrPlan, memory: ClientMemory) {
    this.#plan = plan;
    this.memory = memory;
  }

  run(app: NcsApplication): "reset" | "rest" {
    const isNew = toHex(app.facts.hash) === this.#plan.next.hashes[0];
    this.events.push(`the ${isNew ? "new" : "old"} application runs`);
    if (isNew) return this.#tryNew(app);
    return this.memory.isAsked ? "rest" : this.#install(app);
  }

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

  #install(app: NcsApplication): "reset" {
    const { order, next } = this.#plan;
    installSet(app, next, order);
    this.memory = { ...this.memory, isAsked: true };
    this.events.push(`the new images are uploaded and marked, in the order ${order.join(", ")}`);
    return "reset";
  }
}
