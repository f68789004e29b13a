// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { BootConfig } from "@tandem/mcuboot";

import { ncsLayout } from "./ncs-layout.js";
import type { NcsLayout, NcsMode, NetUpdate } from "./ncs-layout.js";
import { behavioursOf } from "./sdk-behaviours.js";
import type { SdkBehaviour } from "./sdk-behaviours.js";

/** What a product chooses when it builds MCUboot with NCS. */
export interface NcsBuildOptions {
  /** Release of the SDK, `v2.5.0` to `v3.5`. */
  readonly sdk: string;
  readonly mode: NcsMode;
  /** Default: simultaneous. */
  readonly netUpdate?: NetUpdate;
  /** Where the secondary slots are; default: external. */
  readonly secondary?: "internal" | "external";
  /** Default: {@link ncsLayout} of the choices above. */
  readonly layout?: NcsLayout;
  /** MCUBOOT_DOWNGRADE_PREVENTION, by version. */
  readonly downgradePrevention?: boolean;
  /** PCD_READ_NETCORE_APP_VERSION, in MCUboot and in b0n. */
  readonly readsNetVersion?: boolean;
  /** SB_CONFIG_MCUBOOT_HARDWARE_DOWNGRADE_PREVENTION: security counter of the application. */
  readonly hardwareDowngradePrevention?: boolean;
  /** Fault injection hardening (CONFIG_BOOT_FIH_PROFILE_…). */
  readonly fih?: boolean;
}

/** {@link NcsBuildOptions} with its defaults, and what follows from them. */
export interface NcsBuild extends Required<NcsBuildOptions> {
  readonly behaviours: ReadonlySet<SdkBehaviour>;
  readonly config: BootConfig;
}

/** CONFIG_BOOT_MAX_IMG_SECTORS: enough for the slots of {@link ncsLayout}. */
const MAX_IMG_SECTORS = 256;

/**
 * Fills in defaults and says how MCUboot is built.
 * @throws {UsageError} twin/sdk-version; twin/ncs-build for a choice that the model does not have
 */
export function ncsBuild(options: NcsBuildOptions): NcsBuild {
  const { sdk, mode, netUpdate = "simultaneous", secondary = "external" } = options;
  const behaviours = behavioursOf(sdk);
  const choices = {
    sdk,
    mode,
    netUpdate,
    secondary,
    layout: options.layout ?? ncsLayout({ mode, netUpdate, secondary }),
    downgradePrevention: options.downgradePrevention ?? false,
    readsNetVersion: options.readsNetVersion ?? false,
    hardwareDowngradePrevention: options.hardwareDowngradePrevention ?? false,
    fih: options.fih ?? false,
  };
  const isSimultaneous = netUpdate === "simultaneous";
  if (
    isSimultaneous &&
    choices.hardwareDowngradePrevention &&
    behaviours.has("network-image-needs-counter")
  ) {
    throw new UsageError(
      "twin/ncs-build",
      `SDK ${sdk}: security counters with simultaneous updates, expected v3.0.0 or newer`,
    );
  }
  if ((choices.layout.netSecondary !== null) !== isSimultaneous) {
    throw new UsageError(
      "twin/ncs-build",
      `${netUpdate} updates: expected ${isSimultaneous ? "a" : "no"} secondary slot of image 1`,
    );
  }
  return { ...choices, behaviours, config: bootConfig(choices, behaviours) };
}

function bootConfig(
  build: Required<NcsBuildOptions>,
  behaviours: ReadonlySet<SdkBehaviour>,
): BootConfig {
  const { mode, netUpdate } = build;
  const isSimultaneous = netUpdate === "simultaneous";
  // Overwrite mode asks b0n for the version when it can; swap modes leave image 1 out.
  const isNetChecked = mode === "overwrite" && build.readsNetVersion;
  return {
    mode,
    maxImgSectors: MAX_IMG_SECTORS,
    downgradePrevention: build.downgradePrevention ? "version" : "none",
    downgradeExempt: isSimultaneous && !isNetChecked ? [1] : [],
    // MCUBOOT_VERIFY_IMG_ADDRESS is the default of overwrite mode with several images.
    imageAddressCheck: mode === "overwrite" && isSimultaneous ? "reset-vector" : "none",
    securityCounterUpdate: behaviours.has("counter-after-resumed-test")
      ? "swap-type-none"
      : "confirmed",
    imageSizeLimit: behaviours.has("ignores-swap-room") ? "trailer" : "swap-room",
    unmetDependency: "stops-image",
    swapSizeFromSecondary: behaviours.has("swap-size-from-faked-header") ? [] : [1],
  };
}
