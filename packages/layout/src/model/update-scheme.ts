// SPDX-License-Identifier: Apache-2.0
import type { Place } from "../place.js";
import type { Assignment } from "../read/kconfig.js";
import type { Configuration, ImageRole } from "./configuration.js";
import { slotOf } from "./layout.js";
import type { Partition } from "./layout.js";
import { layoutsInUse } from "./project.js";
import type { Project } from "./project.js";

/** One property of the update scheme, and the line that decides it. */
interface Trait {
  readonly state: "yes" | "no" | "unknown";
  /** Null when nothing in the files says so: a default, or unknown. */
  readonly place: Place | null;
}

/** How MCUboot will install images, as far as the files tell. */
export interface UpdateScheme {
  /** The network core can be updated. */
  readonly netUpdate: Trait;
  /** Candidates lie outside the nRF5340's own flash. */
  readonly externalSecondary: Trait;
  /** Both images are installed in one go, the network core's through RAM. */
  readonly multiImage: Trait;
  readonly overwriteOnly: Trait;
  readonly usesNsib: Trait;
  readonly secondary: Partition | null;
}

const UNKNOWN: Trait = { state: "unknown", place: null };

/** Works out the scheme from sysbuild's options, from those of the images, and from the layout. */
export function updateSchemeOf(project: Project): UpdateScheme {
  const reader = new SchemeReader(project);
  const netUpdate = reader.netUpdate();
  const secondary = reader.secondary();
  return {
    netUpdate,
    secondary,
    externalSecondary: reader.externalSecondary(secondary),
    multiImage: reader.multiImage(netUpdate),
    overwriteOnly: reader.overwriteOnly(),
    usesNsib: reader.option("sysbuild", "SB_CONFIG_SECURE_BOOT_APPCORE"),
  };
}

class SchemeReader {
  readonly #project: Project;

  constructor(project: Project) {
    this.#project = project;
  }

  option(role: ImageRole, symbol: string): Trait {
    const configuration = this.#config(role);
    if (configuration === undefined) return UNKNOWN;
    const state = configuration.state(symbol);
    if (state === "unknown") return UNKNOWN;
    return traitOf(state === "on", configuration.get(symbol));
  }

  netUpdate(): Trait {
    const sysbuild = this.option("sysbuild", "SB_CONFIG_NETCORE_APP_UPDATE");
    const none = this.option("sysbuild", "SB_CONFIG_NETCORE_NONE");
    if (none.state === "yes") return { ...none, state: "no" };
    // Sysbuild writes MCUboot's options itself: fragments tell only where there is none.
    const isDecided = this.#config("sysbuild") !== undefined && !hasOwnDefaults(this.#project);
    if (isDecided && this.#config("mcuboot")?.complete !== true) return sysbuild;
    return firstKnown(
      sysbuild,
      this.option("mcuboot", "CONFIG_NRF53_MULTI_IMAGE_UPDATE"),
      this.option("mcuboot", "CONFIG_PCD_APP"),
      // Parent and child images, before sysbuild.
      this.option("app", "CONFIG_NRF53_UPGRADE_NETWORK_CORE"),
    );
  }

  secondary(): Partition | null {
    for (const layout of layoutsInUse(this.#project)) {
      const slot = slotOf(layout, "secondary", 0);
      if (slot !== null) return slot;
    }
    return null;
  }

  externalSecondary(secondary: Partition | null): Trait {
    if (secondary !== null) {
      const isExternal = secondary.memory.kind === "external";
      return { state: isExternal ? "yes" : "no", place: secondary.memoryPlace };
    }
    return firstKnown(
      yesOnly(this.option("sysbuild", "SB_CONFIG_PM_EXTERNAL_FLASH_MCUBOOT_SECONDARY")),
      yesOnly(this.option("mcuboot", "CONFIG_PM_EXTERNAL_FLASH_MCUBOOT_SECONDARY")),
    );
  }

  multiImage(netUpdate: Trait): Trait {
    const external = this.option("sysbuild", "SB_CONFIG_PM_EXTERNAL_FLASH_MCUBOOT_SECONDARY");
    // Kconfig.sysbuild: selected by PM_EXTERNAL_FLASH_MCUBOOT_SECONDARY if NETCORE_APP_UPDATE.
    if (external.state === "yes" && netUpdate.state === "yes") return external;
    return firstKnown(
      this.option("sysbuild", "SB_CONFIG_MCUBOOT_NRF53_MULTI_IMAGE_UPDATE"),
      this.option("mcuboot", "CONFIG_NRF53_MULTI_IMAGE_UPDATE"),
      this.#default("no"),
    );
  }

  overwriteOnly(): Trait {
    const sysbuild = this.#config("sysbuild");
    const mode = sysbuild?.anyOf(
      SYSBUILD_MODES.filter((symbol) => sysbuild.state(symbol) === "on"),
    );
    const mcuboot = this.#config("mcuboot");
    const swap = mcuboot?.anyOf(SWAP_MODES.filter((symbol) => mcuboot.state(symbol) === "on"));
    return firstKnown(
      yesOnly(this.option("sysbuild", "SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY")),
      mode === null || mode === undefined ? UNKNOWN : { state: "no", place: mode.place },
      this.option("sysbuild", "SB_CONFIG_MCUBOOT_MODE_OVERWRITE_ONLY"),
      // Sysbuild writes these two into MCUboot's configuration; without sysbuild they decide.
      this.#default("no"),
      yesOnly(this.option("mcuboot", "CONFIG_BOOT_UPGRADE_ONLY")),
      swap === null || swap === undefined ? UNKNOWN : { state: "no", place: swap.place },
      this.option("mcuboot", "CONFIG_BOOT_UPGRADE_ONLY"),
    );
  }

  /** What a sysbuild.conf leaves out has Kconfig's default, if that is not changed somewhere. */
  #default(state: "no"): Trait {
    const sysbuild = this.#config("sysbuild");
    if (sysbuild === undefined || hasOwnDefaults(this.#project)) return UNKNOWN;
    return { state, place: null };
  }

  #config(role: ImageRole): Configuration | undefined {
    return this.#project.configurations.get(role);
  }
}

/** The choice MCUBOOT_MODE of sysbuild, without overwrite-only. */
export const SYSBUILD_MODES: readonly string[] = [
  "SB_CONFIG_MCUBOOT_MODE_SINGLE_APP",
  "SB_CONFIG_MCUBOOT_MODE_SWAP_WITHOUT_SCRATCH",
  "SB_CONFIG_MCUBOOT_MODE_SWAP_USING_MOVE",
  "SB_CONFIG_MCUBOOT_MODE_SWAP_USING_OFFSET",
  "SB_CONFIG_MCUBOOT_MODE_SWAP_SCRATCH",
  "SB_CONFIG_MCUBOOT_MODE_DIRECT_XIP",
  "SB_CONFIG_MCUBOOT_MODE_DIRECT_XIP_WITH_REVERT",
  "SB_CONFIG_MCUBOOT_MODE_FIRMWARE_UPDATER",
  "SB_CONFIG_MCUBOOT_MODE_RAM_LOAD",
];

/** The choice BOOT_IMAGE_UPGRADE_MODE of MCUboot, without overwrite-only. */
export const SWAP_MODES: readonly string[] = [
  "CONFIG_SINGLE_APPLICATION_SLOT",
  "CONFIG_BOOT_SWAP_USING_MOVE",
  "CONFIG_BOOT_SWAP_USING_OFFSET",
  "CONFIG_BOOT_SWAP_USING_SCRATCH",
  "CONFIG_BOOT_DIRECT_XIP",
  "CONFIG_BOOT_RAM_LOAD",
];

/** True when options that are left out need not have the SDK's defaults: the Thingy:53 has its own. */
export function hasOwnDefaults({ board, hasOwnDefaults: isChanged }: Project): boolean {
  return isChanged || board?.includes("thingy53") === true;
}

function traitOf(isOn: boolean, assignment: Assignment | null): Trait {
  return { state: isOn ? "yes" : "no", place: assignment?.place ?? null };
}

function yesOnly(trait: Trait): Trait {
  return trait.state === "yes" ? trait : UNKNOWN;
}

function firstKnown(...traits: readonly Trait[]): Trait {
  return traits.find(({ state }) => state !== "unknown") ?? UNKNOWN;
}
