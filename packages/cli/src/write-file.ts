// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";

import { UsageError } from "@tandem/base";

/** A name beside `path` that nobody else uses. */
export function temporaryName(path: string): string {
  return `${path.replace(/\/+$/, "")}.${randomBytes(4).toString("hex")}.tmp`;
}

/** Replaces a file as a whole: whoever looks sees the old one or the new one. */
export async function replaceFile(
  path: string,
  content: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await writeSynced(temporary, content, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes a file that must not be there yet.
 * @throws {UsageError} cli/exists
 */
export async function createFile(
  path: string,
  content: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  try {
    await writeSynced(path, content, mode);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
    throw new UsageError("cli/exists", `${path}: a file, expected a new name or --force`, {
      cause,
    });
  }
}

async function writeSynced(
  path: string,
  content: Uint8Array | string,
  mode: number,
): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
