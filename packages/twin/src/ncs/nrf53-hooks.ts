// SPDX-License-Identifier: Apache-2.0
import { IMAGE_HEADER_LAYOUT, IMAGE_MAGIC, findFwInfo, readVectorTable } from "@tandem/image";
import type { ImageHeader } from "@tandem/image";
import {
  BOOT_HOOK_REGULAR,
  BOOT_SWAP_TYPE_NONE,
  BOOT_SWAP_TYPE_REVERT,
  FihResult,
  readSwapState,
} from "@tandem/mcuboot";
import type { BootFlashArea, BootHooks, SimpleFlash, SlotIndex, SwapState } from "@tandem/mcuboot";

import { MEMORY_MAP } from "../nrf5340/memory-map.js";
import type { FlashSlot } from "../nrf5340/memory-map.js";
import type { NcsBuild } from "./ncs-build.js";
import { EFAULT, ENODATA } from "./pcd.js";
import type { Pcd } from "./pcd.js";

/** CONFIG_MCUBOOT_NETWORK_CORE_IMAGE_NUMBER. */
export const NETWORK_CORE_IMAGE = 1;
/** MCUboot's number of the slot in serial recovery: NETWORK_CORE_IMAGE * 2 + 1. */
export const NETWORK_CORE_RECOVERY_SLOT = 3;

/** PM_MCUBOOT_PAD_SIZE. */
const PAD_BYTES = 0x200;
/** CONFIG_PCD_VERSION_PAGE_BUF_SIZE: words are reserved, and bytes read. */
const VERSION_READ_BYTES = 2046;

/** What decides a boot of MCUboot with NCS's hooks, on a device or on dumps of one. */
export interface Nrf53BootHooksOptions {
  readonly build: NcsBuild;
  /** b0n's slot in the network core's flash. */
  readonly netSlot: FlashSlot;
  /** `pcd_network_core_update`: has b0n install firmware; 0 or a negative error. */
  readonly networkCoreUpdate: (firmware: Uint8Array) => number;
}

/** A device with its RAM flash and its PCD. */
export interface Nrf53HooksOptions {
  readonly build: NcsBuild;
  readonly ramFlash: SimpleFlash;
  /** b0n's slot in the network core's flash. */
  readonly netSlot: FlashSlot;
  readonly pcd: Pcd;
  /** Do at a revert what Nordic's documentation says instead of what the source does. */
  readonly fillsOnRevert: boolean;
}

/**
 * What NCS hooks into MCUboot so that the network core can be image 1 although its flash is out
 * of reach: its primary slot is RAM with a made-up header and trailer, which is never validated,
 * and after a copy to it b0n is told to fetch the firmware there.
 * @see sdk-nrf, modules/mcuboot/hooks/nrf53_hooks.c
 */
export function nrf53BootHooks(options: Nrf53BootHooksOptions): BootHooks {
  const { build, netSlot, networkCoreUpdate } = options;
  // NCSDK-24203: the hook's "go on as usual" is not the value that a hardened build expects.
  const regularCheck =
    build.fih && build.behaviours.has("fih-refuses-images")
      ? FihResult.FIH_FAILURE
      : FihResult.FIH_BOOT_HOOK_REGULAR;
  return {
    boot_read_image_header_hook: (imageIndex, slot) =>
      isFaked(imageIndex, slot) ? fakedHeader(netSlot) : BOOT_HOOK_REGULAR,
    boot_image_check_hook: (imageIndex, slot) =>
      isFaked(imageIndex, slot) ? FihResult.FIH_SUCCESS : regularCheck,
    boot_read_swap_state_primary_slot_hook: (imageIndex) =>
      imageIndex === NETWORK_CORE_IMAGE ? UNSET_SWAP_STATE : BOOT_HOOK_REGULAR,
    boot_copy_region_post_hook: (imageIndex, primary) =>
      imageIndex === NETWORK_CORE_IMAGE
        ? withFirmwareIn(primary.read(0, primary.size), networkCoreUpdate)
        : 0,
  };
}

/** {@link nrf53BootHooks} on a device, with what its PCD and its serial recovery add. */
export function nrf53Hooks(options: Nrf53HooksOptions): BootHooks {
  const { build, ramFlash, pcd, netSlot } = options;
  const bootHooks = nrf53BootHooks({
    build,
    netSlot,
    networkCoreUpdate: (firmware) => pcd.networkCoreUpdate(firmware),
  });
  const hooks: BootHooks = {
    ...bootHooks,
    boot_copy_region_post_hook: (imageIndex, primary, size) => {
      if (options.fillsOnRevert && imageIndex !== NETWORK_CORE_IMAGE) {
        const { swapType } = readSwapState(build.config, primary);
        if (swapType === BOOT_SWAP_TYPE_REVERT) {
          pcd.fillNetworkCore(ramFlash.bytes.subarray(0, netSlot.sizeBytes));
        }
      }
      return bootHooks.boot_copy_region_post_hook?.(imageIndex, primary, size) ?? 0;
    },
    boot_serial_uploaded_hook: (slot) =>
      slot === NETWORK_CORE_RECOVERY_SLOT
        ? withFirmwareIn(ramFlash.bytes, (firmware) => pcd.networkCoreUpdateInitiate(firmware))
        : 0,
    boot_reset_request_hook: () => (pcd.isCopying ? BOOT_RESET_REQUEST_HOOK_BUSY : 0),
  };
  if (!build.readsNetVersion) return hooks;
  return {
    ...hooks,
    sdk_version_cmp_hook: (imageIndex, header, secondary) =>
      imageIndex === NETWORK_CORE_IMAGE ? pcdVersionCmpNet(pcd, header, secondary) : null,
  };
}

function isFaked(imageIndex: number, slot: SlotIndex): boolean {
  return imageIndex === NETWORK_CORE_IMAGE && slot === 0;
}

/** Serial recovery is not to reset yet. */
const BOOT_RESET_REQUEST_HOOK_BUSY = 1;

const UNSET_SWAP_STATE: SwapState = {
  magic: "unset",
  swapType: BOOT_SWAP_TYPE_NONE,
  copyDone: "unset",
  imageOk: "unset",
  imageNum: NETWORK_CORE_IMAGE,
};

/** Version 0.0.0 whatever runs, so that nothing can depend on the network core that is there. */
function fakedHeader(netSlot: FlashSlot): ImageHeader {
  return {
    magic: IMAGE_MAGIC,
    loadAddress: 0,
    headerSize: PAD_BYTES,
    protectedTlvSize: 0,
    imageSize: netSlot.sizeBytes,
    flags: 0,
    version: { major: 0, minor: 0, revision: 0, build: 0 },
    pad: 0,
  };
}

/** Hands on the payload of the image in the RAM slot; its header and TLVs stay behind. */
function withFirmwareIn(ramSlot: Uint8Array, update: (firmware: Uint8Array) => number): number {
  const { magic, headerSize, imageSize } = IMAGE_HEADER_LAYOUT.parse(ramSlot);
  if (magic !== IMAGE_MAGIC) return ENODATA;
  const firmware = ramSlot.subarray(headerSize, headerSize + imageSize);
  const resetVector = readVectorTable(firmware)?.resetVector ?? 0;
  return resetVector > MEMORY_MAP.netFlashBase ? update(firmware) : ENODATA;
}

/**
 * `pcd_version_cmp_net`: asks b0n for the version that runs. A network core without valid
 * `fw_info` answers nothing, and the candidate counts as too old. So does one whose `fw_info` is
 * not found: MCUboot looks for it behind the header, moved by the size of the protected TLVs.
 */
export function pcdVersionCmpNet(
  pcd: Pcd,
  header: ImageHeader,
  secondary: Pick<BootFlashArea, "read" | "size">,
): number {
  const running = pcd.networkCoreAppVersion();
  if (running === null) return EFAULT;
  const at = header.headerSize + header.protectedTlvSize;
  if (at + VERSION_READ_BYTES > secondary.size) return EFAULT;
  const candidate = findFwInfo(secondary.read(at, VERSION_READ_BYTES))?.version;
  return candidate === undefined ? EFAULT : Math.sign(candidate - running);
}
