// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { HashAlgorithm } from "@tandem/base";

/**
 * How MCUboot brings an image to where it runs.
 *
 * - `single`: one slot, nothing moves (CONFIG_SINGLE_APPLICATION_SLOT, single_loader.c)
 * - `overwrite`: the secondary is copied over the primary (MCUBOOT_OVERWRITE_ONLY)
 * - `scratch`, `move`, `offset`: the slots are swapped (MCUBOOT_SWAP_USING_…)
 * - `direct-xip`: the newest image runs where it stands (MCUBOOT_DIRECT_XIP); with `-revert`, one
 *   that has not confirmed itself is erased at the next boot (MCUBOOT_DIRECT_XIP_REVERT)
 */
export const BOOT_MODES = [
  "single",
  "overwrite",
  "scratch",
  "move",
  "offset",
  "direct-xip",
  "direct-xip-revert",
] as const;
/** One of {@link BOOT_MODES}. */
export type BootMode = (typeof BOOT_MODES)[number];

/** Modes of MCUboot that this implementation does not have, and refuses by name. */
export const UNSUPPORTED_MODES: readonly string[] = ["ram-load", "firmware-loader"];

/** What a build of MCUboot fixes. */
export interface BootConfig {
  readonly mode: BootMode;
  /** MCUBOOT_BOOT_MAX_ALIGN: 8, 16 or 32; 8 when absent. */
  readonly maxAlign?: number;
  /** MCUBOOT_MAX_IMG_SECTORS: size of the swap status, and most sectors of a slot; 128 if absent. */
  readonly maxImgSectors?: number;
  /** MCUBOOT_VALIDATE_PRIMARY_SLOT: hash and signature at every boot; true when absent. */
  readonly validatePrimary?: boolean;
  /**
   * MCUBOOT_DOWNGRADE_PREVENTION, by version or (…_SECURITY_COUNTER, swap modes only) by the
   * counter in the images; `none` when absent. The counter of the device is a port of its own.
   */
  readonly downgradePrevention?: "none" | "version" | "security-counter";
  /** Images that downgrade prevention leaves out: image 1 in sdk-mcuboot's builds for nRF5340. */
  readonly downgradeExempt?: readonly number[];
  /** MCUBOOT_VERSION_CMP_USE_BUILD_NUMBER; false when absent. */
  readonly compareBuildNumber?: boolean;
  /** MCUBOOT_BOOTSTRAP: an empty primary is filled from the secondary; false when absent. */
  readonly bootstrap?: boolean;
  /**
   * MCUBOOT_OVERWRITE_ONLY_FAST: copy the image and not the slot. In overwrite mode true when
   * absent, as every Zephyr and NCS build has it. Matters in swap modes with `bootstrap` only,
   * where Zephyr does not set it and the simulator does; false when absent there.
   */
  readonly overwriteOnlyFast?: boolean;
  /** MCUBOOT_OVERWRITE_ONLY_KEEP_BACKUP: the secondary keeps its header; false when absent. */
  readonly overwriteOnlyKeepBackup?: boolean;
  /** MCUBOOT_MINIMAL_SCRAMBLE: unusable slots lose header and trailer only; false when absent. */
  readonly minimalScramble?: boolean;
  /** Digest of images (MCUBOOT_SHA512 …); sha256 when absent. */
  readonly hash?: HashAlgorithm;
  /** MCUBOOT_USE_TLV_ALLOW_LIST; true when absent, as in Zephyr. The simulator has it off. */
  readonly tlvAllowList?: boolean;
  /**
   * Whether a secondary image must belong into the primary slot: by its word at header size + 8
   * (MCUBOOT_VERIFY_IMG_ADDRESS), in sdk-mcuboot by its reset vector, or by `ih_load_addr` (MCUBOOT_CHECK_HEADER_LOAD_ADDRESS);
   * `none` when absent.
   */
  readonly imageAddressCheck?: "none" | "vector" | "reset-vector" | "header";
  /**
   * When an image that starts raises the device's security counter: once it is `confirmed`, or
   * whenever the boot ended with swap type NONE, which a resumed test swap does too (MCUboot
   * before 2.2, commit 0eaf6668); `confirmed` when absent.
   */
  readonly securityCounterUpdate?: "confirmed" | "swap-type-none";
  /**
   * Images whose swap takes its size from the secondary alone, because the primary's header is
   * made up: the network core's in sdk-mcuboot since NCS 3.3.
   */
  readonly swapSizeFromSecondary?: readonly number[];
  /**
   * What an image with an unmet dependency calls off: the updates of all images, or (sdk-mcuboot,
   * "work-around for multi-image builds") its own, and MCUboot then looks at no other image's
   * dependencies; TLVs that cannot be read call off nothing there. `stops-all` when absent.
   */
  readonly unmetDependency?: "stops-all" | "stops-image";
  /**
   * Swap using move and offset: images are valid up to the size that leaves room for a swap, or
   * (MCUboot before 2.2) up to the `trailer`; `swap-room` when absent.
   */
  readonly imageSizeLimit?: "swap-room" | "trailer";
}

/** A configuration with every default filled in. */
export type ResolvedBootConfig = Required<BootConfig>;

/**
 * Fills in defaults and refuses what MCUboot could not be built with.
 * @throws {UsageError} mcuboot/unsupported-mode, mcuboot/config
 */
export function resolveBootConfig(config: BootConfig): ResolvedBootConfig {
  const { mode } = config;
  if (!BOOT_MODES.some((known) => known === mode)) {
    const known = UNSUPPORTED_MODES.some((name) => name === mode);
    const what = known ? "a mode of MCUboot that is not supported" : "not a mode of MCUboot";
    throw new UsageError(
      "mcuboot/unsupported-mode",
      `mode ${mode}: ${what}, expected ${BOOT_MODES.join(", ")}`,
    );
  }
  const resolved: ResolvedBootConfig = {
    mode,
    maxAlign: config.maxAlign ?? 8,
    maxImgSectors: config.maxImgSectors ?? 128,
    validatePrimary: config.validatePrimary ?? true,
    downgradePrevention: config.downgradePrevention ?? "none",
    downgradeExempt: config.downgradeExempt ?? [],
    compareBuildNumber: config.compareBuildNumber ?? false,
    bootstrap: config.bootstrap ?? false,
    overwriteOnlyFast: config.overwriteOnlyFast ?? mode === "overwrite",
    overwriteOnlyKeepBackup: config.overwriteOnlyKeepBackup ?? false,
    minimalScramble: config.minimalScramble ?? false,
    hash: config.hash ?? "sha256",
    tlvAllowList: config.tlvAllowList ?? true,
    imageAddressCheck: config.imageAddressCheck ?? "none",
    securityCounterUpdate: config.securityCounterUpdate ?? "confirmed",
    swapSizeFromSecondary: config.swapSizeFromSecondary ?? [],
    unmetDependency: config.unmetDependency ?? "stops-all",
    imageSizeLimit: config.imageSizeLimit ?? "swap-room",
  };
  checkConfig(resolved);
  return resolved;
}

function checkConfig(config: ResolvedBootConfig): void {
  const { mode, maxAlign, maxImgSectors, downgradePrevention } = config;
  if (![8, 16, 32].includes(maxAlign)) {
    throw new UsageError("mcuboot/config", `maxAlign ${maxAlign}, expected 8, 16 or 32`);
  }
  if (!Number.isSafeInteger(maxImgSectors) || maxImgSectors < 1) {
    throw new UsageError("mcuboot/config", `maxImgSectors ${maxImgSectors}, expected at least 1`);
  }
  const isSwap = mode === "scratch" || mode === "move" || mode === "offset";
  if (downgradePrevention === "security-counter" && !isSwap) {
    throw new UsageError(
      "mcuboot/config",
      `downgradePrevention security-counter with mode ${mode}, expected a swap mode`,
    );
  }
}
