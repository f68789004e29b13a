// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import type { InvalidImage, SlotName } from "../boot-result.js";
import { error, info } from "./finding.js";
import type { Explained } from "./finding.js";
import type { SlotFacts } from "./slot-facts.js";
import { slotOf } from "./step-context.js";
import type { ReasonOf, StepContext } from "./step-context.js";

type InvalidStep = ReasonOf<"image-invalid">;

/** What the reason is, and how images of that kind are made right. */
interface Cause {
  readonly why: string;
  readonly change: string;
}

const UPLOAD = "upload the image again, whole, into an erased slot";
const REWRITE = "write a valid image to the slot, with a programmer or through serial recovery";
const SIGN = "sign the image with imgtool and the private key that belongs to this bootloader";

const CAUSES: Readonly<Record<InvalidImage, Cause>> = {
  "header-magic": {
    why: "the slot does not begin with an image header (magic 0x96f3b83d)",
    change: "upload the signed file (zephyr.signed.bin), not the raw binary or a hex file",
  },
  "header-size": {
    why: "the sizes in the header do not fit the slot",
    change: "check --header-size and --slot-size of imgtool against the partitions; upload again",
  },
  encrypted: {
    why: "the header says encrypted, and this bootloader cannot decrypt",
    change: "sign without --encrypt, or build MCUboot with encryption",
  },
  compressed: {
    why: "the header says compressed, and this bootloader cannot decompress",
    change: "sign without --compression, or build MCUboot with decompression",
  },
  "wrong-upload-address": {
    why: "an image stands in the first sector; swap using offset expects it in the second one",
    change:
      "upload to the start of the secondary slot plus one sector, as an application built " +
      "for swap using offset does",
  },
  "read-error": { why: "the flash cannot be read there", change: UPLOAD },
  "bad-tlv-area": {
    why: "there is no TLV area where header and image size say; mostly the upload was cut short",
    change: UPLOAD,
  },
  "too-large": {
    why: "image and TLVs reach into the sectors that the swap needs at the end of the slot",
    change:
      "make the image smaller or the slots larger: the end of the slot belongs to the " +
      "trailer, in swap using move and offset one more sector too",
  },
  "tlv-not-allowed": {
    why: "a TLV outside the protected area is of a type that MCUboot does not allow there",
    change:
      "make it protected (imgtool --custom-tlv does), or build without " +
      "MCUBOOT_USE_TLV_ALLOW_LIST",
  },
  "bad-hash-length": {
    why: "the hash TLV has the wrong length for this bootloader",
    change: "sign with the hash that MCUboot was built with",
  },
  "hash-mismatch": {
    why:
      "the hash of header, payload and protected TLVs is not the one in the hash TLV: some " +
      "byte changed after signing",
    change: UPLOAD,
  },
  "no-hash": { why: "there is no hash TLV of the kind that this bootloader checks", change: SIGN },
  "bad-key-length": { why: "the key hash TLV has the wrong length", change: SIGN },
  "bad-signature-length": {
    why: "the signature has the wrong length for the key type of this bootloader",
    change: SIGN,
  },
  "bad-signature": {
    why: "the signature does not fit any key of this bootloader: another key signed it",
    change: SIGN,
  },
  "no-signature": {
    why: "there is no signature by a key of this bootloader",
    change: SIGN,
  },
  "bad-security-counter-length": {
    why: "the security counter TLV is not four bytes long",
    change: SIGN,
  },
  "security-counter-unreadable": {
    why: "the device's security counter cannot be read",
    change: "provision the security counter of the device",
  },
  "security-counter-too-low": {
    why: "the image's security counter is below the device's",
    change: "sign with --security-counter at the device's value or above",
  },
  "no-security-counter": {
    why: "the image has no security counter, and this bootloader demands one",
    change: "sign with --security-counter",
  },
  "refused-by-hook": { why: "boot_image_check_hook refused it", change: "see the hook's own log" },
};

/** Slots that cannot be swapped leave no image any room, also not the one that runs. */
const NO_ROOM_AT_ALL: Cause = {
  why: "the slots do not fit each other, so that no size of image is allowed",
  change: "make both slots alike: equal sizes and sectors",
};

/**
 * Why an image is not valid.
 * @see MCUboot, boot/bootutil/src/image_validate.c, bootutil_loader.c
 */
export function explainInvalid(
  { slot, why, expected, found }: InvalidStep,
  image: number,
  context: StepContext,
): Explained {
  const facts = slotOf(context, image, slot);
  if (why === "header-magic") return explainNoHeader(slot, facts, context);
  const cause = why === "too-large" && expected === 0 ? NO_ROOM_AT_ALL : CAUSES[why];
  const numbers =
    expected === undefined || found === undefined ? "" : ` (expected ${expected}, found ${found})`;
  return error(
    `invalid/${why}`,
    consequence(slot, image, context),
    `${slot} slot: ${cause.why}${numbers}`,
    slot === "primary" && cause.change === UPLOAD ? REWRITE : cause.change,
  );
}

function consequence(slot: SlotName, image: number, context: StepContext): string {
  if (context.config.mode.startsWith("direct-xip")) return `does not start the ${slot} image`;
  if (slot === "primary") return "starts nothing from the primary slot";
  const version = slotOf(context, image, "secondary")?.header?.version;
  return `refuses ${version ?? "the image in the secondary slot"}`;
}

/** A slot that does not begin with the magic of an image, or of which MCUboot never read it. */
export function explainNoHeader(
  slot: SlotName,
  facts: SlotFacts | undefined,
  { config, slots }: StepContext,
): Explained {
  const isXip = config.mode.startsWith("direct-xip");
  if (isXip && facts?.isBlank === true) {
    return info("xip/blank", `finds nothing in the ${slot} slot`, "the slot is blank");
  }
  const does =
    slot === "primary" || isXip
      ? `starts nothing from the ${slot} slot`
      : "refuses what was uploaded";
  const most = Math.max(...slots.map(({ sectors }) => sectors));
  if (facts?.header != null && most > config.maxImgSectors) {
    return error(
      "slots/too-many-sectors",
      does,
      `a slot has ${most} sectors, and BOOT_MAX_IMG_SECTORS is ${config.maxImgSectors}: ` +
        "MCUboot gives up on the image before it reads its header",
      `build MCUboot with CONFIG_BOOT_MAX_IMG_SECTORS=${most} or more`,
    );
  }
  const { why, change } = CAUSES["header-magic"];
  const found = facts === undefined ? "" : `, but with ${hex(facts.magic, 8)}`;
  return error("invalid/header-magic", does, `${slot} slot: ${why}${found}`, change);
}
