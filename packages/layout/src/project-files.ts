// SPDX-License-Identifier: Apache-2.0
import type { ImageRole } from "./model/configuration.js";

/** What a file is read as. */
type FileKind =
  | "pm-static"
  | "pm-generated"
  | "sysbuild-defaults"
  | "regions"
  | "devicetree"
  | "overlay"
  | "kconfig"
  | "package";

/** One file, and what its path tells. */
export interface ProjectFile {
  readonly path: string;
  readonly kind: FileKind;
  /** Null when only its contents tell. */
  readonly role: ImageRole | null;
  readonly core: "app" | "net";
  /** Board that the file is for; null for all. */
  readonly board: string | null;
  /** Zephyr's FILE_SUFFIX; empty for none. */
  readonly suffix: string;
}

/** The files of one build. */
export interface PlannedProject {
  /** Folder, board and suffix, as far as there are several. */
  readonly name: string;
  readonly board: string | null;
  readonly files: readonly ProjectFile[];
}

/** What is to be checked, and what was left aside. */
export interface ProjectPlan {
  readonly projects: readonly PlannedProject[];
  /** Files that would belong to a build that is not checked, each with the reason. */
  readonly unused: readonly { readonly path: string; readonly reason: string }[];
}

/** Most builds that one application is checked for. */
const MAX_BUILDS = 16;

const NETWORK_CORE_IMAGES =
  /^(ipc_radio|hci_ipc|hci_rpmsg|rpc_host|802154_rpmsg|multiprotocol_rpmsg|empty_net_core|netcore|net|nrf5340_audio_net|.*cpunet.*)$/;

/**
 * Sorts the files of folders and the files that were named into builds. An application folder is
 * one that has prj.conf, sysbuild.conf or pm_static.yml; it is built once for each of its boards
 * and file suffixes. A build folder is one build.
 * @param found paths of files found in folders, each behind the folder that was named
 * @param named files that were named one by one: they belong to every build
 * @see zephyr doc/develop/application/index.rst, Application CMakeLists.txt and FILE_SUFFIX
 */
export function planProjects(found: readonly string[], named: readonly string[]): ProjectPlan {
  const explicit = named.map((path) => classifyNamed(path));
  const folders = new Map<string, ProjectFile[]>();
  const rootOf = rootFinder(found);
  for (const path of found) {
    const file = classifyFound(path);
    if (file === null) continue;
    const root = rootOf(path);
    folders.set(root, [...(folders.get(root) ?? []), file]);
  }
  const projects: PlannedProject[] = [];
  const unused: { path: string; reason: string }[] = [];
  for (const [root, files] of folders) {
    const builds = isBuildFolder(files)
      ? [{ name: root, board: null, files }]
      : buildsOf(root, files);
    const own = builds.slice(0, MAX_BUILDS);
    projects.push(...own.map((build) => ({ ...build, files: [...build.files, ...explicit] })));
    const used = new Set(own.flatMap((build) => build.files));
    for (const file of files) {
      if (!used.has(file))
        unused.push({ path: file.path, reason: "for another board or file suffix" });
    }
  }
  if (projects.length === 0 && explicit.length > 0) {
    projects.push({
      name: "",
      board: explicit.find(({ board }) => board !== null)?.board ?? null,
      files: explicit,
    });
  }
  return { projects, unused };
}

/** What a file in a folder is; null for files that are not looked at. */
export function classifyFound(path: string): ProjectFile | null {
  const kind = kindOf(path);
  if (kind === null) return null;
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  const { role, isOwn } = roleOf(parts);
  if (!isOwn) return null;
  const { board, suffix } = variantOf(name, parts.at(-2) ?? "");
  const core = /cpunet/i.test(name) || role === "net" || role === "b0n" ? "net" : "app";
  return { path, kind, role, core, board, suffix };
}

/** What a file is that was named: whatever its name, it is looked at. */
function classifyNamed(path: string): ProjectFile {
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  const kind = kindOf(path) ?? (/\.ya?ml$/.test(name) ? "pm-static" : "kconfig");
  const { board } = variantOf(name, parts.at(-2) ?? "");
  const { role } = roleOf(parts);
  const core = /cpunet/i.test(name) || role === "net" || role === "b0n" ? "net" : "app";
  return { path, kind, role, core, board, suffix: "" };
}

function kindOf(path: string): FileKind | null {
  const name = path.split("/").at(-1) ?? "";
  if (name === "Kconfig.sysbuild") return "sysbuild-defaults";
  if (/^pm_static.*\.ya?ml$/.test(name)) return "pm-static";
  if (/^partitions(_\w+)?\.ya?ml$/.test(name)) return "pm-generated";
  if (/^regions(_\w+)?\.ya?ml$/.test(name)) return "regions";
  if (name.endsWith(".overlay") || name.endsWith(".dtsi")) return "overlay";
  if (name.endsWith(".dts")) return "devicetree";
  if (name.endsWith(".zip")) return "package";
  if (name === ".config" || name.endsWith(".conf") || name.endsWith("_defconfig")) return "kconfig";
  return null;
}

/** The image whose folder or file this is; `isOwn` is false for files that a build does not take by itself. */
function roleOf(parts: readonly string[]): { role: ImageRole | null; isOwn: boolean } {
  const name = parts.at(-1) ?? "";
  const at = parts.findLastIndex((part) => part === "sysbuild" || part === "child_image");
  const inside = at === -1 ? undefined : parts[at + 1];
  if (inside !== undefined) {
    const role = imageRole(inside.replace(/\.(conf|overlay|dtsi)$/, ""));
    return { role, isOwn: role !== null };
  }
  if (name === ".config" || name === "zephyr.dts") {
    // build/mcuboot/zephyr/.config; without a folder of its own only the contents tell.
    const image = parts.at(-2) === "zephyr" ? parts.at(-3) : undefined;
    return {
      role: image === undefined ? null : imageRole(image),
      isOwn: parts.at(-2) === "zephyr",
    };
  }
  if (name === "Kconfig.sysbuild" || /^sysbuild.*\.conf$/.test(name))
    return { role: "sysbuild", isOwn: true };
  const stem = imageRole(name.replace(/\.(conf|overlay|dts)$/, ""));
  if (stem !== null) return { role: stem, isOwn: false };
  if (/^prj.*\.conf$/.test(name) || name === "app.overlay") return { role: "app", isOwn: true };
  if (parts.at(-2) === "boards") return { role: /cpunet/.test(name) ? "net" : "app", isOwn: true };
  const isPlain = /^(pm_static|partitions|regions).*\.ya?ml$|^dfu_application\.zip$/.test(name);
  return { role: "app", isOwn: isPlain };
}

function imageRole(image: string): ImageRole | null {
  if (image === "mcuboot") return "mcuboot";
  if (image === "b0n" || image === "b0") return "b0n";
  return NETWORK_CORE_IMAGES.test(image) ? "net" : null;
}

/** Board and suffix in the name of a file. */
function variantOf(name: string, folder: string): { board: string | null; suffix: string } {
  if (folder === "boards" || name.endsWith("_defconfig")) {
    const stem = name.replace(/\.(conf|overlay|dts|ya?ml)$|_defconfig$/g, "");
    const parts = /^(.*?cpu(?:app|net)(?:_ns)?)_(?!ns$)(.+)$/.exec(stem);
    return { board: parts?.[1] ?? stem, suffix: parts?.[2] ?? "" };
  }
  const rest = /^(?:prj|sysbuild|pm_static)_(.+)\.(?:conf|ya?ml)$/.exec(name)?.[1];
  if (rest === undefined) return { board: null, suffix: "" };
  const board = /^(.*?(?:cpuapp|cpunet|nrf\w*dk)(?:_ns)?)(?:_(.+))?$/i.exec(rest);
  if (board !== null) return { board: board[1] ?? null, suffix: board[2] ?? "" };
  return { board: null, suffix: rest };
}

/** Tells the folder of the application or build that a path belongs to. */
function rootFinder(found: readonly string[]): (path: string) => string {
  const images = new Set(found.filter(isBuilt).map((path) => parentOf(parentOf(path))));
  const holders = [...images].map(parentOf);
  const withPartitions = new Set(
    found.filter((path) => /(^|\/)partitions\w*\.ya?ml$/.test(path)).map(parentOf),
  );
  return (path) => {
    const parts = path.split("/").slice(0, -1);
    const at = parts.findIndex((part) => ["sysbuild", "child_image", "boards"].includes(part));
    if (at !== -1) return parts.slice(0, at).join("/") || ".";
    if (!isBuilt(path))
      return parts.at(-1) === "zephyr" ? parentOf(parentOf(path)) : parentOf(path);
    // build/mcuboot/zephyr/.config and build/zephyr/.config, which is sysbuild's, are one build.
    const image = parentOf(parentOf(path));
    const holder = parentOf(image);
    const isShared = holders.filter((other) => other === holder).length > 1;
    const isInside = images.has(holder) || withPartitions.has(holder) || isShared;
    return isInside && image !== "." && !withPartitions.has(image) ? holder : image;
  };
}

function isBuilt(path: string): boolean {
  return /(^|\/)zephyr\/(\.config|zephyr\.dts)$/.test(path);
}

function parentOf(path: string): string {
  return path.split("/").slice(0, -1).join("/") || ".";
}

function isBuildFolder(files: readonly ProjectFile[]): boolean {
  return files.some(({ path, kind }) => kind === "pm-generated" || isBuilt(path));
}

/** One build for each board and suffix. */
function buildsOf(root: string, files: readonly ProjectFile[]): PlannedProject[] {
  const boards = new Set(
    files.flatMap(({ board, core }) => (board === null || core === "net" ? [] : [board])),
  );
  const nrf5340 = [...boards].filter((board) => !isOtherSoc(board));
  // nRF Desktop and its like have a folder for each board.
  const folder = root.split("/").at(-1) ?? "";
  if ((boards.size > 0 && nrf5340.length === 0) || isOtherSoc(folder)) return [];
  const suffixes = new Set(files.flatMap(({ suffix }) => (suffix === "" ? [] : [suffix])));
  const hasPlain = files.some(({ suffix, board }) => suffix === "" && board === null);
  const builds: PlannedProject[] = [];
  for (const board of nrf5340.length === 0 ? [null] : nrf5340) {
    for (const suffix of hasPlain || suffixes.size === 0 ? ["", ...suffixes] : suffixes) {
      const own = files.filter((file) => belongsTo(file, board, suffix, files));
      if (own.length === 0) continue;
      const parts = [board, suffix === "" ? null : `suffix ${suffix}`].filter(
        (part) => part !== null,
      );
      const name = parts.length === 0 ? root : `${root} (${parts.join(", ")})`;
      builds.push({ name, board, files: own.toSorted((a, b) => rank(a) - rank(b)) });
    }
  }
  return builds;
}

/** True when Zephyr takes the file: for this board, and with the suffix where such a file exists. */
function belongsTo(
  file: ProjectFile,
  board: string | null,
  suffix: string,
  files: readonly ProjectFile[],
): boolean {
  const isForBoard =
    file.board === null ||
    file.board === board ||
    (file.core === "net" && board !== null && file.board.replace("cpunet", "cpuapp") === board);
  if (!isForBoard || (file.suffix !== "" && file.suffix !== suffix)) return false;
  return !files.some(
    (other) => other.kind === file.kind && other !== file && replaces(other, file, board, suffix),
  );
}

/** prj_x.conf replaces prj.conf; pm_static_BOARD.yml replaces pm_static.yml. */
function replaces(
  other: ProjectFile,
  file: ProjectFile,
  board: string | null,
  suffix: string,
): boolean {
  if (
    replacedStem(other) === "" ||
    replacedStem(other) !== replacedStem(file) ||
    other.role !== file.role
  )
    return false;
  if (other.core !== file.core) return false;
  const isSuffixed = suffix !== "" && other.suffix === suffix && file.suffix === "";
  const isForBoard =
    board !== null &&
    other.board === board &&
    file.board === null &&
    replacedStem(file) === "pm_static";
  return (
    (isSuffixed && (other.board === null || other.board === board)) ||
    (isForBoard && other.suffix === file.suffix)
  );
}

/** What a file is a variant of; empty for files that only add. */
function replacedStem({ path, board, kind }: ProjectFile): string {
  if (/(^|\/)boards\/[^/]*$/.test(path)) return `boards/${board} ${kind}`;
  return /[^/]*\/?(prj|sysbuild|pm_static)[^/]*$/.exec(path)?.[1] ?? "";
}

/** Kconfig fragments in the order in which Zephyr merges them. */
function rank({ path, kind }: ProjectFile): number {
  if (kind !== "kconfig") return 0;
  if (path.endsWith("_defconfig")) return 1;
  if (/\/boards\//.test(path)) return 3;
  return path.endsWith("/.config") ? 4 : 2;
}

function isOtherSoc(board: string): boolean {
  return (
    !/nrf5340|thingy53/.test(board) &&
    /nrf5[24]|nrf91|nrf92|nrf71|thingy91|native_|qemu/.test(board)
  );
}
