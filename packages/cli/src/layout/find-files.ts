// SPDX-License-Identifier: Apache-2.0
import { lstatSync, readdirSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";

import { UsageError } from "@tandem/base";
import { classifyFound } from "@tandem/layout";

/** Folders that hold no configuration of a product, or a great many files. */
const SKIPPED = new Set([".git", ".west", "node_modules", "CMakeFiles", "_deps", "__pycache__"]);

/** Deepest folder below the one that was named. */
const MAX_DEPTH = 8;

/** Most entries that are looked at: a build folder has 20,000. */
const MAX_ENTRIES = 200_000;

/** What stands behind the paths of a command line. */
export interface FoundPaths {
  /** Files in folders, with the folder in front. */
  readonly found: readonly string[];
  /** Files that were named themselves. */
  readonly named: readonly string[];
}

/**
 * Looks for configuration files below folders, in the same order everywhere; links are not
 * followed.
 * @throws {UsageError} layout/cannot-read for a path that is not there, layout/too-many-files
 */
export function findFiles(paths: readonly string[]): FoundPaths {
  const found: string[] = [];
  const named: string[] = [];
  const budget = { entries: MAX_ENTRIES };
  for (const path of paths) {
    if (isDirectory(path)) walk(path, 0, found, budget);
    else named.push(path);
  }
  return { found: found.map(portable), named: named.map(portable) };
}

function isDirectory(path: string): boolean {
  try {
    const entry = statSync(path);
    if (entry.isDirectory()) return true;
    if (entry.isFile()) return false;
  } catch (cause) {
    throw new UsageError("layout/cannot-read", `${path}: no such file or folder`, { cause });
  }
  throw new UsageError("layout/cannot-read", `${path}: neither a file nor a folder`);
}

function walk(folder: string, depth: number, found: string[], budget: { entries: number }): void {
  const names = readdirSync(folder).toSorted();
  budget.entries -= names.length;
  if (budget.entries < 0) {
    const message = `${folder}: more than ${MAX_ENTRIES} files, name a smaller folder`;
    throw new UsageError("layout/too-many-files", message);
  }
  for (const name of names) {
    const path = join(folder, name);
    const entry = lstatSync(path);
    if (entry.isDirectory()) {
      if (depth < MAX_DEPTH && !SKIPPED.has(name)) walk(path, depth + 1, found, budget);
    } else if (entry.isFile() && classifyFound(portable(path)) !== null) found.push(path);
  }
}

/** Paths with "/" on every system, without "./". */
function portable(path: string): string {
  const plain = path.split(sep).join("/");
  return plain.startsWith("/") ? plain : relative(".", path).split(sep).join("/") || ".";
}
