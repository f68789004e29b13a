// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { IMAGE_HEADER_LAYOUT, IMAGE_MAGIC, checkB0nImage, readVectorTable } from "@tandem/image";
import type { ImageHeader } from "@tandem/image";
import { BOOT_HOOK_REGULAR, BOOT_SWAP_TYPE_NONE, FihResult } from "@tandem/mcuboot";
import type {
  BoardArea,
  BootConfig,
  BootFlashArea,
  BootHooks,
  FlashBoard,
  SwapState,
} from "@tandem/mcuboot";
import { MEMORY_MAP, NET_SLOT, ncsBuild } from "@tandem/twin";

/** Release of the SDK when the configuration names none. */
const DEFAULT_SDK = "v2.9.2";

/** CONFIG_MCUBOOT_NETWORK_CORE_IMAGE_NUMBER. */
export const NETWORK_CORE_IMAGE = 1;
/** PM_MCUBOOT_PAD_SIZE. */
const PAD_BYTES = 0x200;
/** Where b0n's slot begins. */
const NETWORK_CORE_START = MEMORY_MAP.netFlashBase + NET_SLOT.start;
const ENODATA = -61;
const EFAULT = -14;

/**
 * What NCS hooks into MCUboot on an nRF5340, on dumps: image 1 belongs to the network core, and its
 * primary slot is RAM, blank at each start. The network core itself is not in the dumps: it takes
 * whatever b0n's check of the firmware lets through.
 * @see sdk-nrf, modules/mcuboot/hooks/nrf53_hooks.c
 */
export function nrf5340Hooks(board: FlashBoard): BootHooks {
  return {
    // Not a hook of NCS: Zephyr's flash simulator erases its RAM when it starts.
    boot_go_hook: () => {
      const ram = board.devices.get(
        board.bootOptions.images[NETWORK_CORE_IMAGE]?.primary.device ?? "",
      );
      ram?.bytes.fill(ram.erasedValue);
      ram?.touched();
      return FihResult.FIH_BOOT_HOOK_REGULAR;
    },
    boot_read_image_header_hook: (image, slot) =>
      isFaked(image, slot) ? FAKED_HEADER : BOOT_HOOK_REGULAR,
    boot_image_check_hook: (image, slot) =>
      isFaked(image, slot) ? FihResult.FIH_SUCCESS : FihResult.FIH_BOOT_HOOK_REGULAR,
    boot_read_swap_state_primary_slot_hook: (image) =>
      image === NETWORK_CORE_IMAGE ? UNSET_STATE : BOOT_HOOK_REGULAR,
    boot_copy_region_post_hook: (image, primary) =>
      image === NETWORK_CORE_IMAGE ? networkCoreUpdate(primary) : 0,
  };
}

/**
 * A build of MCUboot with what NCS sets on an nRF5340; what the configuration says comes first.
 * @throws {UsageError} twin/sdk-version, twin/ncs-build
 */
export function nrf5340Build(build: BootConfig, sdk: string = DEFAULT_SDK): BootConfig {
  const { mode } = build;
  if (mode !== "overwrite" && mode !== "scratch" && mode !== "move" && mode !== "offset") {
    throw new UsageError(
      "cli/mcuboot-hooks",
      `mode ${mode} with hooks "nrf5340", expected overwrite, scratch, move or offset`,
    );
  }
  const downgradePrevention = build.downgradePrevention === "version";
  return { ...ncsBuild({ sdk, mode, downgradePrevention }).config, ...build };
}

/** The primary slot of the network core: what is linked for b0n's slot belongs there. */
export function networkCorePrimary(area: BoardArea): BoardArea {
  return { ...area, address: NETWORK_CORE_START };
}

/** The slot that is RAM. */
function isFaked(image: number, slot: number): boolean {
  return image === NETWORK_CORE_IMAGE && slot === 0;
}

/** Version 0.0.0 whatever runs. */
const FAKED_HEADER: ImageHeader = {
  magic: IMAGE_MAGIC,
  loadAddress: 0,
  headerSize: PAD_BYTES,
  protectedTlvSize: 0,
  imageSize: NET_SLOT.sizeBytes,
  flags: 0,
  version: { major: 0, minor: 0, revision: 0, build: 0 },
  pad: 0,
};

const UNSET_STATE: SwapState = {
  magic: "unset",
  swapType: BOOT_SWAP_TYPE_NONE,
  copyDone: "unset",
  imageOk: "unset",
  imageNum: NETWORK_CORE_IMAGE,
};

/** Hands the payload of the image in RAM to b0n; 0 when it takes it. */
function networkCoreUpdate(ram: BootFlashArea): number {
  const { magic, headerSize, imageSize } = IMAGE_HEADER_LAYOUT.parse(
    ram.read(0, IMAGE_HEADER_LAYOUT.size),
  );
  if (magic !== IMAGE_MAGIC || headerSize + imageSize > ram.size) return ENODATA;
  const firmware = ram.read(headerSize, imageSize);
  const resetVector = readVectorTable(firmware)?.resetVector ?? 0;
  if (resetVector <= MEMORY_MAP.netFlashBase) return ENODATA;
  return checkB0nImage(firmware, NETWORK_CORE_START, nodeCrypto) === null ? 0 : EFAULT;
}
