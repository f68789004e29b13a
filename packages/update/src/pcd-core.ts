// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import { bytesSource, findFwInfo, verifyImage } from "@tandem/image";
import type { FoundFwInfo, ImageFacts, ImageSource } from "@tandem/image";

import type { CoreInstaller, InstallResult } from "./core-installer.js";
import type { Trust } from "./trust.js";

/** What the network core answers in the command struct: everything but COPY and DONE is failure. */
export type PcdStatus = "busy" | "done" | "failed";

/**
 * Peripheral CPU DFU: the command struct in shared RAM through which the bootloader of the
 * network core (b0n) is told to copy an image out of application RAM.
 * @see nRF Connect SDK, include/dfu/pcd.h, include/dfu/pcd_common.h
 */
export interface PcdPort {
  /** NETWORK.FORCEOFF: stops the network core. */
  forceOff(): void;
  /** Writes a COPY command for `length` bytes at `offset` of `ram`, then releases the core. */
  startCopy(ram: Uint8Array, offset: number, length: number): void;
  /**
   * Firmware version that b0n reads out of its slot's fw_info, or null when it finds none there.
   * Itself null where b0n was built without CONFIG_PCD_READ_NETCORE_APP_VERSION.
   */
  readonly readVersion: (() => number | null) | null;
  status(): PcdStatus;
  /** Clears the command struct. */
  clear(): void;
  /** Makes the RAM of the command struct read-only until the next reset. */
  lock(): void;
  wait(ms: number): void;
}

/** How often the status is polled, milliseconds. */
const POLL_MS = 50;
/** Least time that the network core gets, milliseconds. */
const MIN_DEADLINE_MS = 30_000;
/** Longest erase of one network core flash page and write of one word, from the nRF5340 data sheet. */
const WORST_PAGE_ERASE_MS = 89.7;
const WORST_WORD_WRITE_MS = 0.043;
const NET_PAGE_BYTES = 2048;
/** A refused or silent copy is tried once more. */
const COPY_TRIES = 2;
/** fw_info stands within this much of the firmware's start. */
const FW_INFO_HEAD_BYTES = 0x1080;

/** The network core: its flash is out of reach, b0n copies the image out of RAM. */
export class PcdCore implements CoreInstaller {
  readonly core: string;
  readonly #pcd: PcdPort;
  readonly #ram: Uint8Array;
  readonly #trust: Trust;
  readonly #tick: (doneBytes: number, totalBytes: number) => void;

  /**
   * @param options.ram buffer for the whole image; 256 KiB on the nRF5340
   * @param options.tick called per chunk and poll: feeds the watchdog, reports progress
   */
  constructor(options: {
    readonly core: string;
    readonly pcd: PcdPort;
    readonly ram: Uint8Array;
    readonly trust: Trust;
    readonly tick: (doneBytes: number, totalBytes: number) => void;
  }) {
    this.core = options.core;
    this.#pcd = options.pcd;
    this.#ram = options.ram;
    this.#trust = options.trust;
    this.#tick = options.tick;
  }

  hold(): void {
    this.#pcd.forceOff();
  }

  /** The flash cannot be read; b0n can be asked for the version it holds. */
  confirmInstalled(_hash: Uint8Array, source: ImageSource): boolean {
    const verdict = verifyImage(source, this.#trust);
    if (!verdict.ok) return false;
    const expected = fwInfoOf(source, verdict.facts)?.version;
    if (expected === undefined || this.#pcd.readVersion === null) return true;
    return this.#readVersion() === expected;
  }

  install(hash: Uint8Array, source: ImageSource): InstallResult {
    if (source.size > this.#ram.length)
      return { ok: false, code: "too-large", detail: source.size, isUntouched: true };
    this.#load(source);
    // b0n checks only a hash that travels with the payload, so the copy in RAM is what has to be
    // verified, after the last read of the store.
    const image = bytesSource(this.#ram.subarray(0, source.size));
    const verdict = verifyImage(image, this.#trust);
    if (!verdict.ok || !bytesEqual(verdict.facts.hash, hash)) {
      return { ok: false, code: "verify-after-write", isUntouched: true };
    }
    const versionBefore = this.#readVersion();
    let result: InstallResult = { ok: false, code: "core-refused" };
    for (let tries = 0; tries < COPY_TRIES && !result.ok; tries++)
      result = this.#copy(verdict.facts);
    if (result.ok) return result;
    const fwInfo = fwInfoOf(image, verdict.facts);
    return { ...result, isUntouched: this.#isStill(versionBefore, fwInfo) };
  }

  /**
   * b0n copies in ascending order, and `fw_info` stands in the first page (NCS: offset 0x200): as
   * long as it is the one that was there before, and not that of the new image, nothing has been
   * erased.
   */
  #isStill(versionBefore: number | null, fwInfo: FoundFwInfo | null): boolean {
    if (versionBefore === null || fwInfo === null) return false;
    const isInFirstPage = fwInfo.offsetBytes < NET_PAGE_BYTES;
    return (
      isInFirstPage && fwInfo.version !== versionBefore && this.#readVersion() === versionBefore
    );
  }

  #readVersion(): number | null {
    if (this.#pcd.readVersion === null) return null;
    const version = this.#pcd.readVersion();
    this.#pcd.forceOff();
    this.#pcd.clear();
    return version;
  }

  #load(source: ImageSource): void {
    const chunk = 4096;
    for (let at = 0; at < source.size; at += chunk) {
      this.#ram.set(source.read(at, Math.min(chunk, source.size - at)), at);
      this.#tick(0, source.size);
    }
  }

  #copy(facts: ImageFacts): InstallResult {
    const { headerSize, imageSize } = facts.header;
    const deadlineMs = copyDeadlineMs(imageSize);
    this.#pcd.startCopy(this.#ram, headerSize, imageSize);
    let status = this.#pcd.status();
    for (let waited = 0; status === "busy" && waited < deadlineMs; waited += POLL_MS) {
      this.#pcd.wait(POLL_MS);
      this.#tick(Math.min(imageSize, (imageSize * waited * 2) / deadlineMs), imageSize);
      status = this.#pcd.status();
    }
    this.#pcd.forceOff();
    this.#pcd.clear();
    if (status === "done") return { ok: true };
    return status === "failed"
      ? { ok: false, code: "core-refused" }
      : { ok: false, code: "core-timeout", detail: Math.round(deadlineMs) };
  }
}

function fwInfoOf(image: ImageSource, { header }: ImageFacts): FoundFwInfo | null {
  const { headerSize, imageSize } = header;
  return findFwInfo(image.read(headerSize, Math.min(FW_INFO_HEAD_BYTES, imageSize)));
}

/** Twice the worst erase and program time of the size, at least 30 s. */
function copyDeadlineMs(sizeBytes: number): number {
  const pages = Math.ceil(sizeBytes / NET_PAGE_BYTES);
  const worst = pages * WORST_PAGE_ERASE_MS + (sizeBytes / 4) * WORST_WORD_WRITE_MS;
  return Math.max(MIN_DEADLINE_MS, 2 * worst);
}
