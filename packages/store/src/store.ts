// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";
import type { PagedFlash } from "@tandem/flash";

import { BankReader, hasHeader, readSummary } from "./bank-reader.js";
import type { ReadEvent } from "./bank-reader.js";
import { BankWriter } from "./bank-writer.js";
import type { BlockPlace } from "./bank-writer.js";
import {
  allocateBlocks,
  blocksForImage,
  checkExtentCount,
  replaceBlock,
  toExtents,
  withBadBlock,
  withCopyMap,
} from "./block-map.js";
import { Journal } from "./journal.js";
import { patrolBanks, repairRange, scrubBlocks } from "./maintenance.js";
import type { FoundBytes, LostRange, MaintenanceHost, PatrolReport } from "./maintenance.js";
import { SetState } from "./set-state.js";
import { FREE_BANK, ZERO_HASH } from "./state-record.js";
import type { Bank, BankImage, Extent, StateRecord } from "./state-record.js";
import { planStore } from "./store-plan.js";
import type { StoreLimits, StorePlan } from "./store-plan.js";

export interface StoreOptions {
  /** Default: `DEFAULT_LIMITS`. They are part of the format: mount with what format was given. */
  readonly limits?: StoreLimits;
  readonly onEvent?: (event: ReadEvent) => void;
}

/** What is claimed of an image that is about to be received. */
export interface IncomingImage {
  readonly sizeBytes: number;
  /** Version as in the MCUboot header: major, minor, revision (2), build (4). */
  readonly version: Uint8Array;
  readonly fileDigest: Uint8Array;
}

/** The NAND partition that holds journal and banks. */
export class Store {
  readonly plan: StorePlan;
  readonly #flash: PagedFlash;
  readonly #journal: Journal;
  readonly #onEvent: (event: ReadEvent) => void;
  /** Blocks in which reading has met a lost or weak page. */
  readonly #suspects = new Map<string, BlockPlace>();

  private constructor(flash: PagedFlash, plan: StorePlan, journal: Journal, options: StoreOptions) {
    this.plan = plan;
    this.#flash = flash;
    this.#journal = journal;
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  /**
   * Makes an empty store; reads every bad-block mark, and never erases a marked block.
   * @throws {UsageError} store/plan, store/too-many-bad-blocks
   */
  static format(flash: PagedFlash, options: StoreOptions = {}): Store {
    const plan = planStore(flash.geometry, options.limits);
    const badBlocks: number[] = [];
    for (let block = 0; block < plan.blockCount; block++) {
      if (flash.isMarkedBad(block)) badBlocks.push(block);
    }
    if (badBlocks.length > plan.limits.badBlocks) {
      throw new UsageError(
        "store/too-many-bad-blocks",
        `${badBlocks.length} bad blocks, the store allows ${plan.limits.badBlocks}`,
      );
    }
    const journal = Journal.format(flash, plan, {
      state: SetState.READY,
      attempts: 0,
      trials: 0,
      acceptedBank: null,
      previousBank: null,
      candidateBank: null,
      targetBank: null,
      reason: null,
      isLimp: false,
      installed: [],
      banks: Array.from({ length: plan.limits.banks }, () => FREE_BANK),
      badBlocks,
      cursor: plan.limits.journalBlocks,
      nextAllocation: 1,
    });
    return new Store(flash, plan, journal, options);
  }

  /**
   * Finds the newest state; writes nothing.
   * @throws {FormatError} store/not-formatted
   */
  static mount(flash: PagedFlash, options: StoreOptions = {}): Store {
    const plan = planStore(flash.geometry, options.limits);
    return new Store(flash, plan, Journal.mount(flash, plan), options);
  }

  /** The state of the set. */
  get record(): StateRecord {
    return this.#journal.current;
  }

  /** False when the newest record stands in one chain only: settle before acting on it. */
  get isSettled(): boolean {
    return this.#journal.isSettled;
  }

  /** Writes the record found at mount again, to fresh blocks of both chains. */
  settle(): void {
    this.#journal.settle();
  }

  /** Makes a new record the state; durable and proven when it returns. */
  commit(change: Partial<StateRecord>): void {
    this.#journal.append({ ...this.record, ...change });
  }

  /**
   * The banks with `bank` given blocks for these images, two copies each; commit the result to
   * make it so.
   * @throws {TransportError} store/no-space
   */
  reserveBank(
    bank: number,
    images: readonly IncomingImage[],
  ): Pick<StateRecord, "banks" | "cursor" | "nextAllocation"> {
    let record: StateRecord = {
      ...this.record,
      banks: withBank(this.record.banks, bank, FREE_BANK),
    };
    const bankImages: BankImage[] = [];
    for (const image of images) {
      const copies: Extent[][] = [];
      for (let copy = 0; copy < 2; copy++) {
        const taken = this.#allocate(record, bank, bankImages, copies, image);
        record = taken.record;
        copies.push(taken.extents);
      }
      bankImages.push(newImage(image, copies));
    }
    const banks = withBank(record.banks, bank, { securityCounter: 0, images: bankImages });
    checkExtentCount({ ...record, banks }, this.plan);
    return { banks, cursor: record.cursor, nextAllocation: record.nextAllocation };
  }

  /**
   * Where writing an image can go on, read from the medium: behind its last block that another one
   * follows. The summary of a block with nothing behind it may have been cut in the act, and read
   * well today only; so a cut can cost the block before the one that was being written. An image
   * that was written to its end is recorded as such, and stays received.
   */
  receivedBytes(bank: number, image: number): number {
    const stored = this.record.banks[bank]?.images[image];
    if (stored === undefined) return 0;
    if (stored.isReceived) return stored.sizeBytes;
    const blocks = blocksForImage(stored.sizeBytes, this.plan);
    let received = 0;
    while (received < blocks - 1 && this.#isFollowed(bank, image, received)) received += 1;
    return received * this.plan.dataBytesPerBlock;
  }

  /** Writer that goes on behind what was received. */
  writeImage(bank: number, image: number): BankWriter {
    // What follows erases blocks on the word of the record: it must be a proven one.
    this.#journal.settle();
    const host = {
      flash: this.#flash,
      plan: this.plan,
      record: () => this.record,
      replaceFailedBlock: (place: BlockPlace, failed: number) => this.#replace(place, failed),
      imageReceived: () => this.#markReceived(bank, image),
    };
    return new BankWriter(host, bank, image, this.receivedBytes(bank, image));
  }

  /** Random access to an image of a bank, served from whichever copy is good. */
  readImage(bank: number, image: number): BankReader {
    return new BankReader({
      flash: this.#flash,
      plan: this.plan,
      record: this.record,
      bank,
      image,
      onEvent: (event) => {
        const { copy, logicalBlock } = event;
        const key = `${bank}/${image}/${copy}/${logicalBlock}`;
        this.#suspects.set(key, { bank, image, copy, logicalBlock });
        this.#onEvent(event);
      },
    });
  }

  /**
   * Moves every block in which reading has met a lost or a weak page since the store was mounted.
   * A block that has lost a page in both copies is left as it is.
   * @param tick called per block, so that a watchdog can be fed
   * @returns number of blocks that were moved
   * @throws {TransportError} store/no-space, store/journal-full; {UsageError} store/too-fragmented:
   * what was moved until then stays moved
   */
  scrub(tick: () => void = () => undefined): number {
    const places = [...this.#suspects.values()];
    this.#suspects.clear();
    return scrubBlocks(this.#maintained(), places, tick);
  }

  /**
   * Reads every page of both copies of complete banks, moves what is weak, and tells what is lost.
   * @param tick called per block, so that a watchdog can be fed
   */
  patrol(banks: readonly number[], tick: () => void = () => undefined): PatrolReport {
    return patrolBanks(this.#maintained(), banks, tick);
  }

  /**
   * Puts bytes back that both copies have lost, as `patrol` reported the range. Where a summary
   * survives, the bytes must have the CRC that it names; otherwise only verifying the whole image
   * afterwards tells whether they were right.
   * @param also bytes for other lost ranges: those of the same block are put back too, because a
   * block is written as a whole
   * @throws {UsageError} store/repair-length
   * @throws {FormatError} store/repair-mismatch: nothing was written
   * @throws {TransportError} store/unreadable when the block has lost more than was given
   */
  repair(range: LostRange, bytes: Uint8Array, also: readonly FoundBytes[] = []): void {
    repairRange(this.#maintained(), range, bytes, also);
  }

  #maintained(): MaintenanceHost {
    return {
      flash: this.#flash,
      plan: this.plan,
      record: () => this.record,
      commit: (record) => this.#journal.append(record),
      readImage: (bank, image) => this.readImage(bank, image),
    };
  }

  /** The block has been completed in both copies: the next one was begun behind it. */
  #isFollowed(bank: number, image: number, logicalBlock: number): boolean {
    const [flash, plan, record] = [this.#flash, this.plan, this.record];
    const isBegun = hasHeader(flash, plan, record, { bank, image, copy: 0 }, logicalBlock + 1);
    return (
      isBegun &&
      [0, 1].some(
        (copy) => readSummary(flash, plan, record, { bank, image, copy }, logicalBlock) !== null,
      )
    );
  }

  #markReceived(bank: number, image: number): void {
    const banks = this.record.banks.map((old, i) =>
      i === bank
        ? {
            ...old,
            images: old.images.map((stored, j) =>
              j === image ? { ...stored, isReceived: true } : stored,
            ),
          }
        : old,
    );
    this.commit({ banks });
  }

  /** Blocks for one copy, with everything reserved so far counted as taken. */
  #allocate(
    record: StateRecord,
    bank: number,
    done: readonly BankImage[],
    copies: readonly Extent[][],
    image: IncomingImage,
  ): { readonly record: StateRecord; readonly extents: Extent[] } {
    const partial = [...done, newImage(image, copies)];
    const banks = withBank(record.banks, bank, { securityCounter: 0, images: partial });
    const count = blocksForImage(image.sizeBytes, this.plan);
    const taken = allocateBlocks({ ...record, banks }, count, this.plan);
    return {
      record: {
        ...record,
        cursor: taken.record.cursor,
        nextAllocation: taken.record.nextAllocation,
      },
      extents: toExtents(taken.blocks),
    };
  }

  #replace(place: BlockPlace, failed: number): void {
    const bad = { ...this.record, badBlocks: withBadBlock(this.record.badBlocks, failed) };
    const { blocks, record } = allocateBlocks(bad, 1, this.plan);
    const extents = record.banks[place.bank]?.images[place.image]?.copies[place.copy] ?? [];
    const replacement = blocks[0] ?? { block: failed, sequence: 0 };
    const moved = replaceBlock(extents, place.logicalBlock, replacement);
    this.#journal.append(withCopyMap(record, place, moved, this.plan));
  }
}

function newImage(image: IncomingImage, copies: readonly Extent[][]): BankImage {
  return {
    sizeBytes: image.sizeBytes,
    fileDigest: image.fileDigest,
    imageHash: ZERO_HASH,
    version: image.version,
    isReceived: false,
    copies: [copies[0] ?? [], copies[1] ?? []],
  };
}

function withBank(banks: readonly Bank[], index: number, bank: Bank): readonly Bank[] {
  return banks.map((old, i) => (i === index ? bank : old));
}
