// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { checkB0nImage } from "@tandem/image";
import { FihResult } from "@tandem/mcuboot";
import type { BootConfig, BootHooks, FlashBoard, FlashBoardOptions } from "@tandem/mcuboot";
import { MEMORY_MAP, NETWORK_CORE_IMAGE, NET_SLOT, ncsBuild, nrf53BootHooks } from "@tandem/twin";
import type { NcsBuild } from "@tandem/twin";

/** Release of the SDK when the configuration names none. */
const DEFAULT_SDK = "v2.9.2";

/** Where b0n's slot begins. */
const NETWORK_CORE_START = MEMORY_MAP.netFlashBase + NET_SLOT.start;
/** Zephyr's, which PCD returns when b0n refuses. */
const EFAULT = -14;

/**
 * The board of an nRF5340 as NCS builds MCUboot for it: with its hooks, image 1 for the network
 * core, and what NCS sets wherever the given build says nothing.
 * @param board image 1's primary slot is the device that is RAM
 * @param sdk release of the SDK whose behaviour the build has
 * @throws {UsageError} cli/mcuboot-hooks for a mode without hooks, twin/sdk-version
 */
export function nrf5340Board(
  board: FlashBoardOptions,
  sdk: string = DEFAULT_SDK,
): FlashBoardOptions {
  const build = nrf5340Build(board.config, sdk);
  return {
    ...board,
    config: { ...build.config, ...board.config },
    // What is linked for b0n's slot belongs into the RAM.
    images: board.images.map((areas, i) =>
      i === NETWORK_CORE_IMAGE
        ? { ...areas, primary: { ...areas.primary, address: NETWORK_CORE_START } }
        : areas,
    ),
    makeHooks: (made) => nrf5340Hooks(made, build),
  };
}

function nrf5340Build({ mode, downgradePrevention }: BootConfig, sdk: string): NcsBuild {
  if (mode !== "overwrite" && mode !== "scratch" && mode !== "move" && mode !== "offset") {
    throw new UsageError(
      "cli/mcuboot-hooks",
      `mode ${mode} with hooks "nrf5340", expected overwrite, scratch, move or offset`,
    );
  }
  return ncsBuild({ sdk, mode, downgradePrevention: downgradePrevention === "version" });
}

/**
 * The network core is not in the dumps: it takes whatever b0n's check of the firmware lets through.
 */
function nrf5340Hooks(board: FlashBoard, build: NcsBuild): BootHooks {
  return {
    ...nrf53BootHooks({
      build,
      netSlot: NET_SLOT,
      networkCoreUpdate: (firmware) =>
        checkB0nImage(firmware, NETWORK_CORE_START, nodeCrypto) === null ? 0 : EFAULT,
    }),
    // Not a hook of NCS: Zephyr's flash simulator erases its RAM when it starts.
    boot_go_hook: () => {
      const ram = board.devices.get(
        board.bootOptions.images[NETWORK_CORE_IMAGE]?.primary.device ?? "",
      );
      ram?.bytes.fill(ram.erasedValue);
      ram?.touched();
      return FihResult.FIH_BOOT_HOOK_REGULAR;
    },
  };
}
