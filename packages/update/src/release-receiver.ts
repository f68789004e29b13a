// SPDX-License-Identifier: Apache-2.0
import { UsageError, bytesEqual, fromHex } from "@tandem/base";
import { IMAGE_VERSION_LAYOUT, parseVersion } from "@tandem/image";
import type { ReleaseManifest } from "@tandem/release";
import { FREE_BANK, SetState } from "@tandem/store";
import type { Bank, BankImage, BankWriter, StateRecord, Store } from "@tandem/store";

import { isSameRelease } from "./release-offer.js";
import { unreadableOffset } from "./verify-bank.js";

/** Images are copied from bank to bank in pieces of this size. */
const COPY_BYTES = 2048;

/** Takes the images of a release into the bank of the candidate; what is there already stays. */
export class ReleaseReceiver {
  readonly #store: Store;
  /** By image index: how far this session has come. */
  readonly #writers = new Map<number, BankWriter>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Reserves a bank for the release, or goes on with the one that holds a part of it. Images that
   * the accepted or the previous release has too are copied from there.
   */
  begin(release: ReleaseManifest): void {
    this.end();
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

  /** Offset of the next byte of an image that is being received. */
  positionBytes(bank: number, image: number): number {
    return this.#writer(bank, image).positionBytes;
  }

  /** @throws {UsageError} store/write-offset, store/write-past-end */
  write(bank: number, image: number, offsetBytes: number, bytes: Uint8Array): void {
    this.#writer(bank, image).write(offsetBytes, bytes);
  }

  /** @throws {UsageError} update/incomplete when bytes of an image are still to come */
  checkComplete(bank: number): void {
    const { images } = this.#store.record.banks[bank] ?? FREE_BANK;
    for (const [index, image] of images.entries()) {
      if (image.isReceived) continue;
      const received = this.positionBytes(bank, index);
      throw new UsageError(
        "update/incomplete",
        `image ${index}: ${received} of ${image.sizeBytes} bytes received`,
      );
    }
  }

  /** Nothing more is to come: forgets how far this session has come. */
  end(): void {
    this.#writers.clear();
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

  #writer(bank: number, image: number): BankWriter {
    const known = this.#writers.get(image);
    // What a failed write has left is read from the medium again.
    if (known !== undefined && !known.isBroken) return known;
    const writer = this.#store.writeImage(bank, image);
    this.#writers.set(image, writer);
    return writer;
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
