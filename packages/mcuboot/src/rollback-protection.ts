// SPDX-License-Identifier: Apache-2.0
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { tell } from "./loader-state.js";
import { bootutilGetImgSecurityCnt } from "./security-counter-tlv.js";
import { refuseDowngrade, startOffsetOf, versionsOf } from "./validate-slot.js";
import { bootCompareVersion } from "./compare-version.js";

/**
 * `boot_update_security_counter`: hands the counter of the image in `slot` to the device, read by
 * the header that is in memory for `headerSlot`. True also in builds without counters.
 * @see MCUboot, boot/bootutil/src/bootutil_loader.c
 */
export function bootUpdateSecurityCounter(
  state: LoaderState,
  image: LoaderImage,
  slot: LoaderSlot,
  headerSlot: LoaderSlot,
): boolean {
  const { securityCounter } = state;
  if (securityCounter === null || securityCounter.isRequired?.(image.index) === false) return true;
  const source = "boot_update_security_counter";
  const start = startOffsetOf(image, slot);
  const counter = bootutilGetImgSecurityCnt(headerSlot.header, slot.area, start);
  if (counter === null || !securityCounter.update(image.index, counter)) {
    tell(state, image.index, source, { reason: "security-counter-failed" });
    return false;
  }
  tell(state, image.index, source, { reason: "security-counter-updated", counter });
  return true;
}

/**
 * `check_downgrade_prevention` of swap modes: true when the secondary may not be installed; it is
 * erased then.
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function isDowngradePrevented(state: LoaderState, image: LoaderImage): boolean {
  const { mode, downgradePrevention, downgradeExempt } = state.config;
  if (mode === "overwrite" || downgradeExempt.includes(image.index)) return false;
  const [primary, secondary] = image.slots;
  if (downgradePrevention === "version") {
    const order = bootCompareVersion(
      state.config,
      secondary.header.version,
      primary.header.version,
    );
    if (order >= 0) return false;
    refuseDowngrade(state, image, "version", versionsOf(image));
    return true;
  }
  if (downgradePrevention === "none") return false;
  const counterOf = (slot: LoaderSlot): number | null =>
    bootutilGetImgSecurityCnt(slot.header, slot.area, startOffsetOf(image, slot));
  const running = counterOf(primary);
  if (running === null) return false;
  const candidate = counterOf(secondary);
  if (candidate !== null && candidate >= running) return false;
  const found = { primary: String(running), secondary: String(candidate ?? "none") };
  refuseDowngrade(state, image, "security-counter", found);
  return true;
}
