// SPDX-License-Identifier: Apache-2.0
import { compareVersions, parseVersion } from "@tandem/image";

import { BOOT_SWAP_TYPE_REVERT } from "../swap-types.js";
import { error, info, warning } from "./finding.js";
import type { Explained } from "./finding.js";
import type { HeaderFacts, SlotFacts } from "./slot-facts.js";
import { isSwapMode, slotOf, versionOf } from "./step-context.js";
import type { ReasonOf, StepContext } from "./step-context.js";

type SwapTypeStep = ReasonOf<"swap-type">;

const MARK =
  "mark it: boot_request_upgrade() in the application, `image test HASH` over MCUmgr, or a file " +
  "made by imgtool with --pad";

/**
 * Which row of `boot_swap_tables` the trailers of an image met, or why they met none.
 * @see MCUboot, boot/bootutil/src/bootutil_public.c, boot_swap_tables
 */
export function explainSwapType(
  step: SwapTypeStep,
  image: number,
  context: StepContext,
): Explained {
  const primary = slotOf(context, image, "primary");
  const secondary = slotOf(context, image, "secondary");
  const from = versionOf(primary);
  const to = secondary?.header?.version ?? "what stands in the secondary slot, which is no image,";
  switch (step.swapType) {
    case "test":
      return explainTest(from, to, context);
    case "perm":
      return info(
        "swap/perm",
        `wants to install ${to} over ${from} for good`,
        "secondary trailer: magic good, image_ok set: a permanent update",
      );
    case "revert":
      return explainRevert(step, from, to);
    case "none":
    case "fail":
    case "panic":
    case "unknown":
      return explainNone(step, primary, secondary);
    default:
      return step.swapType satisfies never;
  }
}

function explainTest(from: string, to: string, { config }: StepContext): Explained {
  const why = "secondary trailer: magic good, image_ok not set: an update on trial";
  if (isSwapMode(config)) {
    return info("swap/test", `wants to install ${to} over ${from} on trial`, why);
  }
  return warning(
    "overwrite/test",
    `wants to install ${to} over ${from}, with no way back`,
    `${why}; overwrite mode keeps no copy of the old image, so the trial is final`,
    "use a swap mode if an update must be able to go back",
  );
}

function explainRevert(step: SwapTypeStep, from: string, to: string): Explained {
  const fromSecondary = step.secondary.copyDone === "set" && step.secondary.magic === "good";
  const trailer = fromSecondary ? "secondary" : "primary";
  return warning(
    "swap/revert",
    `wants to go back from ${from} to ${to}`,
    `${trailer} trailer: magic good, copy_done set, image_ok not set: the trial was never confirmed`,
    "to keep the new image, confirm it while it runs: boot_write_img_confirmed(), or " +
      "`image confirm` over MCUmgr; then update again",
  );
}

function explainNone(
  step: SwapTypeStep,
  primary: SlotFacts | undefined,
  secondary: SlotFacts | undefined,
): Explained {
  const { magic, imageOk } = step.secondary;
  if (magic === "bad") return explainBadMagic(secondary);
  if (magic === "good" && imageOk === "bad") {
    return error(
      "none/bad-image-ok",
      "installs nothing",
      "secondary trailer: magic good, but image_ok is neither 0x01 nor erased: no row of " +
        "boot_swap_tables takes it",
      "erase the secondary slot and upload the image again",
    );
  }
  return secondary?.header == null
    ? explainQuiet(step)
    : explainUnmarked(step, primary, secondary.header);
}

/** An image in the secondary slot that nothing asks for: new, or what the last swap put there. */
function explainUnmarked(
  { primary: state }: SwapTypeStep,
  primary: SlotFacts | undefined,
  candidate: HeaderFacts,
): Explained {
  const does = `installs nothing; ${candidate.version} stays in the secondary slot`;
  const isSwapped = state.magic === "good" && state.copyDone === "set" && state.imageOk === "set";
  if (isSwapped && state.swapType === BOOT_SWAP_TYPE_REVERT) {
    return warning(
      "none/taken-back",
      does,
      "primary trailer: the last swap was a revert, which put it there; the secondary trailer " +
        "does not ask for it again",
      "find out why it did not confirm itself (boot_write_img_confirmed()), then upload and mark " +
        "it again",
    );
  }
  if (isSwapped && !isNewer(candidate, primary?.header ?? null)) {
    return info(
      "none/confirmed",
      does,
      "primary trailer: copy_done and image_ok set: the update is confirmed, and the other slot " +
        "holds the image that ran before",
    );
  }
  return warning(
    "none/not-marked",
    does,
    "secondary trailer: no magic, so the image was never marked for an update",
    `to install it, ${MARK}`,
  );
}

function isNewer(a: HeaderFacts, b: HeaderFacts | null): boolean {
  return b !== null && compareVersions(parseVersion(a.version), parseVersion(b.version)) > 0;
}

function explainBadMagic(secondary: SlotFacts | undefined): Explained {
  const foreign = secondary?.trailer.foreignMagic ?? null;
  if (foreign !== null) {
    return error(
      "none/foreign-magic",
      "installs nothing",
      `secondary trailer: the magic of a build with BOOT_MAX_ALIGN ${foreign}, not of this one`,
      "give imgtool, application and MCUboot the same alignment (--align, --max-align, " +
        "CONFIG_MCUBOOT_BOOT_MAX_ALIGN), erase the slot and upload again",
    );
  }
  return error(
    "none/bad-magic",
    "installs nothing, and an application cannot mark an update",
    "secondary trailer: other bytes where the magic belongs, mostly of an old or too large image",
    "erase the secondary slot before uploading; check that the image leaves room for the trailer",
  );
}

function explainQuiet({ primary, hooked }: SwapTypeStep): Explained {
  if (hooked) {
    return info(
      "none/hooked",
      "installs nothing",
      "no update is marked; boot_read_swap_state_primary_slot_hook supplied the primary trailer",
    );
  }
  if (primary.magic === "good" && primary.imageOk === "unset") {
    return info(
      "none/preinstalled",
      "installs nothing",
      "primary trailer: magic good, but copy_done not set: written by a programmer, not by a " +
        "swap, so there is nothing to go back to",
    );
  }
  if (primary.magic === "good" && primary.imageOk === "set") {
    return info("none/confirmed", "installs nothing", "primary trailer: image_ok set: confirmed");
  }
  if (primary.magic === "bad") {
    return warning(
      "none/primary-bad-magic",
      "installs nothing",
      "primary trailer: other bytes where the magic belongs; it counts as no trailer",
      "the image in the primary slot cannot be confirmed: write it again with its slot erased",
    );
  }
  return info("none/nothing-pending", "installs nothing", "neither trailer asks for anything");
}
