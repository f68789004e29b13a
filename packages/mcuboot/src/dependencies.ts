// SPDX-License-Identifier: Apache-2.0
import { IMAGE_TLV_DEPENDENCY, formatVersion, parseDependency } from "@tandem/image";

import type { BootReason } from "./boot-result.js";
import { bootCompareVersion } from "./compare-version.js";
import { flashAreaRead } from "./flash-map.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { findTlvAreas, iterateTlvs } from "./tlv-iterator.js";
import { SLOT_NAMES, startOffsetOf } from "./validate-slot.js";

/** `sizeof(struct image_dependency)`, bytes. */
const DEPENDENCY_SIZE = 12;

/** Tells which slot of an image would run after this boot. */
export type RunningSlot = (image: LoaderImage) => LoaderSlot;

/**
 * `boot_verify_slot_dependencies`: whether everything that the image in a slot depends on would
 * run beside it: the reason why not, or null. Adds it to the report.
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function bootVerifySlotDependencies(
  state: LoaderState,
  image: LoaderImage,
  slot: LoaderSlot,
  running: RunningSlot,
): BootReason["reason"] | null {
  const unmet = findUnmet(state, image, slot, running);
  if (unmet === null) return null;
  tell(state, image.index, "boot_verify_slot_dependencies", unmet);
  return unmet.reason;
}

function findUnmet(
  state: LoaderState,
  image: LoaderImage,
  slot: LoaderSlot,
  running: RunningSlot,
): BootReason | null {
  const name = SLOT_NAMES[slot.slot];
  const unreadable = { reason: "dependencies-unreadable", slot: name } as const;
  const { area, header } = slot;
  const areas = findTlvAreas(header, area, startOffsetOf(image, slot));
  if (areas === null) return unreadable;
  for (const tlv of iterateTlvs(areas, header, area)) {
    if (tlv === null) return unreadable;
    if (!tlv.isProtected) break;
    if (tlv.type !== IMAGE_TLV_DEPENDENCY) continue;
    const value =
      tlv.length === DEPENDENCY_SIZE ? flashAreaRead(area, tlv.offset, DEPENDENCY_SIZE) : null;
    if (value === null) return unreadable;
    const { imageIndex, minVersion } = parseDependency(value);
    const needed = state.images[imageIndex];
    if (needed === undefined) return unreadable;
    const { version } = running(needed).header;
    if (bootCompareVersion(state.config, version, minVersion) >= 0) continue;
    return {
      reason: "dependency-unmet",
      slot: name,
      needs: { image: imageIndex, atLeast: formatVersion(minVersion) },
      found: formatVersion(version),
    };
  }
  return null;
}
