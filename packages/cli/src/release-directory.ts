// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { FormatError, UsageError } from "@tandem/base";
import { RELEASE_JSON, encodeReleaseJson, parseReleaseJson } from "@tandem/release";
import type { Release, ReleaseManifest } from "@tandem/release";

import { createFile, temporaryName } from "./write-file.js";

/**
 * Writes a release directory as a whole: it is complete or it is not there. A directory that
 * holds an earlier release and nothing else is replaced.
 * @throws {UsageError} cli/not-a-release for a directory with anything else in it
 */
export async function writeReleaseDirectory(directory: string, release: Release): Promise<void> {
  const path = resolve(directory);
  const isReplaced = await holdsRelease(path);
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  const old = temporaryName(path);
  await mkdir(temporary);
  try {
    for (const [name, bytes] of release.files) await createFile(join(temporary, name), bytes);
    await createFile(join(temporary, RELEASE_JSON), encodeReleaseJson(release.manifest));
    if (isReplaced) await rename(path, old);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

/**
 * Reads release.json of a directory.
 * @throws {FormatError} release/bad-json
 */
export async function readReleaseManifest(directory: string): Promise<ReleaseManifest> {
  const name = join(directory, RELEASE_JSON);
  return parseReleaseJson(await readFile(name, "utf8"), { name });
}

/** True for an earlier release, false for an empty or missing directory. */
async function holdsRelease(path: string): Promise<boolean> {
  const names = await listOrNothing(path);
  if (names === null) return false;
  if (names.length === 0) {
    // rename() replaces an empty directory by itself.
    return false;
  }
  const known = new Set([RELEASE_JSON]);
  try {
    const { images, bundle } = await readReleaseManifest(path);
    for (const { file } of images) known.add(file);
    if (bundle !== undefined) known.add(bundle.file);
  } catch (cause) {
    const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (!isAbsent && !(cause instanceof FormatError)) throw cause;
    throw notARelease(path, `no valid ${RELEASE_JSON}`, cause);
  }
  const stranger = names.find((name) => !known.has(name));
  if (stranger !== undefined) throw notARelease(path, `"${stranger}" beside the release`);
  return true;
}

async function listOrNothing(path: string): Promise<readonly string[] | null> {
  try {
    return await readdir(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

function notARelease(path: string, found: string, cause?: unknown): UsageError {
  return new UsageError(
    "cli/not-a-release",
    `${path}: ${found}, expected a new, an empty or a release directory`,
    { cause },
  );
}
