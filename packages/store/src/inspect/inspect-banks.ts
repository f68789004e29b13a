// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { dataPagesIn } from "../bank-reader.js";
import { blocksForImage } from "../block-map.js";
import { isSameBlock } from "../data-block.js";
import { SetState } from "../set-state.js";
import type { BankImage, Extent, StateRecord } from "../state-record.js";
import type { StorePlan } from "../store-plan.js";
import type { BlockScanner, ScannedBlock } from "./block-scanner.js";
import type {
  BankRole,
  BlockOwner,
  BlockState,
  InspectedBank,
  InspectedBlock,
  InspectedImage,
} from "./inspection.js";

/** What reading the banks needs. */
export interface BankInspection {
  readonly flash: PagedFlash;
  readonly plan: StorePlan;
  readonly scanner: BlockScanner;
  /** For the digests; without it they are not checked. */
  readonly crypto: Crypto | null;
}

/** States in which the candidate has been received completely. */
const CANDIDATE_STATES: ReadonlySet<SetState> = new Set([
  SetState.CANDIDATE,
  SetState.STAGED,
  SetState.INSTALLING,
  SetState.TRIAL,
]);

const COPIES = [0, 1] as const;

/** Every bank of a record, held against the chip. */
export function inspectBanks(context: BankInspection, record: StateRecord): InspectedBank[] {
  return record.banks.map((bank, index) => ({
    bank: index,
    roles: rolesOf(record, index),
    mustBeComplete: mustBeComplete(record, index),
    securityCounter: bank.securityCounter,
    images: bank.images.map((image, imageIndex) =>
      inspectImage(context, image, { bank: index, image: imageIndex }),
    ),
  }));
}

function rolesOf(record: StateRecord, bank: number): BankRole[] {
  const roles: readonly (readonly [BankRole, number | null])[] = [
    ["accepted", record.acceptedBank],
    ["previous", record.previousBank],
    ["candidate", record.candidateBank],
    ["target", record.targetBank],
  ];
  return roles.flatMap(([role, holder]) => (holder === bank ? [role] : []));
}

function mustBeComplete(record: StateRecord, bank: number): boolean {
  if (record.acceptedBank === bank || record.previousBank === bank) return true;
  if (record.state === SetState.INSTALLING && record.targetBank === bank) return true;
  return record.candidateBank === bank && CANDIDATE_STATES.has(record.state);
}

/** A mapped block with what is on it; null outside the chip. */
interface Mapped {
  readonly block: number;
  readonly sequence: number;
  readonly scanned: ScannedBlock | null;
  /** Its header is whole and says what the map says. */
  readonly isBegun: boolean;
  /** Its summary, if it is whole and says what the map says. */
  readonly pageCrcs: readonly number[] | null;
}

/** A page of an image: where a good copy of it stands. */
type PagePlace = number | null;

function inspectImage(
  context: BankInspection,
  image: BankImage,
  place: { readonly bank: number; readonly image: number },
): InspectedImage {
  const { plan } = context;
  const neededBlocks = blocksForImage(image.sizeBytes, plan);
  const maps = COPIES.map((copy) =>
    blocksOf(image.copies[copy], neededBlocks).map(({ block, sequence }, logicalBlock) =>
      mapBlock(context, image, { ...place, copy, logicalBlock }, block, sequence),
    ),
  );
  const [first = [], second = []] = maps;
  const merged = mergeCopies(plan, image, first, second);
  const copyBlocks = (copy: 0 | 1, own: readonly Mapped[], other: readonly Mapped[]) =>
    own.map((mapped, logicalBlock) =>
      describeBlock(plan, image, mapped, { ...place, copy, logicalBlock }, other[logicalBlock]),
    );
  const copies = [copyBlocks(0, first, second), copyBlocks(1, second, first)] as const;
  return {
    image: place.image,
    sizeBytes: image.sizeBytes,
    version: image.version,
    fileDigest: image.fileDigest,
    imageHash: image.imageHash,
    neededBlocks,
    copies,
    receivedBytes: receivedBytes(plan, image, first, second),
    lost: merged.lost,
    singleCopyPages: merged.singleCopyPages,
    differingBlocks: merged.differingBlocks,
    digest: merged.lost.length > 0 ? "lost" : checkDigest(context, image, merged.places),
  };
}

/** Blocks of a map, never more than the image needs. */
function blocksOf(
  extents: readonly Extent[],
  limit: number,
): { readonly block: number; readonly sequence: number }[] {
  const blocks: { readonly block: number; readonly sequence: number }[] = [];
  for (const extent of extents) {
    for (let i = 0; i < extent.count && blocks.length < limit; i++) {
      blocks.push({ block: extent.firstBlock + i, sequence: extent.firstSequence + i });
    }
  }
  return blocks;
}

function mapBlock(
  { plan, scanner }: BankInspection,
  image: BankImage,
  owner: BlockOwner,
  block: number,
  sequence: number,
): Mapped {
  const scanned = scanner.isInside(block) ? scanner.scan(block) : null;
  const summary = scanned?.summary ?? null;
  const pages = dataPagesIn(image.sizeBytes, owner.logicalBlock, plan);
  const isOurs =
    summary !== null &&
    summary.pageInBlock === 1 + pages &&
    summary.value.pageCrcs.length === pages &&
    isSameBlock(summary.value.identity, { ...owner, sequence });
  const header = scanned?.header ?? null;
  const isBegun = header !== null && isSameBlock(header, { ...owner, sequence });
  return { block, sequence, scanned, isBegun, pageCrcs: isOurs ? summary.value.pageCrcs : null };
}

interface Merged {
  readonly places: readonly PagePlace[];
  readonly lost: readonly { readonly offsetBytes: number; readonly lengthBytes: number }[];
  readonly singleCopyPages: number;
  readonly differingBlocks: readonly number[];
}

/** What a reader gets from both copies together: the CRCs of either summary serve for both. */
function mergeCopies(
  plan: StorePlan,
  image: BankImage,
  first: readonly Mapped[],
  second: readonly Mapped[],
): Merged {
  const places: PagePlace[] = [];
  const differingBlocks: number[] = [];
  let singleCopyPages = 0;
  const mappedBlocks = Math.max(first.length, second.length);
  for (let logicalBlock = 0; logicalBlock < mappedBlocks; logicalBlock++) {
    const [a, b] = [first[logicalBlock], second[logicalBlock]];
    const crcs = a?.pageCrcs ?? b?.pageCrcs ?? null;
    if (a?.pageCrcs != null && b?.pageCrcs != null && !sameNumbers(a.pageCrcs, b.pageCrcs)) {
      differingBlocks.push(logicalBlock);
    }
    for (let index = 0; index < dataPagesIn(image.sizeBytes, logicalBlock, plan); index++) {
      const good = [a, b].filter((mapped) => isGood(mapped, index, crcs));
      const [source] = good;
      if (good.length === 1) singleCopyPages += 1;
      places.push(source === undefined ? null : source.block * plan.pagesPerBlock + 1 + index);
    }
  }
  return { places, lost: lostRanges(plan, image, places), singleCopyPages, differingBlocks };
}

function isGood(
  mapped: Mapped | undefined,
  index: number,
  crcs: readonly number[] | null,
): boolean {
  const page = mapped?.scanned?.pages[1 + index];
  if (page === undefined || crcs === null || page.kind === "unreadable") return false;
  return page.crc === crcs[index];
}

function lostRanges(
  plan: StorePlan,
  image: BankImage,
  places: readonly PagePlace[],
): { readonly offsetBytes: number; readonly lengthBytes: number }[] {
  const ranges: { offsetBytes: number; lengthBytes: number }[] = [];
  const add = (offsetBytes: number, end: number): void => {
    const lengthBytes = Math.min(end, image.sizeBytes) - offsetBytes;
    const last = ranges[ranges.length - 1];
    if (lengthBytes <= 0) return;
    if (last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes) {
      last.lengthBytes += lengthBytes;
    } else ranges.push({ offsetBytes, lengthBytes });
  };
  for (const [index, place] of places.entries()) {
    const offset = index * plan.pageBytes;
    if (place === null) add(offset, offset + plan.pageBytes);
  }
  // Whatever the maps do not reach.
  add(places.length * plan.pageBytes, image.sizeBytes);
  return ranges;
}

/** As `Store.receivedBytes` counts: blocks that another one follows, unless all is received. */
function receivedBytes(
  plan: StorePlan,
  image: BankImage,
  first: readonly Mapped[],
  second: readonly Mapped[],
): number {
  if (image.isReceived) return image.sizeBytes;
  const open = first.findIndex((mapped, i) => {
    const isReadable = mapped.pageCrcs !== null || second[i]?.pageCrcs != null;
    return !isReadable || first[i + 1]?.isBegun !== true;
  });
  return Math.max(open, 0) * plan.dataBytesPerBlock;
}

function describeBlock(
  plan: StorePlan,
  image: BankImage,
  mapped: Mapped,
  owner: BlockOwner,
  other: Mapped | undefined,
): InspectedBlock {
  const dataPages = dataPagesIn(image.sizeBytes, owner.logicalBlock, plan);
  const { scanned, sequence, block } = mapped;
  const crcs = mapped.pageCrcs ?? other?.pageCrcs ?? null;
  const data = scanned?.pages.slice(1, 1 + dataPages) ?? [];
  const where = (test: (index: number) => boolean): number[] =>
    data.flatMap((_, index) => (test(index) ? [1 + index] : []));
  const good = where((index) => isGood(mapped, index, crcs)).length;
  const isWritten = mapped.pageCrcs !== null;
  return {
    logicalBlock: owner.logicalBlock,
    block,
    sequence,
    state: stateOf(mapped, owner, good === dataPages),
    goodPages: good,
    dataPages,
    crcErrorPages: where(
      (index) => isWritten && data[index]?.kind !== "unreadable" && !isGood(mapped, index, crcs),
    ),
    unreadablePages: where((index) => data[index]?.kind === "unreadable"),
    correctedPages: where((index) => data[index]?.isCorrected === true),
    found: scanned?.header ?? scanned?.summary?.value.identity ?? null,
  };
}

function stateOf(mapped: Mapped, owner: BlockOwner, isWhole: boolean): BlockState {
  const { scanned, sequence } = mapped;
  if (scanned === null) return "outside";
  if (mapped.pageCrcs !== null) return isWhole ? "complete" : "damaged";
  const { header, summary, pages } = scanned;
  const claimed = header ?? summary?.value.identity ?? null;
  if (claimed !== null && !isSameBlock(claimed, { ...owner, sequence })) return "stale";
  if (pages.every((page) => page.kind === "blank")) return "blank";
  if (header !== null) {
    return pages.slice(1).every((page) => page.kind === "blank") ? "header-only" : "open";
  }
  return pages[0]?.kind === "unreadable" ? "unreadable" : "torn";
}

/** Reads the image page by page, and holds its SHA-256 against the recorded one. */
function checkDigest(
  { flash, plan, crypto }: BankInspection,
  image: BankImage,
  places: readonly PagePlace[],
): InspectedImage["digest"] {
  if (crypto === null) return "not-checked";
  const hasher = crypto.createHash("sha256");
  for (const [index, place] of places.entries()) {
    if (place === null) return "lost";
    const length = Math.min(plan.pageBytes, image.sizeBytes - index * plan.pageBytes);
    hasher.update(flash.readPage(place).data.subarray(0, length));
  }
  return bytesEqual(hasher.digest(), image.fileDigest) ? "match" : "mismatch";
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
