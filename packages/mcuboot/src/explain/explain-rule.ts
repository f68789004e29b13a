// SPDX-License-Identifier: Apache-2.0
import { error, info } from "./finding.js";
import type { Explained } from "./finding.js";
import { slotOf } from "./step-context.js";
import type { ReasonOf, StepContext } from "./step-context.js";

const MADE_UP =
  ", a version that stands in neither slot: a hook makes the header up, as NCS does for the " +
  "network core of an nRF5340, and no image that is installed counts";

function isMadeUp({ needs, found }: ReasonOf<"dependency-unmet">, context: StepContext): boolean {
  const slots = [
    slotOf(context, needs.image, "primary"),
    slotOf(context, needs.image, "secondary"),
  ];
  return found === "0.0.0" && slots.every((facts) => facts?.header?.version !== found);
}

/**
 * What rules beside the trailers decide: dependencies, downgrade prevention, security counters.
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function explainRule(
  step: ReasonOf<
    | "dependency-unmet"
    | "dependencies-unreadable"
    | "downgrade-refused"
    | "security-counter-updated"
    | "security-counter-failed"
    | "security-counter-waits"
  >,
  context: StepContext,
): Explained {
  const stopsAll = context.config.unmetDependency === "stops-all";
  switch (step.reason) {
    case "dependency-unmet":
      return error(
        "dependency/unmet",
        stopsAll ? "holds back the updates of all images" : "holds back the update of this image",
        `the ${step.slot} image needs image ${step.needs.image} at ${step.needs.atLeast} or ` +
          `above, and ${step.found} would run${isMadeUp(step, context) ? MADE_UP : ""}`,
        `install image ${step.needs.image} ${step.needs.atLeast} at the same boot: upload and ` +
          "mark both; or sign without that dependency",
      );
    case "dependencies-unreadable":
      // sdk-mcuboot looks at what it can read, and lets the update go on.
      if (!stopsAll) {
        return info(
          "dependency/none-read",
          "goes on without looking at dependencies",
          `the TLVs of the ${step.slot} image cannot be read`,
        );
      }
      return error(
        "dependency/unreadable",
        "holds back the updates of all images",
        `the dependencies of the ${step.slot} image cannot be read, or name an image that this ` +
          "bootloader does not have",
        'sign again with --dependencies "(INDEX, VERSION)" and an index that exists',
      );
    case "downgrade-refused":
      return error(
        `downgrade/${step.by}`,
        "refuses the image in the secondary slot and erases it",
        step.by === "version"
          ? `version ${step.secondary} is older than ${step.primary} in the primary slot`
          : `security counter ${step.secondary} is below ${step.primary} in the primary slot`,
        step.by === "version"
          ? "sign with a higher version, or build without MCUBOOT_DOWNGRADE_PREVENTION"
          : "sign with a higher --security-counter",
      );
    case "security-counter-updated":
      return info(
        "counter/updated",
        `hands ${step.counter} to the device's security counter`,
        "the image is installed for good; images with a lower counter will not start again",
      );
    case "security-counter-failed":
      return error(
        "counter/failed",
        "starts nothing",
        "the security counter of the device could not be raised",
        "check the storage of the security counters",
      );
    case "security-counter-waits":
      return info(
        "counter/waits",
        "leaves the device's security counter as it is",
        "the image is on trial: the counter rises at the first boot after it is confirmed",
      );
    default:
      return step satisfies never;
  }
}
