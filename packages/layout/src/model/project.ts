// SPDX-License-Identifier: Apache-2.0
import type { DfuPackage } from "../read/dfu-package.js";
import type { DevicetreeFile } from "../read/devicetree.js";
import type { Configuration, ImageRole } from "./configuration.js";
import type { Layout } from "./layout.js";

/** A devicetree, and the image that it is built into. */
export interface ImageTree {
  readonly role: ImageRole;
  readonly tree: DevicetreeFile;
  readonly layout: Layout;
}

/** Everything that was found of one build: one board, one file suffix. */
export interface Project {
  /** What tells it from the other builds of the same application; empty for the only one. */
  readonly name: string;
  /** Zephyr's board target as far as file names tell it. */
  readonly board: string | null;
  /** From pm_static.yml, partitions.yml and their like. */
  readonly pmLayouts: readonly Layout[];
  readonly trees: readonly ImageTree[];
  readonly configurations: ReadonlyMap<ImageRole, Configuration>;
  readonly packages: readonly DfuPackage[];
  /** True when the application or the board changes the defaults of sysbuild (Kconfig.sysbuild). */
  readonly hasOwnDefaults: boolean;
}

/**
 * The layouts that the build uses: those of Partition Manager, unless it is off; then the
 * devicetree's. A devicetree that Partition Manager overrides still describes chips.
 */
export function layoutsInUse(project: Project): readonly Layout[] {
  const sysbuild = project.configurations.get("sysbuild");
  const isOff = sysbuild?.get("SB_CONFIG_PARTITION_MANAGER")?.value === "n";
  if (project.pmLayouts.length > 0 && !isOff) return project.pmLayouts;
  return project.trees.map(({ layout }) => layout);
}
