// SPDX-License-Identifier: Apache-2.0
import { bytesEqual } from "@tandem/base";
import type { FlashArea } from "@tandem/flash";
import { verifyImage } from "@tandem/image";
import type { ImageFacts, ImageSource } from "@tandem/image";

import type { CoreInstaller, InstallResult } from "./core-installer.js";
import type { Trust } from "./trust.js";

/** A core whose primary slot the bootloader writes directly: the application core itself. */
export class FlashCore implements CoreInstaller {
  readonly core: string;
  readonly #area: FlashArea;
  readonly #trust: Trust;
  readonly #tick: (doneBytes: number, totalBytes: number) => void;

  /** @param options.tick called per flash page: feeds the watchdog, reports progress */
  constructor(options: {
    readonly core: string;
    readonly area: FlashArea;
    readonly trust: Trust;
    readonly tick: (doneBytes: number, totalBytes: number) => void;
  }) {
    this.core = options.core;
    this.#area = options.area;
    this.#trust = options.trust;
    this.#tick = options.tick;
  }

  hold(): void {
    // The core that asks is the one that would be held.
  }

  readInstalled(): ImageFacts | null {
    const verdict = verifyImage(this.#area, this.#trust);
    return verdict.ok ? verdict.facts : null;
  }

  confirmInstalled(hash: Uint8Array): boolean {
    const installed = this.readInstalled();
    return installed !== null && bytesEqual(installed.hash, hash);
  }

  install(
    hash: Uint8Array,
    source: ImageSource,
    { isResumed }: { readonly isResumed: boolean },
  ): InstallResult {
    if (source.size > this.#area.size) {
      return { ok: false, code: "too-large", detail: source.size, isUntouched: true };
    }
    for (let offset = 0; offset < source.size; offset += this.#area.pageBytes) {
      this.#writePage(offset, source, !isResumed);
      this.#tick(Math.min(offset + this.#area.pageBytes, source.size), source.size);
    }
    return this.confirmInstalled(hash) ? { ok: true } : { ok: false, code: "verify-after-write" };
  }

  /** With `keepsEqual`, pages that already hold the right bytes are neither erased nor written. */
  #writePage(offset: number, source: ImageSource, keepsEqual: boolean): void {
    const { pageBytes } = this.#area;
    const length = Math.min(pageBytes, source.size - offset);
    const wanted = new Uint8Array(pageBytes).fill(0xff);
    wanted.set(source.read(offset, length));
    if (keepsEqual && bytesEqual(this.#area.read(offset, pageBytes), wanted)) return;
    this.#area.erasePage(offset);
    const aligned = Math.ceil(length / this.#area.writeBytes) * this.#area.writeBytes;
    this.#area.write(offset, wanted.subarray(0, aligned));
  }
}
