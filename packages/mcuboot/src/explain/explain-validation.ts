// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import type { BootReason, InvalidImage, SlotName } from "../boot-result.js";
import { error } from "./finding.js";
import type { Explained } from "./finding.js";
import { slotOf } from "./step-context.js";
import type { StepContext } from "./step-context.js";

type InvalidStep = Extract<BootReason, { reason: "image-invalid" }>;

/** What the reason is, and how images of that kind are made right. */
interface Cause {
  readonly why: string;
  readonly change: string;
}

const UPLOAD = "upload the image again, whole, into an erased slot";
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

/**
 * Why an image is not valid.
 * @see MCUboot, boot/bootutil/src/image_validate.c, bootutil_loader.c
 */
export function explainInvalid(
  { slot, why, expected, found }: InvalidStep,
  image: number,
  context: StepContext,
): Explained {
  const cause = CAUSES[why];
  const numbers =
    expected === undefined || found === undefined
      ? ""
      : ` (expected ${shown(why, expected)}, found ${shown(why, found)})`;
  return error(
    `invalid/${why}`,
    consequence(slot, image, context),
    `${slot} slot: ${cause.why}${numbers}`,
    cause.change,
  );
}

function consequence(slot: SlotName, image: number, context: StepContext): string {
  if (context.config.mode.startsWith("direct-xip")) return `does not start the ${slot} image`;
  if (slot === "primary") return "starts nothing from the primary slot";
  const version = slotOf(context, image, "secondary")?.header?.version;
  return `refuses ${version ?? "the image in the secondary slot"}`;
}

/** Magics and flags are read in hex, sizes and counters in decimal. */
function shown(why: InvalidImage, value: number): string {
  return why === "header-magic" ? hex(value, 8) : String(value);
}
