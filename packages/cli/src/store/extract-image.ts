// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

import { UsageError, bytesEqual, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { Store } from "@tandem/store";
import type { BankReader, StateRecord, StoreLimits } from "@tandem/store";

import { temporaryName } from "../write-file.js";
import type { OpenDump } from "./dump-flash.js";
import { refuseExisting } from "./write-dump.js";

/** Which image to get out, and where to. */
export interface ExtractOptions {
  readonly limits: StoreLimits;
  readonly bank: number | "accepted" | "previous" | "candidate";
  readonly image: number;
  readonly out: string;
  readonly isReplaced: boolean;
}

export interface Extracted {
  readonly bank: number;
  readonly image: number;
  readonly sizeBytes: number;
  /** SHA-256 of what was read, and the one that the record has. */
  readonly digest: string;
  readonly recordedDigest: string;
  /** Pages that the first copy had lost. */
  readonly otherCopyPages: number;
  readonly ok: boolean;
}

/** Bytes that are read in one go. */
const CHUNK_BYTES = 1 << 16;

/**
 * Copies an image from a bank to a file. The file appears only with the recorded digest.
 * @throws {UsageError} cli/no-image, cli/exists
 * @throws {FormatError} store/not-formatted
 * @throws {TransportError} store/unreadable
 */
export function extractImage(dump: OpenDump, options: ExtractOptions): Extracted {
  refuseExisting(options.out, options.isReplaced);
  let otherCopyPages = 0;
  const store = Store.mount(dump.flash, {
    limits: options.limits,
    onEvent: (event) => {
      if (event.kind === "other-copy") otherCopyPages += 1;
    },
  });
  const bank = bankNumber(store.record, options.bank);
  const stored = store.record.banks[bank]?.images[options.image];
  if (stored === undefined) {
    const counts = store.record.banks.map((held, index) => `${index}: ${held.images.length}`);
    throw new UsageError(
      "cli/no-image",
      `${dump.file}: no image ${options.image} in bank ${bank}; images by bank: ${counts.join(", ")}`,
    );
  }
  const digest = copyTo(options.out, store.readImage(bank, options.image), stored.fileDigest);
  return {
    bank,
    image: options.image,
    sizeBytes: stored.sizeBytes,
    digest: toHex(digest),
    recordedDigest: toHex(stored.fileDigest),
    otherCopyPages,
    ok: bytesEqual(digest, stored.fileDigest),
  };
}

/** Copies through a temporary file, which becomes `out` with the right digest only. */
function copyTo(out: string, reader: BankReader, expected: Uint8Array): Uint8Array {
  const temporary = temporaryName(out);
  const hasher = nodeCrypto.createHash("sha256");
  const fd = openSync(temporary, "wx");
  try {
    try {
      for (let at = 0; at < reader.size; at += CHUNK_BYTES) {
        const bytes = reader.read(at, Math.min(CHUNK_BYTES, reader.size - at));
        hasher.update(bytes);
        writeSync(fd, bytes);
      }
    } finally {
      closeSync(fd);
    }
    const digest = hasher.digest();
    if (bytesEqual(digest, expected)) renameSync(temporary, out);
    return digest;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function bankNumber(record: StateRecord, wanted: ExtractOptions["bank"]): number {
  if (typeof wanted === "number") return wanted;
  const banks = {
    accepted: record.acceptedBank,
    previous: record.previousBank,
    candidate: record.candidateBank,
  };
  const bank = banks[wanted];
  if (bank === null) throw new UsageError("cli/no-image", `the record has no ${wanted} bank`);
  return bank;
}
