// SPDX-License-Identifier: Apache-2.0
import { PeerError, UsageError } from "@tandem/base";
import { RELEASE_JSON } from "@tandem/release";
import type { ReleaseManifest } from "@tandem/release";

import { persist } from "./attempt.js";
import type { Attempt, Persisted, RetryNotice } from "./attempt.js";
import { parseBaseUrl, releasePath } from "./base-url.js";
import type { BaseUrl } from "./base-url.js";
import { HttpsConnection } from "./https-connection.js";
import type { Timeouts } from "./https-connection.js";
import { requestRange } from "./range-request.js";
import type { ByteRange, RemoteFile } from "./range-request.js";
import { requestReleaseJson } from "./release-documents.js";
import { createRetryPolicy } from "./retry.js";
import type { RetryOptions, RetryPolicy } from "./retry.js";

const DEFAULT_FRAGMENT_BYTES = 16_384;

/** From where to download, and how patiently. */
export interface ServerOptions {
  /** `https://HOST[:PORT][/PATH]` of the server; releases are below `/releases`. */
  readonly baseUrl: string;
  /** PEM of the only authorities to trust. */
  readonly tls: { readonly ca: string };
  /** Bytes per Range request. Default 16 384. */
  readonly fragmentBytes?: number;
  readonly retry: RetryOptions;
  readonly timeouts?: Timeouts;
  readonly signal?: AbortSignal;
}

/** A release server: repeats what may succeed later, and closes its sockets when disposed of. */
export class ReleaseClient implements AsyncDisposable {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly fragmentBytes: number;
  readonly #options: ServerOptions;
  readonly #base: BaseUrl;
  readonly #connection: HttpsConnection;
  readonly #policy: RetryPolicy;
  readonly #onRetry: (notice: RetryNotice) => void;
  #rangeRequests = 0;

  /** @throws {UsageError} agent/bad-url, agent/bad-ca, agent/bad-fragment-size */
  constructor(options: ServerOptions, onRetry: (notice: RetryNotice) => void) {
    this.#options = options;
    this.#onRetry = onRetry;
    this.fragmentBytes = options.fragmentBytes ?? DEFAULT_FRAGMENT_BYTES;
    if (!Number.isSafeInteger(this.fragmentBytes) || this.fragmentBytes < 1) {
      throw new UsageError(
        "agent/bad-fragment-size",
        `fragment of ${this.fragmentBytes} bytes, expected a whole number above 0`,
      );
    }
    this.#base = parseBaseUrl(options.baseUrl);
    this.origin = this.#base.origin;
    this.#policy = createRetryPolicy(options.retry);
    this.#connection = new HttpsConnection({
      origin: this.origin,
      ca: options.tls.ca,
      timeouts: options.timeouts ?? {},
      signal: options.signal,
    });
  }

  /** Range requests that completed. */
  get rangeRequests(): number {
    return this.#rangeRequests;
  }

  /** @throws {UsageError} agent/bad-version */
  pathOf(version: string, file: string): string {
    return releasePath(this.#base, version, file);
  }

  /**
   * release.json of a version.
   * @throws {PeerError} agent/wrong-release, agent/not-found and others; {FormatError}
   * release/bad-json, agent/not-text; {TransportError}, {TimeoutError} at last
   */
  async fetchRelease(version: string): Promise<ReleaseManifest> {
    const path = this.pathOf(version, RELEASE_JSON);
    const { value: release } = await this.#persist(path, () =>
      requestReleaseJson(this.#connection, path, this.#options.retry.now),
    );
    if (release.version === version) return release;
    throw new PeerError(
      "agent/wrong-release",
      `${this.origin}${path}: version ${release.version}, expected ${version}`,
      { details: { found: release.version, expected: version } },
    );
  }

  /** Exactly this range of exactly this file; see {@link requestRange} for the errors. */
  async fetchRange(file: RemoteFile, range: ByteRange): Promise<Persisted<Uint8Array>> {
    const result = await this.#persist(file.path, () =>
      requestRange(this.#connection, file, range, this.#options.retry.now),
    );
    this.#rangeRequests++;
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async #persist<T>(path: string, attempt: () => Promise<Attempt<T>>): Promise<Persisted<T>> {
    return await persist(attempt, {
      url: this.origin + path,
      policy: this.#policy,
      signal: this.#options.signal,
      onRetry: this.#onRetry,
    });
  }
}
