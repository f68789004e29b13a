// SPDX-License-Identifier: Apache-2.0
import type { NorChip } from "@tandem/flash";
import { IMAGE_HEADER_LAYOUT } from "@tandem/image";
import { BOOT_SWAP_TYPE_FAIL, BOOT_SWAP_TYPE_NONE, swapEraseTrailerSectors } from "@tandem/mcuboot";
import type { BootFlashArea, BootHooks } from "@tandem/mcuboot";

import { MEMORY_MAP } from "../nrf5340/memory-map.js";
import type { FlashSlot } from "../nrf5340/memory-map.js";
import { McuReset } from "../signals.js";
import type { NcsBuild } from "./ncs-build.js";
import { pcdVersionCmpNet } from "./nrf53-hooks.js";
import type { Pcd } from "./pcd.js";

/** A device whose two cores are updated one after the other, through one secondary slot. */
export interface SequentialUpdateOptions {
  readonly build: NcsBuild;
  /** Internal flash of the application core, from address 0. */
  readonly appFlash: NorChip;
  /** b0n's slot in the network core's flash. */
  readonly netSlot: FlashSlot;
  readonly pcd: Pcd;
}

/**
 * Firmware for the network core in the application's secondary slot: MCUboot knows it by its
 * reset vector and has b0n fetch it from the slot. It takes the slot's offset for an address, which
 * is right for internal flash alone.
 * @throws {McuReset} soft, when the slot's offset is no address at all: a bus fault in MCUboot
 * @see sdk-mcuboot, boot/bootutil/src/loader.c, boot_validated_swap_type
 */
export function sequentialUpdateHook(
  options: SequentialUpdateOptions,
): NonNullable<BootHooks["sdk_validated_swap_type_hook"]> {
  const { build, netSlot } = options;
  const start = MEMORY_MAP.netFlashBase + netSlot.start;
  return (_imageIndex, swapType, header, secondary) => {
    const resetVector = readWord(secondary, header.headerSize + 4);
    if (resetVector < start || resetVector >= start + netSlot.sizeBytes) return swapType;
    const isInstalled = install(options, secondary);
    const keepsCandidate = build.behaviours.has("keeps-sequential-candidate");
    if (!keepsCandidate) dropCandidate(build, secondary);
    // Older releases erase the trailer where it would be a swap, and only after a success.
    else if (isInstalled && build.mode !== "overwrite") dropCandidate(build, secondary);
    return isInstalled ? BOOT_SWAP_TYPE_NONE : BOOT_SWAP_TYPE_FAIL;
  };
}

function install(options: SequentialUpdateOptions, secondary: BootFlashArea): boolean {
  const { build, pcd, appFlash } = options;
  const bytes = readMemory(appFlash, secondary.offset, IMAGE_HEADER_LAYOUT.size);
  if (bytes === null) throw new McuReset("soft");
  const header = IMAGE_HEADER_LAYOUT.parse(bytes);
  const checksVersion =
    build.downgradePrevention &&
    build.readsNetVersion &&
    !build.behaviours.has("keeps-sequential-candidate");
  if (checksVersion && pcdVersionCmpNet(pcd, header, secondary) < 0) return false;
  const firmware = readMemory(appFlash, secondary.offset + header.headerSize, header.imageSize);
  return pcd.networkCoreUpdate(firmware) === 0;
}

/** Memory as both cores see it: null where nothing answers, and no more than there is. */
function readMemory(appFlash: NorChip, address: number, length: number): Uint8Array | null {
  const left = appFlash.profile.sizeBytes - address;
  return left > 0 ? appFlash.read(address, Math.min(length, left)) : null;
}

function dropCandidate(build: NcsBuild, secondary: BootFlashArea): void {
  if (build.mode !== "overwrite") {
    swapEraseTrailerSectors(build.config, secondary);
    return;
  }
  for (const sector of [secondary.sectors[0], secondary.sectors.at(-1)]) {
    if (sector !== undefined) secondary.erase(sector.offset, sector.size);
  }
}

function readWord(area: BootFlashArea, offset: number): number {
  const bytes = area.read(offset, 4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}
