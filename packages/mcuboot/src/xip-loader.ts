// SPDX-License-Identifier: Apache-2.0
import { IMAGE_F_ROM_FIXED, formatVersion } from "@tandem/image";

import { BootStop, bootAssert } from "./boot-stop.js";
import { bootCompareVersion } from "./compare-version.js";
import { bootVerifySlotDependencies } from "./dependencies.js";
import { bootScrambleRegion } from "./erase.js";
import { BOOT_HOOK_REGULAR } from "./hooks.js";
import { bootReadImageHeaders } from "./image-headers.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderSlot, LoaderState } from "./loader-state.js";
import { bootUpdateSecurityCounter } from "./rollback-protection.js";
import { DIRECT_XIP } from "./strategies.js";
import { bootReadSwapState, bootWriteCopyDone } from "./trailer.js";
import type { SwapState } from "./trailer.js";
import { SLOT_NAMES, bootValidateSlot, headerProblem } from "./validate-slot.js";

/** `struct slot_usage_t` of one image. */
interface SlotUsage {
  readonly image: LoaderImage;
  readonly available: [boolean, boolean];
  active: LoaderSlot | null;
  /** Trailer of the active slot, with revert only. */
  swapState: SwapState | null;
}

/**
 * `context_boot_go` of direct-xip builds: the newest valid image of each pair runs where it is.
 * @returns the active slot of image 0, or null when an image has none
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function xipBootGo(state: LoaderState): LoaderSlot | null {
  const usages: SlotUsage[] = [];
  for (const image of state.images) {
    state.current = image.index;
    const usage = bootGetSlotUsage(state, image);
    if (usage === null) return null;
    usages.push(usage);
  }
  do {
    if (!usages.every((usage) => bootLoadAndValidate(state, usage))) return null;
  } while (usages.length > 1 && !bootVerifyDependencies(state, usages));
  for (const usage of usages) {
    if (!updateRollbackProtection(state, usage)) return null;
  }
  return usages[0]?.active ?? null;
}

/** `boot_get_slot_usage`: slots with a header that makes sense. */
function bootGetSlotUsage(state: LoaderState, image: LoaderImage): SlotUsage | null {
  const source = "boot_get_slot_usage";
  if (!bootReadImageHeaders(state, image, DIRECT_XIP, { requireAll: false, status: null })) {
    tell(state, image.index, source, { reason: "headers-unreadable" });
    return null;
  }
  const isAvailable = (slot: LoaderSlot): boolean => {
    const problem = headerProblem(slot);
    const name = SLOT_NAMES[slot.slot];
    if (problem === null) return true;
    tell(state, image.index, source, { reason: "image-invalid", slot: name, ...problem });
    return false;
  };
  const available: [boolean, boolean] = [isAvailable(image.slots[0]), isAvailable(image.slots[1])];
  return { image, available, active: null, swapState: null };
}

/** `boot_load_and_validate_images` for one image: tries slots until one is good. */
function bootLoadAndValidate(state: LoaderState, usage: SlotUsage): boolean {
  const { image } = usage;
  state.current = image.index;
  while (usage.active === null) {
    const slot = nextSlot(state, usage);
    if (slot === null) {
      tell(state, image.index, "boot_load_and_validate_images", { reason: "no-slot" });
      return false;
    }
    const name = SLOT_NAMES[slot.slot];
    const version = formatVersion(slot.header.version);
    const source = "find_slot_with_highest_version";
    tell(state, image.index, source, { reason: "slot-tried", slot: name, version });
    if (isUsable(state, usage, slot)) usage.active = slot;
    else usage.available[slot.slot] = false;
  }
  return true;
}

function nextSlot(state: LoaderState, { image, available }: SlotUsage): LoaderSlot | null {
  const wish = state.hooks.boot_find_next_slot_hook?.(image.index) ?? BOOT_HOOK_REGULAR;
  if (wish !== BOOT_HOOK_REGULAR) {
    if (wish.activeSlot === null) return null;
    // A slot that has failed fails again: MCUboot asks the hook for ever.
    if (available[wish.activeSlot]) return image.slots[wish.activeSlot];
    const source = "boot_load_and_validate_images";
    throw new BootStop("hang", source, "boot_find_next_slot_hook insists on a slot that failed");
  }
  const [primary, secondary] = image.slots;
  if (!available[1]) return available[0] ? primary : null;
  if (!available[0]) return secondary;
  const { header } = secondary;
  const isNewer = bootCompareVersion(state.config, header.version, primary.header.version) > 0;
  return isNewer ? secondary : primary;
}

function isUsable(state: LoaderState, usage: SlotUsage, slot: LoaderSlot): boolean {
  const { image } = usage;
  const { header, area } = slot;
  // boot_rom_address_check
  if ((header.flags & IMAGE_F_ROM_FIXED) !== 0 && header.loadAddress !== area.offset) {
    const [name, found] = [SLOT_NAMES[slot.slot], header.loadAddress];
    const reason = { reason: "slot-wrong-address", slot: name, found } as const;
    tell(state, image.index, "boot_rom_address_check", reason);
    return false;
  }
  const needsTrailer = state.config.mode === "direct-xip-revert";
  if (needsTrailer && !bootSelectOrErase(state, usage, slot)) return false;
  const question = { status: null, expectedSwapType: 0 };
  return bootValidateSlot(state, image, slot, DIRECT_XIP, question);
}

/**
 * `boot_select_or_erase`: an image that was started before and has not confirmed itself is
 * erased; one that starts for the first time is marked.
 */
function bootSelectOrErase(state: LoaderState, usage: SlotUsage, slot: LoaderSlot): boolean {
  const { area, trailer } = slot;
  const source = "boot_select_or_erase";
  const found = bootReadSwapState(trailer);
  usage.swapState = found;
  const name = SLOT_NAMES[slot.slot];
  if (found.magic !== "good" || (found.copyDone === "set" && found.imageOk !== "set")) {
    const unconfirmed = { reason: "slot-unconfirmed", slot: name, state: found } as const;
    tell(state, usage.image.index, source, unconfirmed);
    const erased = bootScrambleRegion(area, 0, area.size, false);
    bootAssert(erased, source, "the slot is erased");
    tell(state, usage.image.index, source, { reason: "slot-erased", slot: name });
    return false;
  }
  if (found.copyDone !== "set" && bootWriteCopyDone(trailer)) {
    const marked = { reason: "marked", flag: "copy_done", slot: name } as const;
    tell(state, usage.image.index, source, marked);
  }
  return true;
}

/** `boot_verify_dependencies`: a slot whose image lacks something is given up. */
function bootVerifyDependencies(state: LoaderState, usages: readonly SlotUsage[]): boolean {
  const running = (image: LoaderImage): LoaderSlot => usages[image.index]?.active ?? image.slots[0];
  for (const usage of usages) {
    const { image, active } = usage;
    state.current = image.index;
    if (active === null || bootVerifySlotDependencies(state, image, active, running) === null) {
      continue;
    }
    usage.available[active.slot] = false;
    usage.active = null;
    return false;
  }
  return true;
}

/** `boot_update_hw_rollback_protection`: with revert, only a confirmed image raises the counter. */
function updateRollbackProtection(
  state: LoaderState,
  { image, active, swapState }: SlotUsage,
): boolean {
  if (active === null || state.securityCounter === null) return true;
  if (state.config.mode === "direct-xip-revert" && swapState?.imageOk !== "set") {
    const source = "boot_update_hw_rollback_protection";
    tell(state, image.index, source, { reason: "security-counter-waits" });
    return true;
  }
  return bootUpdateSecurityCounter(state, image, active, active);
}
