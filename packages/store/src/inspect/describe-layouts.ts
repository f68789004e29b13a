// SPDX-License-Identifier: Apache-2.0
import type { StructLayout } from "@tandem/base";

import { HEADER_LAYOUT, HEADER_MAGIC, SUMMARY_MAGIC, summaryLayout } from "../data-block.js";
import { SetState } from "../set-state.js";
import type { SetStateName } from "../set-state.js";
import {
  EXTENT_LAYOUT,
  IMAGE_LAYOUT,
  NONE,
  RECORD_FLAG_COPY,
  RECORD_FLAG_LIMP,
  RECORD_FORMAT_VERSION,
  RECORD_MAGIC,
  bankLayout,
  recordLayout,
} from "../state-record.js";
import type { StorePlan } from "../store-plan.js";

/** One field of an on-flash struct. */
export interface DescribedField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Type of one element as C99 writes it: `uint16_t`, or `struct tandem_bank`. */
  readonly elementType: string;
  /** Array lengths as C99 writes them, outermost first; empty for a single element. */
  readonly dimensions: readonly number[];
  readonly meaning: string;
}

/** One on-flash struct: the same facts for documentation and for C. */
export interface DescribedStruct {
  readonly name: string;
  /** What it is and where it stands. */
  readonly title: string;
  readonly size: number;
  readonly fields: readonly DescribedField[];
}

/** One number of the format. */
export interface FormatConstant {
  readonly name: string;
  readonly value: number;
  /** Hex digits to show, or null for a decimal number. */
  readonly hexDigits: number | null;
  readonly meaning: string;
}

/** What each state says of the banks, for people who read a dump. */
export const STATE_MEANINGS: Readonly<Record<SetStateName, string>> = {
  READY: "nothing under way; the accepted bank, if there is one, is complete",
  WRITING: "the candidate bank is being received: blocks with a summary in both copies count",
  CANDIDATE: "the candidate bank is complete and was verified; nothing was installed",
  STAGED: "as CANDIDATE; the next boot installs it",
  FAILED: "an update was refused or rolled back, and the reason says why; no candidate",
  TRIAL: "the candidate bank is installed and may start as often as there are trials left",
  REJECTED: "the candidate on trial was rejected; the next boot installs the accepted bank",
  UPDATED: "the last update was accepted: the accepted bank is the new release",
  INSTALLING: "the target bank is being written to the cores; each attempt is counted first",
};

/** One sentence for every field of a layout: the compiler demands that none is missing. */
type Meanings<L> =
  L extends StructLayout<infer T> ? { readonly [K in keyof T & string]: string } : never;

const IMAGE_MEANINGS: Meanings<typeof IMAGE_LAYOUT> = {
  size_bytes: "size of the image file",
  file_digest: "SHA-256 of the whole file, as `release.json` announced it",
  image_hash: "hash TLV of the image; zeros until it was verified",
  version: "version field of the MCUboot header: major, minor, revision (2), build (4)",
};

const EXTENT_MEANINGS: Meanings<typeof EXTENT_LAYOUT> = {
  owner: "bank << 4, image << 1, copy; 0xff in an unused entry",
  count: "neighbouring blocks; their sequences grow by one each",
  first_block: "physical number of the first block",
  first_sequence: "allocation sequence of the first block",
};

const BANK_MEANINGS: Meanings<ReturnType<typeof bankLayout>> = {
  image_count: "images in this bank; 0: the bank is free",
  received_images: "bit per image, the first lowest: every byte of it has been written",
  reserved: "zero",
  security_counter: "security counter of the application image; 0 until it was verified",
  images: "unused entries are zero",
};

const RECORD_MEANINGS: Meanings<ReturnType<typeof recordLayout>> = {
  magic: "`TJR1`",
  format_version: "version of this layout",
  chain: "0 or 1: the chain that this page belongs to",
  flags: "bit 0: first page of a fresh block, repeats an earlier record; bit 1: stopgap",
  state: "state of the set, see the state table",
  sequence: "grows by one with each record; the same record has the same one in both chains",
  attempts: "install attempts begun on the target",
  trials: "trial boots left",
  accepted_bank: "bank to fall back to; 0xff: none",
  previous_bank: "bank accepted before it; 0xff: none",
  candidate_bank: "bank that is received, staged or tried; 0xff: none",
  target_bank: "bank that is being installed; 0xff: none",
  extent_count: "entries of `extents` in use",
  bad_block_count: "entries of `bad_blocks` in use",
  reason_image: "image that the reason is about; 0xff: the whole set",
  reason_step: "step at which the last update ended, see reasons.md",
  reason_code: "why it ended, see reasons.md",
  has_reason: "1: the reason fields hold a reason",
  reason_detail: "number that belongs to the reason's code",
  next_allocation: "sequence that the next allocated block gets",
  cursor: "block where the next allocation begins to look",
  reserved: "zero",
  installed: "image hash that each core's flash holds; zeros: unknown, or being changed",
  banks: "what each bank holds",
  extents: "block maps of all banks: entries of one owner in the order of their logical blocks",
  bad_blocks: "blocks that are never used, ascending",
  crc: "CRC-32C of everything before it",
};

const HEADER_MEANINGS: Meanings<typeof HEADER_LAYOUT> = {
  magic: "`TBH1`",
  bank: "bank that the block belongs to",
  image: "image of the bank",
  copy: "0 or 1",
  reserved: "zero",
  logical_block: "number of the block within the image",
  reserved2: "zero",
  sequence: "allocation sequence: must be the one in the journaled map",
  crc: "CRC-32C of everything before it",
};

const SUMMARY_MEANINGS: Meanings<ReturnType<typeof summaryLayout>> = {
  magic: "`TBS1`",
  bank: "as in the header",
  image: "as in the header",
  copy: "as in the header",
  page_count: "data pages of this block",
  logical_block: "as in the header",
  reserved: "zero",
  sequence: "as in the header",
  length_bytes: "image bytes in this block",
  page_crcs: "CRC-32C of each whole data page, padding included; unused entries are zero",
  padding: "zero",
  crc: "CRC-32C of everything before it",
};

/** Every struct of the format, each behind the ones that it contains. */
export function describeLayouts(plan: StorePlan): readonly DescribedStruct[] {
  const { limits } = plan;
  return [
    describeStruct("One image of a bank, inside the record", IMAGE_LAYOUT, IMAGE_MEANINGS),
    describeStruct("One bank, inside the record", bankLayout(limits), BANK_MEANINGS),
    describeStruct("One run of blocks, inside the record", EXTENT_LAYOUT, EXTENT_MEANINGS),
    describeStruct(
      "Record: the start of every used page of the journal",
      recordLayout(limits),
      RECORD_MEANINGS,
    ),
    describeStruct(
      "Block header: the start of page 0 of a data block",
      HEADER_LAYOUT,
      HEADER_MEANINGS,
    ),
    describeStruct(
      "Block summary: the start of the page behind the last data page",
      summaryLayout(plan),
      SUMMARY_MEANINGS,
    ),
  ];
}

/** Magics, flags and state numbers, then the numbers that geometry and limits give. */
export function formatConstants(plan: StorePlan): readonly FormatConstant[] {
  const { limits } = plan;
  return [
    hexed("RECORD_MAGIC", RECORD_MAGIC, 8, "`TJR1`, little-endian"),
    hexed("HEADER_MAGIC", HEADER_MAGIC, 8, "`TBH1`, little-endian"),
    hexed("SUMMARY_MAGIC", SUMMARY_MAGIC, 8, "`TBS1`, little-endian"),
    decimal("RECORD_FORMAT_VERSION", RECORD_FORMAT_VERSION, "version of the record's layout"),
    hexed("RECORD_FLAG_COPY", RECORD_FLAG_COPY, 2, "first page of a fresh block: a repetition"),
    hexed("RECORD_FLAG_LIMP", RECORD_FLAG_LIMP, 2, "the accepted release is an untested stopgap"),
    hexed("NONE", NONE, 2, "no bank, or no image in particular"),
    ...Object.entries(SetState).map(([name, value]) =>
      decimal(`STATE_${name}`, value, `state ${name}`),
    ),
    decimal("PAGE_BYTES", plan.pageBytes, "main area of a page"),
    decimal("PAGES_PER_BLOCK", plan.pagesPerBlock, "pages of a block"),
    decimal("BLOCK_COUNT", plan.blockCount, "blocks of the partition"),
    decimal("DATA_PAGES_PER_BLOCK", plan.dataPagesPerBlock, "all but header and summary"),
    decimal("CHAINS", 2, "every record stands in each of them"),
    decimal("JOURNAL_BLOCKS", limits.journalBlocks, "blocks from 0 on that the journal may use"),
    decimal("IMAGES", limits.images, "most images of a bank"),
    decimal("BANKS", limits.banks, "banks of a record"),
    decimal("EXTENTS", limits.extents, "most extents of a record"),
    decimal("BAD_BLOCKS", limits.badBlocks, "most bad blocks of a record"),
  ];
}

function describeStruct(
  title: string,
  layout: Pick<StructLayout<unknown>, "cType" | "size" | "fields">,
  meanings: Readonly<Record<string, string>>,
): DescribedStruct {
  return {
    name: layout.cType,
    title,
    size: layout.size,
    fields: layout.fields.map(({ name, offset, size, layout: { cType } }) => ({
      name,
      offset,
      size,
      ...splitType(cType),
      meaning: meanings[name] ?? "",
    })),
  };
}

/** `uint8_t[32][4]` (four times 32 bytes) is `uint8_t name[4][32]` in C. */
function splitType(cType: string): Pick<DescribedField, "elementType" | "dimensions"> {
  const [base = "", ...rest] = cType.split("[");
  const dimensions = rest.map((length) => Number.parseInt(length, 10)).toReversed();
  return { elementType: base.endsWith("_t") ? base : `struct ${base}`, dimensions };
}

function decimal(name: string, value: number, meaning: string): FormatConstant {
  return { name, value, hexDigits: null, meaning };
}

function hexed(name: string, value: number, hexDigits: number, meaning: string): FormatConstant {
  return { name, value, hexDigits, meaning };
}
