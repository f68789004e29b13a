// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import { checkB0nImage, checkLinkAddress, readVectorTable } from "@tandem/image";

import { firmwareStart } from "./layout.js";
import type { CoreLayout } from "./layout.js";

/**
 * Why firmware does not fit its core:
 * - `wrong-core`: it is linked for another core of the layout
 * - `base-address`: the HEX file begins elsewhere than the firmware will stand
 * - `reset-vector`: the reset handler lies outside the slot
 * - `fw-info`: b0n would refuse it
 * - `too-large`: it does not fit the slot, whatever it is linked for
 */
export type LinkProblemCode =
  | "wrong-core"
  | "base-address"
  | "reset-vector"
  | "fw-info"
  | "too-large";

export interface LinkProblem {
  readonly code: LinkProblemCode;
  /** Index of the image. */
  readonly image: number;
  readonly core: string;
  /** File, address, offset, found and expected. */
  readonly message: string;
}

/** Firmware of one core before or after signing. */
export interface LinkedFirmware {
  /** File name, for messages. */
  readonly name: string;
  /** What the core runs, without MCUboot's header and TLVs. */
  readonly payload: Uint8Array;
  /** Where the payload stands by its HEX file; null when the file does not say. */
  readonly baseAddress: number | null;
  /** Bytes of MCUboot's header. */
  readonly headerSize: number;
  /** Bytes of the signed image; null before signing. */
  readonly imageBytes: number | null;
}

/**
 * Whether every image is linked for the place where it will stand. Image i is checked against
 * `layout[i]`.
 */
export function checkLinks(
  images: readonly LinkedFirmware[],
  layout: readonly CoreLayout[],
  crypto: Crypto,
): readonly LinkProblem[] {
  return images.flatMap((firmware, index) => {
    const core = layout[index];
    return core === undefined ? [] : checkImage(firmware, index, core, layout, crypto);
  });
}

function checkImage(
  firmware: LinkedFirmware,
  image: number,
  core: CoreLayout,
  layout: readonly CoreLayout[],
  crypto: Crypto,
): readonly LinkProblem[] {
  const problems: LinkProblem[] = [];
  const add = (code: LinkProblemCode, message: string): void => {
    problems.push({ code, image, core: core.core, message: `${firmware.name}: ${message}` });
  };
  const other = otherCore(firmware, core, layout);
  if (other !== null) add("wrong-core", other);
  const tooLarge = sizeComplaint(firmware, core);
  if (tooLarge !== null) add("too-large", tooLarge);
  // Whatever else there is to say of another core's firmware only hides what went wrong.
  if (other !== null) return problems;

  const start = firmwareStart(core, firmware.headerSize);
  if (firmware.baseAddress !== null && firmware.baseAddress !== start) {
    const found = hex(firmware.baseAddress, 8);
    add("base-address", `first byte at address ${found}, expected ${hex(start, 8)}`);
  }
  const link = checkLinkAddress(firmware.payload, { start, end: core.slot.end });
  if (link !== null) add("reset-vector", link.message);
  if (core.needsFwInfo) {
    const refused = checkB0nImage(firmware.payload, core.slot.start, crypto);
    if (refused !== null) add("fw-info", refused.message);
  }
  return problems;
}

function sizeComplaint(firmware: LinkedFirmware, core: CoreLayout): string | null {
  const { payload, headerSize, imageBytes } = firmware;
  const used = payload.length + (core.headerInSlot ? headerSize : 0);
  const room = core.slot.end - core.slot.start;
  const where = `slot of the ${core.core} core at ${hex(core.slot.start, 8)}`;
  if (used > room) return `${used} bytes for the ${where}, expected at most ${room}`;
  if (imageBytes === null || imageBytes <= core.maxImageBytes) return null;
  return `signed image of ${imageBytes} bytes for the ${where}, expected at most ${core.maxImageBytes}`;
}

/** Names the core that the firmware is linked for when it is not this one. */
function otherCore(
  firmware: LinkedFirmware,
  core: CoreLayout,
  layout: readonly CoreLayout[],
): string | null {
  const reset = readVectorTable(firmware.payload)?.resetVector;
  if (reset === undefined) return null;
  const inFlash = ({ flash }: CoreLayout): boolean => reset >= flash.start && reset < flash.end;
  if (inFlash(core)) return null;
  const owner = layout.find(inFlash);
  if (owner === undefined) return null;
  return (
    `reset vector at 0x4: ${hex(reset, 8)}, firmware of the ${owner.core} core, ` +
    `expected firmware of the ${core.core} core`
  );
}
