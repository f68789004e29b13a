// SPDX-License-Identifier: Apache-2.0
import type { ProjectFiles } from "../base-projects.js";

/** Whole content of a file, or replacements of text that stands in it once. */
type Change = string | Uint8Array | readonly (readonly [from: string, to: string])[];

/** Files that differ from a base project. */
export type Changes = Readonly<Record<string, Change>>;

/** One input that breaks one rule, and the same input put right. */
export interface RuleCase {
  readonly rule: string;
  /** Completes "finds …". */
  readonly name: string;
  readonly base: ProjectFiles;
  readonly bad: Changes;
  /** File and line, without indentation, that the finding points to. */
  readonly at: readonly [file: string, line: string];
  /** The base itself when absent. */
  readonly fixed?: Changes;
  readonly sdk?: string;
  readonly release?: boolean;
}

/** A base project with changes. */
export function withChanges(base: ProjectFiles, changes: Changes): ProjectFiles {
  const files: Record<string, string | Uint8Array> = { ...base };
  for (const [path, change] of Object.entries(changes)) {
    if (typeof change === "string" || change instanceof Uint8Array) {
      files[path] = change;
      continue;
    }
    let text = files[path];
    for (const [from, to] of change) {
      if (typeof text !== "string" || text.split(from).length !== 2) {
        throw new TypeError(`${path}: ${JSON.stringify(from)} does not stand there once`);
      }
      text = text.replace(from, () => to);
    }
    files[path] = text ?? "";
  }
  return files;
}
