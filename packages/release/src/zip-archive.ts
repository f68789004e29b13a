// SPDX-License-Identifier: Apache-2.0
import { FormatError, bytes as rawBytes, hex, struct, u16, u32 } from "@tandem/base";
import { inflateSync, zipSync } from "fflate";
import type { Zippable } from "fflate";

import { crc32 } from "./crc32.js";

/** Most members of an archive: four images, manifest.json, and room for what vendors add. */
export const MAX_ZIP_MEMBERS = 16;

/** Most bytes of all members together, uncompressed: four images of 16 MiB. */
export const MAX_ZIP_CONTENT_BYTES = 67_108_864;

const STORED = 0;
const DEFLATED = 8;
const FLAG_ENCRYPTED = 0x0001;

// APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
const END_MAGIC = 0x0605_4b50;
const CENTRAL_MAGIC = 0x0201_4b50;
const LOCAL_MAGIC = 0x0403_4b50;

const END = struct<{
  magic: number;
  disks: Uint8Array;
  entriesHere: number;
  entries: number;
  directorySize: number;
  directoryOffset: number;
  commentLength: number;
}>("end_of_central_directory", {
  magic: u32,
  disks: rawBytes(4),
  entriesHere: u16,
  entries: u16,
  directorySize: u32,
  directoryOffset: u32,
  commentLength: u16,
});

interface CentralEntry {
  readonly magic: number;
  readonly versions: Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly time: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly nameLength: number;
  readonly extraLength: number;
  readonly commentLength: number;
  readonly attributes: Uint8Array;
  readonly localOffset: number;
}

const CENTRAL = struct<CentralEntry>("central_file_header", {
  magic: u32,
  versions: rawBytes(4),
  flags: u16,
  method: u16,
  time: u32,
  crc: u32,
  packedSize: u32,
  size: u32,
  nameLength: u16,
  extraLength: u16,
  commentLength: u16,
  attributes: rawBytes(8),
  localOffset: u32,
});

const LOCAL = struct<{
  magic: number;
  skipped: Uint8Array;
  nameLength: number;
  extraLength: number;
}>("local_file_header", { magic: u32, skipped: rawBytes(22), nameLength: u16, extraLength: u16 });

/** True when the bytes begin like a ZIP archive with members. */
export function looksLikeZip(bytes: Uint8Array): boolean {
  return bytes.length >= LOCAL.size && LOCAL.parse(bytes).magic === LOCAL_MAGIC;
}

/**
 * Members of an archive by name, in the order of its directory. Every member's length and
 * checksum are verified.
 * @param options.name file name for messages
 * @throws {FormatError} release/bad-zip for anything that is not a plain archive of a few files
 */
export function readZip(
  bytes: Uint8Array,
  options: { readonly name: string },
): ReadonlyMap<string, Uint8Array> {
  const { name } = options;
  const end = findEnd(bytes, name);
  const members = new Map<string, Uint8Array>();
  let at = end.directoryOffset;
  let total = 0;
  for (let i = 0; i < end.entries; i++) {
    if (at + CENTRAL.size > bytes.length) throw badZip(name, at, "directory ends early");
    const entry = CENTRAL.parse(bytes, at);
    if (entry.magic !== CENTRAL_MAGIC) {
      throw badZip(name, at, `magic ${hex(entry.magic, 8)}, expected ${hex(CENTRAL_MAGIC, 8)}`);
    }
    const member = memberName(bytes, at + CENTRAL.size, entry, name);
    if (members.has(member)) throw badZip(name, at, `member "${member}" again, expected it once`);
    total += entry.size;
    if (total > MAX_ZIP_CONTENT_BYTES) {
      throw badZip(
        name,
        at,
        `members of ${total} bytes, expected at most ${MAX_ZIP_CONTENT_BYTES}`,
      );
    }
    members.set(member, unpack(bytes, entry, `${name}: member "${member}"`));
    at += CENTRAL.size + entry.nameLength + entry.extraLength + entry.commentLength;
  }
  return members;
}

/** An archive of stored members in this order; the same for the same members. */
export function writeZip(members: ReadonlyMap<string, Uint8Array>): Uint8Array {
  // ZIP stores local time, so the earliest local date that it knows is the same bytes everywhere.
  const mtime = new Date(1980, 0, 1);
  const files: Zippable = {};
  for (const [name, bytes] of members) files[name] = [bytes, { level: 0, mtime }];
  return zipSync(files);
}

function findEnd(bytes: Uint8Array, name: string): { entries: number; directoryOffset: number } {
  const at = bytes.length - END.size;
  // Archives with a comment are refused rather than searched for their end.
  const end = at >= 0 ? END.parse(bytes, at) : undefined;
  if (end?.magic !== END_MAGIC || end.commentLength !== 0) {
    const message = "no end of central directory, expected one at the end of the file (truncated?)";
    throw badZip(name, Math.max(0, at), message);
  }
  if (end.disks.some((byte) => byte !== 0) || end.entriesHere !== end.entries) {
    throw badZip(name, at, "one part of several, expected a whole archive");
  }
  if (end.entries > MAX_ZIP_MEMBERS) {
    throw badZip(name, at, `${end.entries} members, expected at most ${MAX_ZIP_MEMBERS}`);
  }
  if (end.directoryOffset + end.directorySize !== at) {
    const found = hex(end.directoryOffset + end.directorySize);
    throw badZip(name, at, `directory ends at ${found}, expected ${hex(at)}`);
  }
  return end;
}

function memberName(bytes: Uint8Array, at: number, entry: CentralEntry, name: string): string {
  if (at + entry.nameLength > bytes.length) throw badZip(name, at, "directory ends early");
  const member = String.fromCharCode(...bytes.subarray(at, at + Math.min(entry.nameLength, 128)));
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/.test(member)) return member;
  throw badZip(name, at, `member ${JSON.stringify(member)}, expected a plain file name`);
}

function unpack(bytes: Uint8Array, entry: CentralEntry, name: string): Uint8Array {
  const at = entry.localOffset;
  if ((entry.flags & FLAG_ENCRYPTED) !== 0) throw badZip(name, at, "encrypted, expected plain");
  if (at + LOCAL.size > bytes.length) throw badZip(name, at, "local header behind the end");
  const local = LOCAL.parse(bytes, at);
  if (local.magic !== LOCAL_MAGIC) {
    throw badZip(name, at, `magic ${hex(local.magic, 8)}, expected ${hex(LOCAL_MAGIC, 8)}`);
  }
  const start = at + LOCAL.size + local.nameLength + local.extraLength;
  const packed = bytes.subarray(start, start + entry.packedSize);
  if (packed.length !== entry.packedSize) {
    throw badZip(name, start, `${packed.length} bytes, expected ${entry.packedSize}`);
  }
  const content = inflate(packed, entry, start, name);
  if (content.length !== entry.size) {
    throw badZip(name, start, `${content.length} bytes unpacked, expected ${entry.size}`);
  }
  const crc = crc32(content);
  if (crc === entry.crc) return content;
  throw badZip(name, start, `CRC-32 ${hex(crc, 8)}, expected ${hex(entry.crc, 8)}`);
}

function inflate(packed: Uint8Array, entry: CentralEntry, at: number, name: string): Uint8Array {
  if (entry.method === STORED) return packed.slice();
  if (entry.method !== DEFLATED) {
    throw badZip(name, at, `method ${entry.method}, expected 0 (stored) or 8 (deflated)`);
  }
  try {
    // The buffer bounds what a bomb can unpack; a lie about the size fails the checksum.
    return inflateSync(packed, { out: new Uint8Array(entry.size) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badZip(name, at, `cannot be unpacked (${reason})`, cause);
  }
}

function badZip(name: string, at: number, message: string, cause?: unknown): FormatError {
  return new FormatError("release/bad-zip", `${name}: at ${hex(at)}: ${message}`, {
    cause,
    details: { file: name, offset: at },
  });
}
