// SPDX-License-Identifier: Apache-2.0
import { PeerError, TandemError, TimeoutError, TransportError, concatBytes } from "@tandem/base";
import type { ReleaseManifest } from "@tandem/release";

import type { RetryNotice } from "./attempt.js";
import type { HealTarget, LostOrigin, LostRange } from "./heal-target.js";
import type { RemoteFile } from "./range-request.js";
import { ReleaseClient } from "./release-client.js";
import type { ServerOptions } from "./release-client.js";

/** What to heal, with the help of which server. */
export interface HealOptions extends ServerOptions {
  readonly target: HealTarget;
  /** What the target's patrol reported. */
  readonly lost: readonly LostRange[];
  readonly log?: (event: { readonly type: "retry" } & RetryNotice) => void;
}

/** A lost range, and which file its bytes belong to. */
export interface PlacedRange extends LostRange {
  readonly origin: LostOrigin;
}

/** What became of the lost ranges. */
export interface HealReport {
  /** Put back. */
  readonly healed: readonly PlacedRange[];
  /** Still lost, and why. */
  readonly failed: readonly { readonly range: PlacedRange; readonly error: TandemError }[];
  /** Verdict on each release that has lost nothing any more, read again as a whole. */
  readonly verified: readonly {
    readonly release: LostOrigin["release"];
    readonly version: string;
    /** Empty when every image is what its signature covers. */
    readonly reasons: ReturnType<HealTarget["verifyStored"]>;
  }[];
  /** Bytes of images that were downloaded. */
  readonly bytesDownloaded: number;
  /** Range requests that completed. */
  readonly rangeRequests: number;
}

/**
 * Downloads the ranges that a device has lost, and nothing else, and puts them back. Each request
 * is bound by If-Range to the digest of the file that the device has stored, so no other build of a
 * release can slip in; `HealTarget.repair` judges the bytes before it writes. At the end every
 * release that is whole again is verified from the medium.
 *
 * What cannot be healed is named in the report. Connections, timeouts and repetitions are those of
 * `downloadRelease`; a server that is out of reach is not asked again for the ranges that are left.
 *
 * @throws {UsageError} agent/bad-url, agent/bad-ca, agent/bad-fragment-size
 * @throws the signal's reason, and whatever the target throws that is no TandemError, untouched
 */
export async function healRelease(options: HealOptions): Promise<HealReport> {
  await using client = new ReleaseClient(options, (notice) =>
    options.log?.({ type: "retry", ...notice }),
  );
  return await new Healing(options.target, client).run(options.lost);
}

/** State of one healing. */
class Healing {
  readonly #target: HealTarget;
  readonly #client: ReleaseClient;
  /** By version. */
  readonly #releases = new Map<string, ReleaseManifest>();
  readonly #healed: PlacedRange[] = [];
  readonly #failed: { readonly range: PlacedRange; readonly error: TandemError }[] = [];
  #outOfReach: TandemError | null = null;
  #bytesDownloaded = 0;

  constructor(target: HealTarget, client: ReleaseClient) {
    this.#target = target;
    this.#client = client;
  }

  async run(lost: readonly LostRange[]): Promise<HealReport> {
    const placed = lost.map((range) => ({ ...range, origin: this.#target.originOf(range) }));
    for (const ranges of byImage(placed)) await this.#healImage(ranges);
    return {
      healed: this.#healed,
      failed: this.#failed,
      verified: this.#verify(),
      bytesDownloaded: this.#bytesDownloaded,
      rangeRequests: this.#client.rangeRequests,
    };
  }

  /** All ranges of an image are fetched first: together they can be judged, one by one not always. */
  async #healImage(ranges: readonly PlacedRange[]): Promise<void> {
    const found: { readonly range: PlacedRange; readonly bytes: Uint8Array }[] = [];
    for (const range of ranges) {
      try {
        if (this.#outOfReach !== null) throw this.#outOfReach;
        found.push({ range, bytes: await this.#fetch(range) });
      } catch (error) {
        this.#fail(range, error);
        const isUnreachable = error instanceof TransportError || error instanceof TimeoutError;
        if (isUnreachable) this.#outOfReach = error;
      }
    }
    for (const { range, bytes } of found) {
      try {
        this.#target.repair(range, bytes, found);
        this.#healed.push(range);
      } catch (error) {
        this.#fail(range, error);
      }
    }
  }

  async #fetch(range: PlacedRange): Promise<Uint8Array> {
    const file = await this.#fileOf(range);
    const pieces: Uint8Array[] = [];
    const end = range.offsetBytes + range.lengthBytes;
    for (let at = range.offsetBytes; at < end;) {
      const sizeBytes = Math.min(this.#client.fragmentBytes, end - at);
      const { value } = await this.#client.fetchRange(file, { offsetBytes: at, sizeBytes });
      this.#bytesDownloaded += sizeBytes;
      pieces.push(value);
      at += sizeBytes;
    }
    return concatBytes(...pieces);
  }

  /** @throws {PeerError} agent/wrong-release when the server has another file than the device */
  async #fileOf({ image, origin }: PlacedRange): Promise<RemoteFile> {
    const { version, sha256, sizeBytes } = origin;
    const release = this.#releases.get(version) ?? (await this.#client.fetchRelease(version));
    this.#releases.set(version, release);
    const offered = release.images.find(({ index }) => index === image);
    if (offered?.sha256 === sha256 && offered.size === sizeBytes) {
      return { path: this.#client.pathOf(version, offered.file), sizeBytes, sha256 };
    }
    const found = offered === undefined ? "no such image" : describe(offered.size, offered.sha256);
    const expected = describe(sizeBytes, sha256);
    throw new PeerError(
      "agent/wrong-release",
      `${this.#client.origin}: release ${version}, image ${image}: ${found}, ` +
        `expected ${expected} as stored`,
      { details: { found, expected } },
    );
  }

  #fail(range: PlacedRange, error: unknown): void {
    if (!(error instanceof TandemError)) throw error;
    this.#failed.push({ range, error });
  }

  #verify(): HealReport["verified"] {
    const stillLost = new Set(this.#failed.map(({ range }) => range.origin.release));
    const whole = new Map<LostOrigin["release"], string>();
    for (const { origin } of this.#healed) {
      if (!stillLost.has(origin.release)) whole.set(origin.release, origin.version);
    }
    return [...whole].map(([release, version]) => ({
      release,
      version,
      reasons: this.#target.verifyStored(release),
    }));
  }
}

function byImage(ranges: readonly PlacedRange[]): Iterable<readonly PlacedRange[]> {
  const groups = new Map<string, PlacedRange[]>();
  for (const range of ranges) {
    const key = `${range.bank}/${range.image}`;
    groups.set(key, [...(groups.get(key) ?? []), range]);
  }
  return groups.values();
}

function describe(sizeBytes: number, sha256: string): string {
  return `${sizeBytes} bytes with SHA-256 ${sha256}`;
}
