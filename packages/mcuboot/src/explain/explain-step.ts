// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import type { BootReason, BootStep, IncompatibleSlots } from "../boot-result.js";
import { explainRule } from "./explain-rule.js";
import { explainInvalid, explainNoHeader } from "./explain-validation.js";
import { explainSwapType } from "./explain-swap-type.js";
import { error, info, warning, whereIs } from "./finding.js";
import type { Explained, Finding } from "./finding.js";
import { isSwapMode, slotOf, versionOf } from "./step-context.js";
import type { ReasonOf, StepContext } from "./step-context.js";

/** A step of a boot in words: what, why, where in MCUboot, and what to change. */
export function explainStep(step: BootStep, context: StepContext): Finding {
  const { id, severity, does, why, change } = explainReason(step, step.image, context);
  return {
    id,
    image: step.image,
    severity,
    does,
    why,
    where: whereIs(step.source, context.config.mode),
    change,
  };
}

function explainReason(step: BootReason, image: number, context: StepContext): Explained {
  switch (step.reason) {
    case "swap-type":
      return explainSwapType(step, image, context);
    case "image-invalid":
      return explainInvalid(step, image, context);
    case "image-valid":
    case "slot-empty":
    case "not-bootable":
    case "trailer-erased":
    case "slot-erased":
    case "primary-bad-magic":
    case "wrong-image-address":
    case "headers-unreadable":
      return explainSlot(step, image, context);
    case "status-source":
    case "resumed":
    case "swap-type-from-status":
    case "slots-incompatible":
    case "no-room":
    case "revert-reviewed":
      return explainSwap(step);
    case "dependency-unmet":
    case "dependencies-unreadable":
    case "downgrade-refused":
    case "security-counter-updated":
    case "security-counter-failed":
    case "security-counter-waits":
      return explainRule(step, context);
    case "bootstrap":
    case "decided":
    case "updated-by-hook":
    case "overwritten":
    case "swapped":
    case "marked":
      return explainUpdate(step, image, context);
    case "slot-tried":
    case "slot-wrong-address":
    case "slot-unconfirmed":
    case "no-slot":
      return explainSlotChoice(step);
    case "refused-by-boot-go-hook":
    case "assertion":
    case "hang":
      return explainStop(step);
    default:
      return step satisfies never;
  }
}

function explainSlot(
  step: ReasonOf<
    | "image-valid"
    | "slot-empty"
    | "not-bootable"
    | "trailer-erased"
    | "slot-erased"
    | "primary-bad-magic"
    | "wrong-image-address"
    | "headers-unreadable"
  >,
  image: number,
  context: StepContext,
): Explained {
  switch (step.reason) {
    case "image-valid": {
      const checked = context.hasKeys
        ? "hash and signature are right"
        : "the hash is right; without keys, nobody's signature is asked for";
      const by = step.hooked ? "boot_image_check_hook accepted it" : checked;
      return info(`valid/${step.slot}`, `accepts the image in the ${step.slot} slot`, by);
    }
    case "slot-empty":
      return explainEmpty(step, image, context);
    case "not-bootable":
      return explainNotBootable(step, image, context);
    case "trailer-erased":
      return info(
        "clean/trailer",
        `erases the trailer of the ${step.slot} slot`,
        step.slot === "primary"
          ? "it asks for a revert without an image to go back to: the next boot must not ask again"
          : "the slot has nothing to install, and what its trailer says would keep new images out",
      );
    case "slot-erased":
      return warning(
        "clean/slot",
        `erases the ${step.slot} slot`,
        "its image was refused, and is not to be looked at again",
        null,
      );
    case "primary-bad-magic":
      return explainNoHeader("primary", slotOf(context, image, "primary"), context);
    case "wrong-image-address":
      return error(
        "invalid/address",
        "refuses the image in the secondary slot and erases it",
        `it is linked for ${hex(step.found)}, outside the primary slot (${hex(step.from)} to ${hex(step.to)})`,
        "build the image for the primary slot, or upload it to the slot of its own image",
      );
    case "headers-unreadable":
      return error(
        "slots/headers-unreadable",
        "installs nothing",
        "the image headers cannot be read, or a swap in progress has lost one of them",
        "write a signed image to the primary slot again",
      );
    default:
      return step satisfies never;
  }
}

function explainEmpty(
  { slot }: ReasonOf<"slot-empty">,
  image: number,
  context: StepContext,
): Explained {
  const facts = slotOf(context, image, slot);
  const what =
    facts?.isBlank === true ? "the slot is blank" : "the first word of the slot is erased";
  if (slot === "secondary") {
    return warning(
      "secondary/empty",
      "installs nothing from the secondary slot",
      `${what}: there is no image to install`,
      "upload the image before it is marked",
    );
  }
  if (context.config.bootstrap) {
    return info(
      "primary/empty-bootstrap",
      "finds nothing to start in the primary slot",
      `${what}; with MCUBOOT_BOOTSTRAP, a valid image in the secondary slot would go there`,
    );
  }
  return error(
    "primary/empty",
    `cannot start image ${image}`,
    `${what}: there is no image to start, and one image that is missing stops all of them`,
    "write a signed image to the primary slot, or build MCUboot with MCUBOOT_BOOTSTRAP",
  );
}

function explainNotBootable(
  { slot }: ReasonOf<"not-bootable">,
  image: number,
  context: StepContext,
): Explained {
  const facts = slotOf(context, image, slot);
  // MCUboot looks at the flag before it looks at the magic: other bytes may have that bit.
  if (facts?.header === null) return explainNoHeader(slot, facts, context);
  return error(
    "invalid/non-bootable",
    slot === "primary" ? "starts nothing from the primary slot" : `refuses ${versionOf(facts)}`,
    "its header has the flag NON_BOOTABLE",
    "sign without --non-bootable",
  );
}

const INCOMPATIBLE: Readonly<Record<IncompatibleSlots, string>> = {
  "too-many-sectors": "a slot has more sectors than BOOT_MAX_IMG_SECTORS",
  "different-sector-count": "the slots do not have the numbers of sectors that this mode needs",
  "different-sector-sizes": "sectors of one slot do not fit those of the other",
  "scratch-too-small": "the scratch area is smaller than a sector of the slots",
  "different-slot-sizes": "the slots differ in size",
};

function explainSwap(
  step: ReasonOf<
    | "status-source"
    | "resumed"
    | "swap-type-from-status"
    | "slots-incompatible"
    | "no-room"
    | "revert-reviewed"
  >,
): Explained {
  switch (step.reason) {
    case "status-source":
      return explainStatusSource(step);
    case "resumed":
      return warning(
        "swap/resumed",
        `goes on with a swap (${step.swapType}) that was cut`,
        `the swap status stops at ${step.op}, index ${step.idx}, state ${step.state}`,
        null,
      );
    case "swap-type-from-status":
      return info(
        "swap/restarted",
        `starts the swap (${step.swapType}) again`,
        "the swap info is written, but no sector has been moved yet",
      );
    case "slots-incompatible":
      return error(
        "slots/incompatible",
        "installs nothing, ever",
        INCOMPATIBLE[step.why],
        "make the partitions fit: equal slots (in swap using move and offset, one may have one " +
          "more sector), CONFIG_BOOT_MAX_IMG_SECTORS at least the sectors of the larger one",
      );
    case "no-room":
      return error(
        "swap/no-room",
        "marks the update as done without moving anything",
        `the swap needs ${step.needed} sectors, ${step.available} are there`,
        "make the image smaller or the slots larger",
      );
    case "revert-reviewed":
      return info(
        "swap/revert-reviewed",
        `does not go back with image ${step.reviewed}`,
        "power went between two images of one update: what looks like an unconfirmed trial is " +
          "the first half of this update",
      );
    default:
      return step satisfies never;
  }
}

function explainStatusSource({ status }: ReasonOf<"status-source">): Explained {
  if (status === "none") {
    return info("status/none", "finds no swap to go on with", "no trailer tells of one");
  }
  if (status === "scratch-of-other-image") {
    return info(
      "status/other-image",
      "leaves the status in the scratch area alone",
      "it belongs to the swap of another image",
    );
  }
  const where = status === "scratch" ? "the scratch area" : "the primary slot";
  return info(
    `status/${status}`,
    `reads the swap status in ${where}`,
    "its trailer tells of a swap",
  );
}

function explainUpdate(
  step: ReasonOf<
    "bootstrap" | "decided" | "updated-by-hook" | "overwritten" | "swapped" | "marked"
  >,
  image: number,
  context: StepContext,
): Explained {
  switch (step.reason) {
    case "bootstrap":
      return warning(
        "update/bootstrap",
        `copies ${versionOf(slotOf(context, image, "secondary"))} to the primary slot`,
        "the primary image is missing or not valid, the secondary one is valid, and MCUboot is " +
          "built with MCUBOOT_BOOTSTRAP",
        null,
      );
    case "decided":
      return explainDecided(step);
    case "updated-by-hook":
      return info(
        "update/hook",
        "lets a hook install the image",
        "boot_perform_update_hook did it, in place of MCUboot",
      );
    case "overwritten":
      return info(
        "update/overwritten",
        `copies ${step.size} bytes over the primary slot`,
        "the secondary slot loses its image with it",
      );
    case "swapped":
      return info(
        "update/swapped",
        `exchanges ${step.size} bytes between the slots`,
        "the other slot keeps the image that ran before",
      );
    case "marked":
      return info(
        `marked/${step.flag}`,
        `sets ${step.flag} in the ${step.slot} trailer`,
        step.flag === "image_ok"
          ? "nothing is to be undone at the next boot"
          : isSwapMode(context.config)
            ? "the swap is complete; without image_ok, the next boot undoes it"
            : "the image has been chosen once; without image_ok, the next boot erases it",
      );
    default:
      return step satisfies never;
  }
}

function explainDecided({ swapType }: ReasonOf<"decided">): Explained {
  const does =
    swapType === "none" ? "leaves this image as it is" : `carries the update out (${swapType})`;
  return info(`decided/${swapType}`, does, "the swap type after validation and dependencies");
}

function explainSlotChoice(
  step: ReasonOf<"slot-tried" | "slot-wrong-address" | "slot-unconfirmed" | "no-slot">,
): Explained {
  switch (step.reason) {
    case "slot-tried":
      return info(
        "xip/tried",
        `tries the ${step.slot} slot with ${step.version}`,
        "of the slots that are left it has the highest version; the primary one wins a tie",
      );
    case "slot-wrong-address":
      return error(
        "xip/wrong-address",
        `leaves out the ${step.slot} slot`,
        `its image has the flag ROM_FIXED and was built for ${hex(step.found)}`,
        "upload the image that was built for that slot",
      );
    case "slot-unconfirmed":
      return step.state.magic === "good"
        ? error(
            "xip/unconfirmed",
            `erases the ${step.slot} slot`,
            "trailer: copy_done set, image_ok not set: it was started before and never confirmed",
            "confirm the image while it runs: boot_write_img_confirmed()",
          )
        : error(
            "xip/not-marked",
            `erases the ${step.slot} slot`,
            "trailer: no magic; direct-xip with revert takes that for a failed image",
            "write images with a trailer: imgtool --pad, and --confirm for the first one",
          );
    case "no-slot":
      return error(
        "xip/no-slot",
        "starts nothing",
        "no slot is left with an image to start",
        "write a signed image that was built for one of the slots",
      );
    default:
      return step satisfies never;
  }
}

function explainStop(step: ReasonOf<"refused-by-boot-go-hook" | "assertion" | "hang">): Explained {
  switch (step.reason) {
    case "refused-by-boot-go-hook":
      return error("stop/hook", "starts nothing", "boot_go_hook said FIH_FAILURE", null);
    case "assertion":
      return error(
        "stop/assertion",
        "stops with an assertion and starts nothing",
        `it takes for granted: ${step.what}`,
        "resets do not help, every boot ends like this: erase the secondary slot of this image with " +
          "a programmer, or write its slots anew",
      );
    case "hang":
      return error(
        "stop/hang",
        "never ends this boot",
        step.what,
        "only a watchdog or a reset ends it: take away what it waits for",
      );
    default:
      return step satisfies never;
  }
}
