// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync, statSync } from "node:fs";
import path from "node:path";

import { FormatError, UsageError, isErased } from "@tandem/base";
import { NAND_PROFILES, NandChip, W25N01GV } from "@tandem/flash";
import type { NandProfile, PagedFlash, PageRead, PageStorage } from "@tandem/flash";

import { TwinDirectory } from "../twin/twin-directory.js";

/** How the pages of a dump stand in its file. */
export interface DumpLayout {
  readonly profile: NandProfile;
  /** False: main areas as they stand, read through the chip's own ECC. */
  readonly hasModelEcc: boolean;
}

/** Options of the command line that describe a dump. */
export interface DumpOptions {
  /** Name of a part; the numbers below replace its own. */
  readonly part?: string | undefined;
  readonly pageBytes?: number | undefined;
  readonly spareBytes?: number | undefined;
  readonly pagesPerBlock?: number | undefined;
  readonly blocks?: number | undefined;
  /** False: `--no-ecc`. */
  readonly ecc: boolean;
}

/** A dump that can be read; nothing writes to it. */
export interface OpenDump extends Disposable {
  /** The file itself, also when a directory was named. */
  readonly file: string;
  readonly flash: PagedFlash;
}

/** Bytes of data that one ECC code covers, and of spare area that the model needs for each. */
const ECC_SECTOR_BYTES = 512;
const SPARE_PER_SECTOR_BYTES = 16;

/**
 * The layout that the options name; without a part, the one of the twin directory `name`.
 * @throws {UsageError} cli/geometry
 */
export function dumpLayout(options: DumpOptions, name?: string): DumpLayout {
  const named = NAND_PROFILES.find((profile) => profile.name === options.part);
  const part = named ?? (name === undefined ? null : TwinDirectory.nandOf(name)) ?? W25N01GV;
  const geometry = {
    pageBytes: options.pageBytes ?? part.pageBytes,
    spareBytes: options.spareBytes ?? part.spareBytes,
    pagesPerBlock: options.pagesPerBlock ?? part.pagesPerBlock,
    blockCount: options.blocks ?? part.blockCount,
  };
  const { pageBytes, spareBytes } = geometry;
  const hasModelEcc = options.ecc && spareBytes > 0;
  const sectors = pageBytes / ECC_SECTOR_BYTES;
  if (!Number.isInteger(sectors)) {
    throw new UsageError(
      "cli/geometry",
      `pages of ${pageBytes} bytes, expected a multiple of ${ECC_SECTOR_BYTES}`,
    );
  }
  if (pageBytes === part.pageBytes && spareBytes >= part.spareBytes) {
    return { profile: { ...part, ...geometry }, hasModelEcc };
  }
  if (hasModelEcc && spareBytes < sectors * SPARE_PER_SECTOR_BYTES) {
    throw new UsageError(
      "cli/geometry",
      `${spareBytes} spare bytes for a page of ${pageBytes}, expected ${sectors * SPARE_PER_SECTOR_BYTES} or more, 0 or --no-ecc`,
    );
  }
  // The codes of the part stand where its own spare area is; other pages get one bit per sector.
  const { ecc: _ecc, spare: _spare, ...rest } = part;
  return { profile: { ...rest, ...geometry, name: "other" }, hasModelEcc };
}

/** Whole size of a dump file, bytes. */
function dumpBytes({ profile }: DumpLayout): number {
  const { pageBytes, spareBytes, pagesPerBlock, blockCount } = profile;
  return (pageBytes + spareBytes) * pagesPerBlock * blockCount;
}

/** The dump file of a path: `nand.bin` of a twin directory, or the path itself. */
export function dumpFile(name: string): string {
  return statSync(name).isDirectory() ? path.join(name, "nand.bin") : name;
}

/**
 * Opens a dump file, or the NAND of a twin directory, for reading.
 * @throws {UsageError} cli/not-a-file
 * @throws {FormatError} cli/dump-size
 */
export function openDump(name: string, layout: DumpLayout): OpenDump {
  const file = dumpFile(name);
  const { profile } = layout;
  const found = statSync(file);
  // Opening a pipe would wait for somebody to write to it.
  if (!found.isFile()) throw new UsageError("cli/not-a-file", `${file}: not a file`);
  const expected = dumpBytes(layout);
  if (found.size !== expected) {
    throw new FormatError(
      "cli/dump-size",
      `${file}: ${found.size} bytes, expected ${expected}: ${profile.blockCount} blocks of ${profile.pagesPerBlock} pages of ${profile.pageBytes} + ${profile.spareBytes} bytes`,
      { details: { found: found.size, expected } },
    );
  }
  const fd = openSync(file, "r");
  const storage = fileReader(fd, profile.pageBytes + profile.spareBytes);
  const flash = layout.hasModelEcc
    ? new NandChip({ name: "dump", profile, storage })
    : plainFlash(storage, profile);
  return { file, flash, [Symbol.dispose]: () => closeSync(fd) };
}

function fileReader(fd: number, pageBytes: number): PageStorage {
  return {
    read: (page) => {
      const bytes = new Uint8Array(pageBytes);
      readSync(fd, bytes, 0, pageBytes, page * pageBytes);
      return isErased(bytes) ? null : bytes;
    },
    write: readOnly,
    erase: readOnly,
  };
}

/** Main areas as they stand: what the chip's ECC could not correct shows by its CRC. */
function plainFlash(storage: PageStorage, profile: NandProfile): PagedFlash {
  const { pageBytes, spareBytes, pagesPerBlock } = profile;
  return {
    geometry: profile,
    eccStrengthBits: 0,
    readPage: (page): PageRead => ({
      data: storage.read(page)?.slice(0, pageBytes) ?? new Uint8Array(pageBytes).fill(0xff),
      status: "ok",
      correctedBits: 0,
    }),
    programPage: readOnly,
    eraseBlock: readOnly,
    isMarkedBad: (block) => {
      const { pages, spareBytes: markBytes } = profile.mark ?? { pages: [0], spareBytes: 1 };
      return pages.some((page) => {
        const stored = storage.read(block * pagesPerBlock + page);
        if (stored === null) return false;
        // Without a spare area, the mark in the main area is all there is; nothing of a store
        // begins with a zero byte.
        if (spareBytes === 0) return page === 0 && stored[0] === 0x00;
        return !isErased(stored.subarray(pageBytes, pageBytes + markBytes));
      });
    },
  };
}

function readOnly(): never {
  throw new UsageError("cli/read-only", "a dump that is inspected is not written to");
}
