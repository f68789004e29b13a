// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

import { FormatError, TandemError, TransportError } from "@tandem/base";

import type { ReleaseManifest } from "./release-formats.js";

/** Name of the document that makes a directory a release. */
export const RELEASE_JSON = "release.json";

/** A release.json describes a handful of images. */
const MAX_RELEASE_JSON_BYTES = 65_536;

/** Far above any image of a microcontroller; a larger file is a mistake and not worth the memory. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Names that need no escaping in a URL or a shell and cannot leave the directory. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$/;

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
 * @throws {FormatError} server/bad-name, server/too-large; what `parse` throws
 * @throws {TransportError} server/unreadable when a file is missing, no regular file, or changes
 * while it is read
 */
export async function readReleaseDirectory(
  { directory, label }: ReleaseLocation,
  parse: (text: string, where: { readonly name: string }) => ReleaseManifest,
): Promise<ReleaseDirectory> {
  const where = { directory, label };
  const document = await readPublished(where, RELEASE_JSON, MAX_RELEASE_JSON_BYTES);
  const name = join(label, RELEASE_JSON);
  const manifest = parse(decodeText(document.bytes, name), { name });
  const files = new Map([[RELEASE_JSON, document.file]]);
  const contents = new Map<string, Uint8Array>();
  const findings: ReleaseFinding[] = [];
  const described = manifest.bundle === undefined ? [] : [manifest.bundle];
  for (const entry of [...manifest.images, ...described]) {
    assertPlainName(name, entry.file);
    // One after the other: a release is a few files, and this bounds the memory in flight.
    // oxlint-disable-next-line no-await-in-loop
    const { bytes, file } = await readPublished(where, entry.file, MAX_FILE_BYTES);
    findings.push(...compare(join(label, entry.file), entry, file));
    files.set(entry.file, file);
    contents.set(entry.file, bytes);
  }
  return { ...where, manifest, contents, files, findings };
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

function assertPlainName(document: string, file: string): void {
  if (PLAIN_NAME.test(file) && file !== RELEASE_JSON) return;
  throw new FormatError(
    "server/bad-name",
    `${document}: file ${JSON.stringify(file)}, expected a plain file name`,
    { details: { found: file } },
  );
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
