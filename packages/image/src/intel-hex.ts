// SPDX-License-Identifier: Apache-2.0
import { FormatError, hex } from "@tandem/base";

import { parseMemoryMap } from "./memory-map.js";

/** Firmware from an Intel HEX file. */
export interface HexFirmware {
  /** Address of the first byte. */
  readonly baseAddress: number;
  /** Everything from the first to the last address; gaps hold 0xFF, like erased flash. */
  readonly bytes: Uint8Array;
  /** The ranges that the file fills, ascending. */
  readonly segments: readonly { readonly address: number; readonly length: number }[];
}

/**
 * Largest span of addresses that is accepted, bytes. A file that also programs UICR or the other
 * core spans hundreds of megabytes and is not the image of one core.
 */
export const MAX_HEX_SPAN_BYTES: number = 16 * 1024 * 1024;

/** Longest text that is read, characters: more than 16 MiB of data in records of 16 bytes need. */
export const MAX_HEX_CHARACTERS: number = 64 * 1024 * 1024;

interface DataRecord {
  readonly line: number;
  readonly address: number;
  readonly length: number;
}

/** True when the bytes begin like an Intel HEX file. */
export function looksLikeIntelHex(bytes: Uint8Array): boolean {
  return bytes[0] === 0x3a && /^:[0-9A-Fa-f]{10}/.test(latin1(bytes.subarray(0, 11)));
}

/**
 * Reads an Intel HEX file with 16-bit, 20-bit or 32-bit addresses.
 * @param options.name file name for messages
 * @throws {FormatError} image/bad-hex with file, line, expected and found
 */
export function parseIntelHex(text: string, options: { readonly name: string }): HexFirmware {
  const { name } = options;
  if (text.length > MAX_HEX_CHARACTERS) {
    throw badHex(name, 1, `${text.length} characters, expected at most ${MAX_HEX_CHARACTERS}`);
  }
  // The library stops at its first complaint without line numbers and says nothing of the
  // checksum that it found, so every record is checked here first.
  const { records, lines } = checkRecords(text, name);
  const sorted = records.toSorted((a, b) => a.address - b.address);
  checkOverlaps(sorted, name);
  const first = sorted[0];
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) {
    throw badHex(name, lines.length, "no data records, expected at least one");
  }
  const span = last.address + last.length - first.address;
  if (span > MAX_HEX_SPAN_BYTES) {
    throw badHex(
      name,
      last.line,
      `data at ${hex(last.address, 8)}, expected within ${MAX_HEX_SPAN_BYTES} bytes of the first ` +
        `at ${hex(first.address, 8)}`,
    );
  }
  const bytes = new Uint8Array(span).fill(0xff);
  const segments: { address: number; length: number }[] = [];
  for (const [address, data] of parseMemoryMap(lines.join("\n"), name)) {
    bytes.set(data, address - first.address);
    segments.push({ address, length: data.length });
  }
  return { baseAddress: first.address, bytes, segments };
}

function checkRecords(
  text: string,
  name: string,
): { readonly records: readonly DataRecord[]; readonly lines: readonly string[] } {
  const records: DataRecord[] = [];
  const lines: string[] = [];
  let upper = 0;
  let lineNumber = 0;
  let hasEnded = false;
  for (const raw of text.split(/\r\n|\n|\r/)) {
    lineNumber++;
    const line = raw.trim();
    if (line === "") continue;
    if (hasEnded) throw badHex(name, lineNumber, "a record behind the end-of-file record");
    const record = checkRecord(line, lineNumber, name);
    // The library would make a block of nothing of an empty data record.
    if (record.type !== 0 || record.data.length > 0) lines.push(line);
    if (record.type === 0) {
      const length = record.data.length;
      if (length > 0) records.push({ line: lineNumber, address: upper + record.offset, length });
    } else if (record.type === 1) hasEnded = true;
    else upper = upperAddress(record, upper);
  }
  if (!hasEnded) {
    throw badHex(name, lineNumber, "end of file, expected an end-of-file record (truncated?)");
  }
  return { records, lines };
}

interface HexRecord {
  readonly type: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

function checkRecord(line: string, lineNumber: number, name: string): HexRecord {
  if (!/^:(?:[0-9A-Fa-f]{2}){5,}$/.test(line)) {
    const shown = JSON.stringify(line.slice(0, 24));
    throw badHex(name, lineNumber, `${shown}, expected ":" and at least 5 bytes in hex`);
  }
  const bytes = new Uint8Array((line.length - 1) / 2);
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = Number.parseInt(line.slice(1 + 2 * i, 3 + 2 * i), 16);
    bytes[i] = byte;
    if (i < bytes.length - 1) sum += byte;
  }
  const view = new DataView(bytes.buffer);
  const dataLength = bytes.length - 5;
  if (view.getUint8(0) !== dataLength) {
    throw badHex(name, lineNumber, `length ${view.getUint8(0)}, expected ${dataLength}`);
  }
  const found = view.getUint8(bytes.length - 1);
  const expected = -sum & 0xff;
  if (found !== expected) {
    throw badHex(name, lineNumber, `checksum ${hex(found, 2)}, expected ${hex(expected, 2)}`);
  }
  const record = { type: view.getUint8(3), offset: view.getUint16(1), data: bytes.subarray(4, -1) };
  const complaint = recordComplaint(record);
  if (complaint !== null) throw badHex(name, lineNumber, complaint);
  return record;
}

function recordComplaint({ type, offset, data }: HexRecord): string | null {
  if (type > 5) return `record type ${hex(type, 2)}, expected 0x00 to 0x05`;
  if (type === 0) {
    const end = offset + data.length;
    return end > 0x10000 ? `data ends at ${hex(end)}, expected at most 0x10000` : null;
  }
  if (offset !== 0) return `offset ${hex(offset, 4)}, expected 0x0000`;
  const length = type === 1 ? 0 : type === 2 || type === 4 ? 2 : 4;
  return data.length === length ? null : `length ${data.length}, expected ${length}`;
}

function upperAddress({ type, data }: HexRecord, current: number): number {
  const value = (data[0] ?? 0) * 256 + (data[1] ?? 0);
  if (type === 2) return value * 16;
  return type === 4 ? value * 0x10000 : current;
}

function checkOverlaps(sorted: readonly DataRecord[], name: string): void {
  for (const [i, record] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next === undefined || next.address >= record.address + record.length) continue;
    const later = record.line > next.line ? record : next;
    const earlier = later === record ? next : record;
    throw badHex(
      name,
      later.line,
      `data at ${hex(later.address, 8)} overlaps line ${earlier.line}, expected every address once`,
    );
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function badHex(name: string, line: number, message: string): FormatError {
  return new FormatError("image/bad-hex", `${name}, line ${line}: ${message}`, {
    details: { file: name, line },
  });
}
