// SPDX-License-Identifier: Apache-2.0
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { TandemError, UsageError } from "@tandem/base";
import { RELEASE_JSON } from "@tandem/release";

import { readReleaseDirectory } from "./release-directory.js";
import type {
  LoadedRelease,
  ReleaseDirectory,
  ReleaseFinding,
  ReleaseLocation,
} from "./release-directory.js";

/** Judges the images of a release; no finding means that devices may have it. */
export type ReleaseCheck = (
  release: LoadedRelease,
) => readonly ReleaseFinding[] | Promise<readonly ReleaseFinding[]>;

/** A release that is served; its content stays on disk. */
export interface PublishedRelease extends Omit<ReleaseDirectory, "contents"> {
  /** What would have kept it from being published; empty unless the server is unchecked. */
  readonly findings: readonly ReleaseFinding[];
}

/** A directory that holds a release.json and is not served. */
export interface RefusedRelease {
  /** Its path below the root. */
  readonly label: string;
  /** All reasons, never empty. */
  readonly reasons: readonly ReleaseFinding[];
}

/** What became of the release directories below a root. */
export interface Publication {
  /** By version, in the order of the directories' names. */
  readonly published: ReadonlyMap<string, PublishedRelease>;
  readonly refused: readonly RefusedRelease[];
}

/**
 * Reads every release directory below `root` (and `root` itself, if it is one), checks it, and
 * sorts it into published or refused. A broken directory never stops the others. Of directories
 * with the same version the first by name is published.
 * @param options.unchecked publishes releases whatever size, digest and `check` say; a release.json
 * that cannot be read is refused all the same, because nothing could be served from it
 * @throws {UsageError} server/bad-root when `root` cannot be listed
 */
export async function publishReleases(options: {
  readonly root: string;
  readonly check: ReleaseCheck;
  readonly unchecked: boolean;
}): Promise<Publication> {
  const published = new Map<string, PublishedRelease>();
  const refused: RefusedRelease[] = [];
  for (const where of await findReleaseDirectories(options.root)) {
    // One after the other, so that the order decides between equal versions.
    // oxlint-disable-next-line no-await-in-loop
    const outcome = await judgeDirectory(where, options, published);
    if ("reasons" in outcome) refused.push(outcome);
    else published.set(outcome.manifest.version, outcome);
  }
  return { published, refused };
}

async function judgeDirectory(
  where: ReleaseLocation,
  options: Parameters<typeof publishReleases>[0],
  published: ReadonlyMap<string, PublishedRelease>,
): Promise<PublishedRelease | RefusedRelease> {
  const { label } = where;
  try {
    const release = await readReleaseDirectory(where);
    const { version } = release.manifest;
    const other = published.get(version);
    if (other !== undefined) {
      const message = `${join(label, RELEASE_JSON)}: version ${version}, expected one that ${other.label} does not have`;
      return { label, reasons: [{ code: "server/duplicate-version", message }] };
    }
    const { directory, manifest, files } = release;
    const served = { directory, label, manifest, files, findings: release.findings };
    if (options.unchecked) return served;
    const findings = [...release.findings];
    // Images that are not the ones in release.json are not worth a second opinion.
    if (findings.length === 0) findings.push(...(await options.check(release)));
    return findings.length === 0 ? served : { label, reasons: findings };
  } catch (error) {
    return { label, reasons: [findingOf(error, label)] };
  }
}

function findingOf(error: unknown, label: string): ReleaseFinding {
  if (error instanceof TandemError) return { code: error.code, message: error.message };
  // Not a reason to stop serving the other releases, whatever it is.
  const message = error instanceof Error ? error.message : String(error);
  return { code: "server/check-failed", message: `${label}: ${message}` };
}

async function findReleaseDirectories(root: string): Promise<ReleaseLocation[]> {
  try {
    const names = (await readdir(root)).toSorted();
    const found: ReleaseLocation[] = [];
    if (names.includes(RELEASE_JSON)) found.push({ directory: resolve(root), label: "." });
    for (const name of names) {
      const directory = resolve(root, name);
      // oxlint-disable-next-line no-await-in-loop
      if (await holdsReleaseJson(directory)) found.push({ directory, label: name });
    }
    return found;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    throw new UsageError("server/bad-root", `${root}: ${code}, expected a directory`, { cause });
  }
}

async function holdsReleaseJson(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).includes(RELEASE_JSON);
  } catch {
    // A file, or a directory that is none of this server's business.
    return false;
  }
}
