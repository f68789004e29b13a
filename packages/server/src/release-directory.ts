// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

import { FormatError, TandemError, TransportError, bytesEqual } from "@tandem/base";
import {
  MAX_IMAGE_BYTES,
  MAX_RELEASE_JSON_CHARACTERS,
  RELEASE_JSON,
  parseMultiImage,
  parseReleaseJson,
} from "@tandem/release";
import type { ReleaseManifest } from "@tandem/release";

/** One thing that is wrong with a release. */
export interface ReleaseFinding {
  /** `package/what-is-wrong`. */
  readonly code: string;
  /** One line: file, found, expected. */
  readonly message: string;
}

/** A release as it was read: the bytes that were checked and whose digests are served. */
export interface LoadedRelease {
  /** Absolute path of the directory. */
  readonly directory: string;
  /** Its path below the root: the name by which people and clients are told of it. */
  readonly label: string;
  readonly manifest: ReleaseManifest;
  /** Content of every file that release.json names, by its name. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** A directory and the name that messages have for it. */
export interface ReleaseLocation {
  readonly directory: string;
  readonly label: string;
}

/** A file at the moment at which it was read. */
export interface PublishedFile {
  readonly name: string;
  readonly directory: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content in lower-case hex. */
  readonly sha256: string;
  /** True while the file on disk is the one that was read: same inode, size and time of change. */
  isUnchanged(now: Stats): boolean;
}

/** Everything known about a release directory. */
export interface ReleaseDirectory extends LoadedRelease {
  /** Files that may be served, release.json among them, by name. */
  readonly files: ReadonlyMap<string, PublishedFile>;
  /** Files whose size or digest is not the one in release.json. */
  readonly findings: readonly ReleaseFinding[];
}

/**
 * Reads a release directory completely, each file once.
 * @throws {FormatError} release/bad-json, server/not-text, server/too-large
 * @throws {TransportError} server/unreadable when a file is missing, no regular file, or changes
 * while it is read
 */
export async function readReleaseDirectory(where: ReleaseLocation): Promise<ReleaseDirectory> {
  const { directory, label } = where;
  const document = await readPublished(where, RELEASE_JSON, MAX_RELEASE_JSON_CHARACTERS);
  const name = join(label, RELEASE_JSON);
  const manifest = parseReleaseJson(decodeText(document.bytes, name), { name });
  const files = new Map([[RELEASE_JSON, document.file]]);
  const contents = new Map<string, Uint8Array>();
  const findings: ReleaseFinding[] = [];
  const described = manifest.bundle === undefined ? [] : [manifest.bundle];
  for (const entry of [...manifest.images, ...described]) {
    // One after the other: a release is a few files, and this bounds the memory in flight.
    // oxlint-disable-next-line no-await-in-loop
    const { bytes, file } = await readPublished(where, entry.file, MAX_IMAGE_BYTES);
    findings.push(...compare(join(label, entry.file), entry, file));
    files.set(entry.file, file);
    contents.set(entry.file, bytes);
  }
  findings.push(...compareBundle(label, manifest, contents));
  return { directory, label, manifest, contents, files, findings };
}

/** Devices that download the bundle must get the images that were checked one by one. */
function compareBundle(
  label: string,
  manifest: ReleaseManifest,
  contents: ReadonlyMap<string, Uint8Array>,
): ReleaseFinding[] {
  if (manifest.bundle === undefined) return [];
  const path = join(label, manifest.bundle.file);
  try {
    const bytes = contents.get(manifest.bundle.file) ?? new Uint8Array();
    const parts = parseMultiImage(bytes, { name: path });
    const found = parts.map(({ id }) => id).toSorted((a, b) => a - b);
    const expected = manifest.images.map(({ index }) => index);
    if (String(found) !== String(expected)) {
      const message = `${path}: images ${found.join(", ")}, expected ${expected.join(", ")}`;
      return [{ code: "server/bundle", message }];
    }
    const other = manifest.images.find(({ index, file }) => {
      const part = parts.find(({ id }) => id === index);
      return !bytesEqual(part?.bytes ?? new Uint8Array(), contents.get(file) ?? new Uint8Array());
    });
    if (other === undefined) return [];
    const message = `${path}: image ${other.index} differs, expected the bytes of ${other.file}`;
    return [{ code: "server/bundle", message }];
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    return [{ code: error.code, message: error.message }];
  }
}

function compare(
  path: string,
  expected: { readonly size: number; readonly sha256: string },
  found: PublishedFile,
): ReleaseFinding[] {
  if (found.sizeBytes !== expected.size) {
    const message = `${path}: ${found.sizeBytes} bytes, expected ${expected.size}`;
    return [{ code: "server/size", message }];
  }
  if (found.sha256 === expected.sha256) return [];
  const message = `${path}: SHA-256 ${found.sha256}, expected ${expected.sha256}`;
  return [{ code: "server/digest", message }];
}

async function readPublished(
  { directory, label }: ReleaseLocation,
  name: string,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; file: PublishedFile }> {
  const path = join(label, name);
  try {
    // Not following a link: what it points to could be exchanged, or lie outside the directory.
    await using handle = await open(
      join(directory, name),
      constants.O_RDONLY | constants.O_NOFOLLOW,
    );
    const before = await handle.stat();
    if (!before.isFile()) throw unreadable(path, "not a regular file");
    if (before.size > maxBytes) {
      const message = `${path}: ${before.size} bytes, expected at most ${maxBytes}`;
      throw new FormatError("server/too-large", message);
    }
    const bytes = new Uint8Array(await handle.readFile());
    const isUnchanged = (now: Stats): boolean =>
      now.ino === before.ino &&
      now.dev === before.dev &&
      now.size === before.size &&
      now.mtimeMs === before.mtimeMs;
    if (bytes.length !== before.size || !isUnchanged(await handle.stat())) {
      throw unreadable(path, "changes while it is read");
    }
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { bytes, file: { name, directory, sizeBytes: bytes.length, sha256, isUnchanged } };
  } catch (error) {
    if (error instanceof TandemError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw unreadable(path, code === "ELOOP" ? "a symbolic link" : code, error);
  }
}

function unreadable(path: string, found: string, cause?: unknown): TransportError {
  return new TransportError("server/unreadable", `${path}: ${found}, expected a readable file`, {
    cause,
    details: { path, found },
  });
}

function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError("server/not-text", `${name}: not UTF-8 text`, { cause });
  }
}
