// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";

import { FormatError, isErased } from "@tandem/base";

import { MediumState } from "../medium-state.js";
import type { PageStorage } from "../page-storage.js";

/** Page storage in a file, written through: a killed process leaves what a power cut would. */
export interface FileStorage extends PageStorage {
  /** Not in the file: who wants it to outlive the process keeps `medium.toJson()` beside it. */
  readonly medium: MediumState;
  close(): void;
}

/**
 * Opens a raw flash image; creates it, erased, when `create` is set.
 * @throws {FormatError} flash/file-size when the file is not exactly `pageCount` pages long
 */
export function openFileStorage(
  file: string,
  options: {
    readonly pageBytes: number;
    readonly pageCount: number;
    readonly create?: boolean;
    readonly medium?: MediumState;
  },
): FileStorage {
  const { pageBytes, pageCount } = options;
  const fd = openSync(file, options.create === true ? "wx+" : "r+");
  if (options.create === true) writeErased(fd, 0, pageBytes * pageCount);
  const size = fstatSync(fd).size;
  if (size !== pageBytes * pageCount) {
    closeSync(fd);
    throw new FormatError(
      "flash/file-size",
      `${file}: ${size} bytes, expected ${pageBytes * pageCount}`,
      { details: { file, found: size, expected: pageBytes * pageCount } },
    );
  }
  return {
    medium: options.medium ?? new MediumState(),
    read: (page) => {
      const bytes = new Uint8Array(pageBytes);
      readSync(fd, bytes, 0, pageBytes, page * pageBytes);
      return isErased(bytes) ? null : bytes;
    },
    write: (page, bytes) => void writeSync(fd, bytes, 0, pageBytes, page * pageBytes),
    erase: (firstPage, count) => writeErased(fd, firstPage * pageBytes, count * pageBytes),
    close: () => closeSync(fd),
  };
}

function writeErased(fd: number, offset: number, length: number): void {
  const chunk = new Uint8Array(Math.min(length, 1 << 20)).fill(0xff);
  for (let at = 0; at < length; at += chunk.length) {
    const count = Math.min(chunk.length, length - at);
    writeSync(fd, chunk, 0, count, offset + at);
  }
}
