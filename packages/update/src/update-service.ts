// SPDX-License-Identifier: Apache-2.0
import { UsageError, bytesEqual, fromHex } from "@tandem/base";
import { IMAGE_VERSION_LAYOUT, parseVersion } from "@tandem/image";
import type { ImageFacts } from "@tandem/image";
import type { ReleaseManifest } from "@tandem/release";
import { FREE_BANK, SetState, areInOneBlock, stateName } from "@tandem/store";
import type {
  Bank,
  BankImage,
  BankWriter,
  FoundBytes,
  LostRange,
  PatrolReport,
  SetStateName,
  StateRecord,
  Store,
} from "@tandem/store";

import { checkFoundBytes } from "./found-bytes.js";
import { originOf } from "./lost-origin.js";
import type { LostOrigin } from "./lost-origin.js";
import type { Marker } from "./marker.js";
import { describeReason, recordReason } from "./reason.js";
import type { Reason, ReasonCode } from "./reason.js";
import { lowestAllowedCounter, releaseCounter } from "./security-counter.js";
import { describeBank } from "./stored-release.js";
import type { StoredRelease } from "./stored-release.js";
import type { Trust } from "./trust.js";
import { unreadableOffset, verifyBank } from "./verify-bank.js";
import type { ImageSlot } from "./verify-bank.js";

export interface UpdateServiceOptions {
  readonly store: Store;
  readonly marker: Marker;
  readonly trust: Trust;
  /** By image index. */
  readonly slots: readonly ImageSlot[];
  /** Hardware name that releases must carry. */
  readonly hardware: string;
  readonly securityCounter: { read(): number };
}

export interface UpdateStatus {
  readonly state: SetStateName;
  readonly accepted: StoredRelease | null;
  readonly previous: StoredRelease | null;
  readonly candidate: StoredRelease | null;
  /** Trial boots left. */
  readonly trialsLeft: number;
  /** Why the last update was refused or rolled back. */
  readonly reason: Reason | null;
  /** The accepted release is a stopgap: started untested, because nothing else could be installed. */
  readonly isLimp: boolean;
  readonly badBlocks: number;
}

/** Images are copied from bank to bank in pieces of this size. */
const COPY_BYTES = 2048;

/** Outcome of `finish`. */
export type FinishVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reasons: readonly Reason[] };

/**
 * The application half of the transaction, with the verbs of the PSA Firmware Update API 1.0 for
 * the whole set of images instead of one.
 */
export class UpdateService {
  readonly #options: UpdateServiceOptions;
  readonly #store: Store;
  /** By image index: how far this session has come. */
  readonly #writers = new Map<number, BankWriter>();

  constructor(options: UpdateServiceOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  query(): UpdateStatus {
    const { record } = this.#store;
    return {
      state: stateName(record.state),
      accepted: describeBank(record, record.acceptedBank),
      previous: describeBank(record, record.previousBank),
      candidate: describeBank(record, record.candidateBank),
      trialsLeft: record.trials,
      reason: record.reason === null ? null : describeReason(record.reason),
      isLimp: record.isLimp,
      badBlocks: record.badBlocks.length,
    };
  }

  /**
   * Begins to receive a release, or goes on with the one that is half received when it is the
   * same. An unfinished other one and the result of the last update are dropped. Images that the
   * accepted or the previous release has too are copied from there: `receivedBytes` says so.
   * @throws {UsageError} update/state while an update is staged or on trial; update/hardware,
   * update/image-count, update/too-large when the release does not fit this device;
   * update/already-accepted when it is the one that runs
   */
  start(release: ReleaseManifest): void {
    this.#expect("start", ["READY", "WRITING", "CANDIDATE", "FAILED", "UPDATED"]);
    this.#checkOffer(release);
    this.#writers.clear();
    const { record } = this.#store;
    if (isSameRelease(record, record.candidateBank, release)) {
      // Verified once already: the bytes are all there, and `finish` will verify them again.
      const banks = withVersions(record, release);
      if (record.state === SetState.CANDIDATE || banks !== record.banks) {
        this.#store.commit({ state: SetState.WRITING, banks });
      }
      this.#reuseImages();
      return;
    }
    const bank = pickBank(record);
    const incoming = release.images.map((image) => ({
      sizeBytes: image.size,
      fileDigest: fromHex(image.sha256),
      version: claimedVersion(image),
    }));
    this.#store.commit({
      ...this.#store.reserveBank(bank, incoming),
      state: SetState.WRITING,
      candidateBank: bank,
      previousBank: record.previousBank === bank ? null : record.previousBank,
      reason: null,
    });
    this.#reuseImages();
  }

  /**
   * Offset of the next byte of an image that `write` takes. Within a session nothing is asked for
   * twice; a power cut costs the block that was being written, and the one before it when nothing
   * had been written behind that. An image that was received to its end stays received.
   */
  receivedBytes(image: number): number {
    const bank = this.#candidate("receivedBytes", ["WRITING", "CANDIDATE"]);
    const isVerified = this.query().state === "CANDIDATE";
    return isVerified
      ? this.#store.receivedBytes(bank, image)
      : this.#writer(bank, image).positionBytes;
  }

  /**
   * Takes the next bytes of an image, at the offset that `receivedBytes` tells.
   * @throws {UsageError} store/write-offset, store/write-past-end, update/state
   */
  write(image: number, offsetBytes: number, bytes: Uint8Array): void {
    const bank = this.#candidate("write", ["WRITING"]);
    this.#writer(bank, image).write(offsetBytes, bytes);
  }

  /**
   * Verifies every image from the medium; all valid: CANDIDATE. Otherwise FAILED, and every
   * failure is named.
   */
  finish(): FinishVerdict {
    const { bank, bankIndex } = this.#finishable();
    this.#writers.clear();
    const { trust, slots } = this.#options;
    const { facts, reasons } = verifyBank(this.#store, bankIndex, { trust, slots, step: "verify" });
    const counter = releaseCounter(facts);
    const all = [...reasons];
    for (const [index, fact] of facts.entries()) {
      const claimed = bank.images[index]?.version;
      const version = IMAGE_VERSION_LAYOUT.encode(fact.header.version);
      if (reasons.length === 0 && claimed !== undefined && !bytesEqual(claimed, version)) {
        all.push(recordReason(index, "verify", "version"));
      }
    }
    if (all.length === 0 && counter < this.#lowestAllowedCounter()) {
      all.push(recordReason(0, "verify", "security-counter", counter));
    }
    const [first] = all;
    if (first === undefined) {
      const banks = this.#store.record.banks.map((old, i) =>
        i === bankIndex ? verifiedBank(bank, facts, counter) : old,
      );
      this.#store.commit({ state: SetState.CANDIDATE, banks });
      return { ok: true };
    }
    this.#store.commit({ state: SetState.FAILED, candidateBank: null, reason: first });
    return { ok: false, reasons: all.map(describeReason) };
  }

  /** CANDIDATE becomes STAGED: the next reset installs it. */
  install(): void {
    this.#candidate("install", ["CANDIDATE"]);
    this.#store.commit({ state: SetState.STAGED });
  }

  /** The running trial release is good: it becomes the accepted one, in one record. */
  accept(): void {
    const bankIndex = this.#candidate("accept", ["TRIAL"]);
    const { record } = this.#store;
    this.#store.commit({
      state: SetState.UPDATED,
      acceptedBank: bankIndex,
      previousBank: record.acceptedBank,
      candidateBank: null,
      trials: 0,
      reason: null,
      isLimp: false,
    });
    const id = describeBank(this.#store.record, bankIndex)?.id;
    if (id !== undefined) this.#options.marker.write("accepted", id);
  }

  /**
   * The running trial release is bad: the next reset goes back to the accepted one. A release that
   * is staged is called off: it never gets installed.
   */
  reject(code: ReasonCode, image: number | null = null, detail = 0): void {
    this.#expect("reject", ["STAGED", "TRIAL"]);
    const isStaged = this.query().state === "STAGED";
    const reason = recordReason(image, isStaged ? "stage" : "trial", code, detail);
    this.#store.commit(
      isStaged
        ? { state: SetState.FAILED, candidateBank: null, reason }
        : { state: SetState.REJECTED, reason },
    );
  }

  /**
   * Stages the previous accepted release.
   * @throws {UsageError} update/no-previous, update/security-counter, update/state
   */
  switchBack(): void {
    this.#expect("switchBack", ["READY", "UPDATED", "FAILED"]);
    const { record } = this.#store;
    const { previousBank } = record;
    const previous = describeBank(record, previousBank);
    if (previous === null) {
      throw new UsageError("update/no-previous", "there is no previous release in the store");
    }
    const lowest = this.#lowestAllowedCounter();
    if (previous.securityCounter < lowest) {
      throw new UsageError(
        "update/security-counter",
        `the previous release has security counter ${previous.securityCounter}, expected at least ${lowest}`,
      );
    }
    this.#store.commit({ state: SetState.STAGED, candidateBank: previousBank, reason: null });
  }

  /**
   * Reads both copies of every resting bank, moves what is close to being lost, and tells what is.
   * For an application that has nothing else to do: some seconds on a 1 Gb chip.
   */
  patrol(): PatrolReport {
    this.#expect("patrol", ["READY", "CANDIDATE", "FAILED", "UPDATED"]);
    const { acceptedBank, previousBank, candidateBank } = this.#store.record;
    const resting = [acceptedBank, previousBank, candidateBank].filter((bank) => bank !== null);
    return this.#store.patrol([...new Set(resting)]);
  }

  /**
   * Which file the bytes of a lost range belong to.
   * @throws {UsageError} update/no-such-range when the range is in no release of the store
   */
  originOf(range: LostRange): LostOrigin {
    return originOf(range, this.#store.record, this.#options.slots);
  }

  /**
   * Puts bytes back that `patrol` reported as lost, e.g. downloaded again by range. They must fit
   * the block digests that were signed with the image, and the CRCs of a surviving summary;
   * without both, only `verifyStored` tells afterwards whether they were right.
   * @param also bytes for other lost ranges of the image: those of the same block are put back
   * too, the others help to judge
   * @throws {UsageError} update/state, store/repair-length
   * @throws {FormatError} update/repair-mismatch, store/repair-mismatch: nothing was written
   * @throws {TransportError} store/unreadable when the block has lost more than was given;
   * store/no-space
   */
  repair(range: LostRange, bytes: Uint8Array, also: readonly FoundBytes[] = []): void {
    this.#expect("repair", ["READY", "CANDIDATE", "FAILED", "UPDATED"]);
    const { bank, image } = range;
    const others = also.filter((found) => found.range.bank === bank && found.range.image === image);
    const found = [...others, { range, bytes }];
    const written = found.filter((one) => areInOneBlock(one.range, range, this.#store.plan));
    checkFoundBytes(this.#store.readImage(bank, image), written, found, this.#options.trust.crypto);
    this.#store.repair(range, bytes, others);
  }

  /**
   * Verifies a complete release from the medium, as `finish` does; empty when all is well, or when
   * there is no such release.
   */
  verifyStored(release: LostOrigin["release"]): readonly Reason[] {
    this.#expect("verifyStored", ["READY", "CANDIDATE", "FAILED", "UPDATED"]);
    const bank = this.#store.record[`${release}Bank`];
    if (bank === null) return [];
    const { trust, slots } = this.#options;
    const { reasons } = verifyBank(this.#store, bank, { trust, slots, step: "verify" });
    return reasons.map(describeReason);
  }

  /** Drops what is half received, or the result of the last update: READY. */
  clean(): void {
    this.#expect("clean", ["READY", "WRITING", "CANDIDATE", "FAILED", "UPDATED"]);
    this.#writers.clear();
    const { record } = this.#store;
    const dropped = record.candidateBank;
    this.#store.commit({
      state: SetState.READY,
      candidateBank: null,
      reason: null,
      banks: record.banks.map((bank, i) => (i === dropped ? FREE_BANK : bank)),
    });
  }

  /** Copies images that the accepted or the previous release has too: no need to send them. */
  #reuseImages(): void {
    const { candidateBank, banks } = this.#store.record;
    if (candidateBank === null) return;
    for (const [index, wanted] of banks[candidateBank]?.images.entries() ?? []) {
      const source = findImage(this.#store.record, wanted);
      if (wanted.isReceived || source === null) continue;
      try {
        const reader = this.#store.readImage(source.bank, source.image);
        const writer = this.#writer(candidateBank, index);
        for (let at = writer.positionBytes; at < reader.size; at = writer.positionBytes) {
          writer.write(at, reader.read(at, Math.min(COPY_BYTES, reader.size - at)));
        }
      } catch (error) {
        // A page that the old bank has lost is asked for like any other.
        unreadableOffset(error);
      }
    }
  }

  #finishable(): { readonly bank: Bank; readonly bankIndex: number } {
    const bankIndex = this.#candidate("finish", ["WRITING"]);
    const bank = this.#store.record.banks[bankIndex] ?? FREE_BANK;
    for (const [index, image] of bank.images.entries()) {
      if (image.isReceived) continue;
      const received = this.#writer(bankIndex, index).positionBytes;
      throw new UsageError(
        "update/incomplete",
        `image ${index}: ${received} of ${image.sizeBytes} bytes received`,
      );
    }
    return { bank, bankIndex };
  }

  #writer(bank: number, image: number): BankWriter {
    const known = this.#writers.get(image);
    // What a failed write has left is read from the medium again.
    if (known !== undefined && !known.isBroken) return known;
    const writer = this.#store.writeImage(bank, image);
    this.#writers.set(image, writer);
    return writer;
  }

  #lowestAllowedCounter(): number {
    return lowestAllowedCounter(this.#store.record, this.#options.securityCounter.read());
  }

  #checkOffer(release: ReleaseManifest): void {
    const { hardware, slots } = this.#options;
    const { record } = this.#store;
    if (!record.isLimp && isSameRelease(record, record.acceptedBank, release)) {
      throw new UsageError(
        "update/already-accepted",
        `release ${release.version} is the accepted one`,
      );
    }
    if (release.hardware !== hardware) {
      throw new UsageError(
        "update/hardware",
        `release ${release.version} is for ${release.hardware}, this device is ${hardware}`,
      );
    }
    if (release.images.length !== slots.length) {
      throw new UsageError(
        "update/image-count",
        `release ${release.version} has ${release.images.length} images, expected ${slots.length}`,
      );
    }
    for (const [index, image] of release.images.entries()) {
      const slot = slots[index];
      if (slot !== undefined && image.size > slot.maxBytes) {
        throw new UsageError(
          "update/too-large",
          `release ${release.version}: ${image.file} has ${image.size} bytes, the ${slot.core} slot ${slot.maxBytes}`,
        );
      }
    }
  }

  /** Bank of the candidate, in one of these states. */
  #candidate(verb: string, states: readonly SetStateName[]): number {
    this.#expect(verb, states);
    const { candidateBank } = this.#store.record;
    if (candidateBank === null) {
      throw new UsageError("update/state", `${verb}: there is no candidate`);
    }
    return candidateBank;
  }

  #expect(verb: string, states: readonly SetStateName[]): void {
    const state = stateName(this.#store.record.state);
    if (!states.includes(state)) {
      throw new UsageError(
        "update/state",
        `${verb} in state ${state}, expected ${states.join(" or ")}`,
        { details: { found: state, expected: states } },
      );
    }
  }
}

/** A bank that neither the accepted nor, if it can be helped, the previous release occupies. */
function pickBank(record: StateRecord): number {
  const free = record.banks.findIndex(
    (_, index) => index !== record.acceptedBank && index !== record.previousBank,
  );
  if (free !== -1) return free;
  return record.banks.findIndex((_, index) => index !== record.acceptedBank);
}

/** The same file in a bank that a release was accepted from. */
function findImage(
  record: StateRecord,
  wanted: BankImage,
): { readonly bank: number; readonly image: number } | null {
  for (const bank of [record.acceptedBank, record.previousBank]) {
    if (bank === null) continue;
    const image = (record.banks[bank]?.images ?? []).findIndex(
      ({ sizeBytes, fileDigest }) =>
        sizeBytes === wanted.sizeBytes && bytesEqual(fileDigest, wanted.fileDigest),
    );
    if (image !== -1) return { bank, image };
  }
  return null;
}

function claimedVersion({ version }: ReleaseManifest["images"][number]): Uint8Array {
  return IMAGE_VERSION_LAYOUT.encode(parseVersion(version));
}

/** The banks, with the candidate's versions as this manifest claims them; the same if they are. */
function withVersions(record: StateRecord, { images: offered }: ReleaseManifest): readonly Bank[] {
  const bank = record.banks[record.candidateBank ?? -1] ?? FREE_BANK;
  const images = bank.images.map((image, i) => {
    const claim = offered[i];
    return claim === undefined ? image : { ...image, version: claimedVersion(claim) };
  });
  const isSame = images.every(({ version }, i) =>
    bytesEqual(version, bank.images[i]?.version ?? version),
  );
  return isSame
    ? record.banks
    : record.banks.map((old) => (old === bank ? { ...bank, images } : old));
}

/** True when the bank was reserved for exactly these files. */
function isSameRelease(
  record: StateRecord,
  bank: number | null,
  release: ReleaseManifest,
): boolean {
  const images = record.banks[bank ?? -1]?.images ?? [];
  return (
    images.length === release.images.length &&
    release.images.every((offered, index) => {
      const stored = images[index];
      return (
        stored !== undefined &&
        stored.sizeBytes === offered.size &&
        bytesEqual(stored.fileDigest, fromHex(offered.sha256))
      );
    })
  );
}

function verifiedBank(bank: Bank, facts: readonly ImageFacts[], securityCounter: number): Bank {
  return {
    securityCounter,
    images: bank.images.map((image, index) => {
      const fact = facts[index];
      return fact === undefined ? image : { ...image, imageHash: fact.hash };
    }),
  };
}
