// SPDX-License-Identifier: Apache-2.0
import { selfTest } from "@tandem/twin";
import type { RunningApplication } from "@tandem/twin";
import type { UpdateService } from "@tandem/update";

import { receive } from "./download.js";
import type { Transport } from "./download.js";
import { isRelease } from "./world.js";
import type { World } from "./world.js";

/** What the application finds, and how it goes about its work. */
export interface ApplicationOptions {
  readonly transport: Transport;
  /** It has the store patrolled when it has nothing else to do. */
  readonly patrols: boolean;
  /** A release that was refused is offered again in each session, until it has come well. */
  readonly isOfferedAgain: boolean;
}

/**
 * What the application of a product does from its start on: it goes by what the update service
 * says, so that it takes up again whatever was cut.
 * @returns how it ends: the application resets the chip, or has nothing left to do
 */
export function runApplication(
  world: World,
  app: RunningApplication,
  { transport, patrols, isOfferedAgain }: ApplicationOptions,
): "reset" | "rest" {
  const { service } = app;
  let isOffered = isOfferedAgain;
  for (;;) {
    const { state } = service.query();
    switch (state) {
      case "TRIAL": {
        const result = selfTest(app);
        if (!result.ok) {
          service.reject(result.code, result.image, result.detail);
          return "reset";
        }
        service.accept();
        break;
      }
      case "STAGED":
      case "REJECTED":
      case "INSTALLING":
        return "reset";
      case "CANDIDATE":
        service.install();
        return "reset";
      case "WRITING":
        // What is half received may be another release than the one that is offered now.
        service.start(world.next.manifest);
        receive(world, service, transport);
        break;
      case "READY":
      case "UPDATED":
      case "FAILED": {
        const wish = wishOf(world, service, isOffered);
        if (state === "FAILED" && !transport.isAboutToFail) isOffered = false;
        if (wish === "rest") {
          if (patrols) service.patrol();
          return "rest";
        }
        if (wish === "switch-back") {
          service.switchBack();
          return "reset";
        }
        service.start(world.next.manifest);
        break;
      }
      default:
        state satisfies never;
    }
  }
}

/** What the application wants when no update is under way. */
function wishOf(
  world: World,
  service: UpdateService,
  isOfferedAgain: boolean,
): "rest" | "switch-back" | "update" {
  const { state, accepted, previous, reason } = service.query();
  if (isRelease(world.next, accepted?.id)) {
    return world.scenario.switchesBack && state === "UPDATED" ? "switch-back" : "rest";
  }
  const wasRepaired = reason?.step === "install" && reason.code === "primary-invalid";
  const mayBeGarbled = isOfferedAgain && reason?.step === "verify";
  const hasEnded = previous !== null || (state === "FAILED" && !wasRepaired && !mayBeGarbled);
  return hasEnded ? "rest" : "update";
}
