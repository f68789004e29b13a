// SPDX-License-Identifier: Apache-2.0
import { isErased } from "@tandem/base";
import type { MemoryStorage, PageRead, PagedFlash } from "@tandem/flash";
import {
  RECORD_FLAG_COPY,
  decodeBlockHeader,
  decodeBlockSummary,
  decodeRecord,
  planStore,
  recordLayout,
} from "@tandem/store";
import type {
  BlockIdentity,
  BlockSummary,
  JournalPage,
  RecordedReason,
  StoreLimits,
  StorePlan,
} from "@tandem/store";

import { describeReason } from "@tandem/update";

import { Fingerprint, fingerprintOf } from "./fingerprint.js";
import type { Geometry } from "./geometry.js";

/** Two halves of a 64-bit fingerprint. */
export interface Pair {
  readonly high: number;
  readonly low: number;
}

/** What one page of the store is, as far as reading it can tell. */
export interface PageFacts {
  readonly status: PageRead["status"];
  readonly isBlank: boolean;
  /** The record on it, when it is one. */
  readonly record: JournalPage | null;
  /** Fingerprint of what that record says. */
  readonly recordKey: Pair;
  /** So many bits were corrected that the store would move its block. */
  readonly isWeak: boolean;
  /** The data block header on it, when it is one. */
  readonly header: BlockIdentity | null;
  /** The data block summary on it, when it is one. */
  readonly summary: BlockSummary | null;
  /** Fingerprint of what a read returns. */
  readonly dataKey: Pair;
}

const NO_PAIR: Pair = { high: 0, low: 0 };

const MAX_KNOWN = 100_000;

/**
 * Facts about pages, worked out once per content. States share their pages, so nearly all of them
 * are known already.
 */
export class PageFactsCache {
  readonly #geometry: Geometry;
  readonly #byObject = new WeakMap<Uint8Array, readonly PageFacts[]>();
  readonly #byContent = new Map<number, { readonly high: number; readonly facts: PageFacts }[]>();
  readonly #plan: StorePlan;
  readonly #blank: PageFacts;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
    this.#plan = planStore(geometry.chip.shape, geometry.limits);
    const data = new Uint8Array(geometry.chip.shape.pageBytes).fill(0xff);
    this.#blank = this.#describe({ data, status: "ok", correctedBits: 0 }, 0);
  }

  /** What the page holds; an unstable one: when it reads well. */
  factsOf(storage: MemoryStorage, page: number): PageFacts {
    const { pagesPerStoragePage, make } = this.#geometry.chip;
    const storagePage = (page / pagesPerStoragePage) | 0;
    const stored = storage.read(storagePage);
    if (stored === null) return this.#blank;
    let facts = this.#byObject.get(stored);
    if (facts === undefined) {
      const flash = make(storage, {}, () => true);
      const first = storagePage * pagesPerStoragePage;
      facts = Array.from({ length: pagesPerStoragePage }, (_, i) =>
        this.#work(stored, flash, first + i, i),
      );
      this.#byObject.set(stored, facts);
    }
    return facts[page % pagesPerStoragePage] ?? this.#blank;
  }

  #work(stored: Uint8Array, flash: PagedFlash, page: number, index: number): PageFacts {
    const bytes = stored.length / this.#geometry.chip.pagesPerStoragePage;
    const content = fingerprintOf(stored.subarray(index * bytes, (index + 1) * bytes));
    const number = (content.high & 0xfffff) * 0x1_0000_0000 + (content.low >>> 0);
    const alike = this.#byContent.get(number);
    const known = alike?.find(({ high }) => high === content.high);
    if (known !== undefined) return known.facts;
    if (this.#byContent.size > MAX_KNOWN) this.#byContent.clear();
    const facts = this.#describe(flash.readPage(page), flash.eccStrengthBits);
    this.#byContent.set(number, [...(alike ?? []), { high: content.high, facts }]);
    return facts;
  }

  #describe(read: PageRead, eccStrengthBits: number): PageFacts {
    const { status, data, correctedBits } = read;
    const { limits } = this.#geometry;
    const isReadable = status !== "uncorrectable";
    const isBlank = isReadable && isErased(data);
    const isWritten = isReadable && !isBlank;
    const record = isWritten ? decodeRecord(data, limits) : null;
    return {
      status,
      isBlank,
      isWeak:
        status === "corrected" && (eccStrengthBits <= 1 || correctedBits * 2 > eccStrengthBits),
      record,
      recordKey: record === null ? NO_PAIR : recordKeyOf(data, record, limits),
      header: isWritten ? decodeBlockHeader(data) : null,
      summary: isWritten ? decodeBlockSummary(data, this.#plan) : null,
      dataKey: isWritten ? fingerprintOf(data) : NO_PAIR,
    };
  }
}

/**
 * What the record says, as far as anything goes by it. A copy says the same, in another chain or at
 * another time. Of a reason the code asks only whether there is one and whether it was a repair.
 */
function recordKeyOf(data: Uint8Array, page: JournalPage, limits: StoreLimits): Pair {
  const layout = recordLayout(limits);
  const fingerprint = new Fingerprint();
  for (const { name, offset, size } of layout.fields) {
    if (IGNORED_FIELDS.has(name)) continue;
    if (name === "flags") fingerprint.add((data[offset] ?? 0) & ~RECORD_FLAG_COPY);
    else fingerprint.addBytes(data.subarray(offset, offset + size));
  }
  fingerprint.add(reasonClass(page.record.reason));
  return { high: fingerprint.high, low: fingerprint.low };
}

const IGNORED_FIELDS: ReadonlySet<string> = new Set([
  "chain",
  "sequence",
  "crc",
  "reason_image",
  "reason_step",
  "reason_code",
  "reason_detail",
]);

function reasonClass(reason: RecordedReason | null): number {
  if (reason === null) return 0;
  const { code, step } = describeReason(reason);
  if (code === "primary-invalid") return step === "install" ? 1 : 2;
  // What the checks take for an excuse: the limits were used up.
  return code === "attempts-exhausted" || code === "not-accepted" ? 3 : 4;
}
