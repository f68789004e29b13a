// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";

import { Configuration } from "./model/configuration.js";
import type { ImageRole } from "./model/configuration.js";
import { dtLayout } from "./model/dt-layout.js";
import type { Layout } from "./model/layout.js";
import { pmLayout } from "./model/pm-layout.js";
import type { ImageTree, Project } from "./model/project.js";
import type { PlannedProject, ProjectFile } from "./project-files.js";
import { readDevicetree } from "./read/devicetree.js";
import { readPackage } from "./read/dfu-package.js";
import type { DfuPackage } from "./read/dfu-package.js";
import { readKconfig } from "./read/kconfig.js";
import type { KconfigFile } from "./read/kconfig.js";
import { looksLikeRegions, readPartitions, readRegions } from "./read/partition-manager.js";
import type { PmRegion } from "./read/partition-manager.js";
import { SourceText } from "./read/source-text.js";

/** A project, what it was read from, and what could not be read. */
export interface ReadProject {
  readonly project: Project;
  readonly used: readonly { readonly path: string; readonly as: string }[];
  readonly unreadable: readonly FormatError[];
}

/**
 * Reads the files of one build. A file that cannot be read is reported and left out.
 * @param read contents of a file
 * @param sources filled with the text of every file, for quoting
 */
export function readProject(
  planned: PlannedProject,
  read: (path: string) => Uint8Array,
  sources: Map<string, SourceText>,
): ReadProject {
  const reader = new ProjectReader(read, sources);
  // regions.yml first: layouts take their sizes from it.
  const files = planned.files.toSorted(
    (a, b) => Number(b.kind === "regions") - Number(a.kind === "regions"),
  );
  for (const file of files) reader.add(file);
  return reader.finish(planned);
}

class ProjectReader {
  readonly #read: (path: string) => Uint8Array;
  readonly #sources: Map<string, SourceText>;
  readonly #used: { path: string; as: string }[] = [];
  readonly #unreadable: FormatError[] = [];
  readonly #regions = new Map<Layout["core"], readonly PmRegion[]>();
  readonly #layouts: Layout[] = [];
  readonly #trees: ImageTree[] = [];
  readonly #packages: DfuPackage[] = [];
  #hasOwnDefaults = false;
  readonly #fragments = new Map<ImageRole, KconfigFile[]>();

  constructor(read: (path: string) => Uint8Array, sources: Map<string, SourceText>) {
    this.#read = read;
    this.#sources = sources;
  }

  add(file: ProjectFile): void {
    try {
      this.#used.push({ path: file.path, as: this.#addFile(file) });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#unreadable.push(error);
    }
  }

  finish({ name, board }: PlannedProject): ReadProject {
    const configurations = new Map<ImageRole, Configuration>();
    for (const [role, files] of this.#fragments) {
      const ordered = files.toSorted((a, b) => Number(a.complete) - Number(b.complete));
      configurations.set(role, new Configuration(role, ordered));
    }
    const project: Project = {
      name,
      board: board ?? boardOf(configurations),
      pmLayouts: this.#layouts,
      trees: this.#trees,
      configurations,
      packages: this.#packages,
      hasOwnDefaults: this.#hasOwnDefaults,
    };
    return { project, used: this.#used, unreadable: this.#unreadable };
  }

  /** What the file was taken for. */
  #addFile(file: ProjectFile): string {
    const bytes = this.#read(file.path);
    if (file.kind === "package") {
      this.#packages.push(readPackage(file.path, bytes));
      return "update package";
    }
    if (file.kind === "sysbuild-defaults") {
      this.#hasOwnDefaults = true;
      return "own defaults of sysbuild, which are not evaluated";
    }
    const source = this.#sources.get(file.path) ?? SourceText.decode(file.path, bytes);
    this.#sources.set(file.path, source);
    switch (file.kind) {
      case "pm-static":
        if (looksLikeRegions(source)) return this.#addRegions(file, source);
        this.#addPartitions(file.core, "pm-static", source);
        return "static partitions";
      case "pm-generated":
        this.#addPartitions(file.core, "pm-generated", source);
        return "partitions of a build";
      case "regions":
        return this.#addRegions(file, source);
      case "devicetree":
      case "overlay":
        return this.#addTree(file, source);
      case "kconfig":
        return this.#addConfiguration(file, source);
      default:
        return file.kind satisfies never;
    }
  }

  #addPartitions(
    core: Layout["core"],
    kind: "pm-static" | "pm-generated",
    source: SourceText,
  ): void {
    const regions = this.#regions.get(core);
    const options = { source: kind, core, ...(regions === undefined ? {} : { regions }) };
    this.#layouts.push(pmLayout(readPartitions(source), options));
  }

  #addRegions(file: ProjectFile, source: SourceText): string {
    this.#regions.set(file.core, readRegions(source));
    return "regions of a build";
  }

  #addTree(file: ProjectFile, source: SourceText): string {
    const tree = readDevicetree(source);
    const layout = dtLayout(tree);
    const role = file.role ?? (layout.core === "net" ? "net" : "app");
    this.#trees.push({ role, tree, layout });
    return `devicetree of ${role}`;
  }

  #addConfiguration(file: ProjectFile, source: SourceText): string {
    const configuration = readKconfig(source);
    const role = roleByContent(configuration) ?? file.role ?? "app";
    this.#fragments.set(role, [...(this.#fragments.get(role) ?? []), configuration]);
    return role === "sysbuild" ? "sysbuild options" : `options of ${role}`;
  }
}

/** Which image a .config belongs to: folders are named after the application. */
function roleByContent({ assignments, complete }: KconfigFile): ImageRole | null {
  if (!complete) return null;
  const isOn = (symbol: string): boolean =>
    assignments.some((assignment) => assignment.symbol === symbol && assignment.value === "y");
  if (assignments.some(({ symbol }) => symbol.startsWith("SB_CONFIG_"))) return "sysbuild";
  if (isOn("CONFIG_MCUBOOT")) return "mcuboot";
  if (isOn("CONFIG_IS_SECURE_BOOTLOADER")) return "b0n";
  return isOn("CONFIG_SOC_NRF5340_CPUNET") ? "net" : "app";
}

function boardOf(configurations: ReadonlyMap<ImageRole, Configuration>): string | null {
  return configurations.get("app")?.get("CONFIG_BOARD_TARGET")?.value ?? null;
}
