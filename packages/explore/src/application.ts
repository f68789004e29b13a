// SPDX-License-Identifier: Apache-2.0
import { selfTest } from "@tandem/twin";
import type { RunningApplication } from "@tandem/twin";
import type { UpdateService } from "@tandem/update";

import { isRelease } from "./world.js";
import type { World } from "./world.js";

/**
 * What the application of a product does from its start on: it goes by what the update service
 * says, so that it takes up again whatever was cut.
 * @returns how it ends: the application resets the chip, or has nothing left to do
 */
export function runApplication(world: World, app: RunningApplication): "reset" | "rest" {
  const { service } = app;
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
        receive(world, service);
        break;
      case "READY":
      case "UPDATED":
      case "FAILED": {
        const wish = wishOf(world, service);
        if (wish === "rest") return "rest";
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
function wishOf(world: World, service: UpdateService): "rest" | "switch-back" | "update" {
  const { state, accepted, previous, reason } = service.query();
  if (isRelease(world.next, accepted?.id)) {
    return world.scenario.switchesBack && state === "UPDATED" ? "switch-back" : "rest";
  }
  const wasRepaired = reason?.step === "install" && reason.code === "primary-invalid";
  const hasEnded = previous !== null || (state === "FAILED" && !wasRepaired);
  return hasEnded ? "rest" : "update";
}

/** Downloads what is missing, and verifies. */
export function receive(world: World, service: UpdateService): void {
  const { fragmentBytes } = world.geometry;
  for (const [index, image] of world.next.images.entries()) {
    for (let at = service.receivedBytes(index); at < image.length; at += fragmentBytes) {
      service.write(index, at, image.subarray(at, at + fragmentBytes));
    }
  }
  service.finish();
}
