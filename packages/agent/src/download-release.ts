// SPDX-License-Identifier: Apache-2.0
import { PeerError, UsageError } from "@tandem/base";
import { RELEASE_JSON, parseMultiImageHeader } from "@tandem/release";
import type { ReleaseManifest } from "@tandem/release";

import type { RetryNotice } from "./attempt.js";
import type { DownloadTarget } from "./download-target.js";
import { BUNDLE_START_BYTES, imagesAsFiles, imagesInBundle } from "./release-documents.js";
import type { RemoteImage } from "./release-documents.js";
import { ReleaseClient } from "./release-client.js";
import type { ServerOptions } from "./release-client.js";

/** How far a download is, after each fragment. */
export interface DownloadProgress {
  readonly imageIndex: number;
  readonly core: string;
  /** Bytes of this image that the target has taken, those of earlier sessions included. */
  readonly imageBytes: number;
  readonly imageBytesTotal: number;
  /** Bytes of the whole release that the target has taken, those of earlier sessions included. */
  readonly releaseBytes: number;
  readonly releaseBytesTotal: number;
}

/** What happened, for logs and timelines. */
export type DownloadEvent =
  | { readonly type: "release"; readonly version: string; readonly id: string }
  | {
      /** An image is downloaded from `offsetBytes` on; more than 0 continues an earlier session. */
      readonly type: "image";
      readonly imageIndex: number;
      readonly core: string;
      readonly offsetBytes: number;
    }
  | ({ readonly type: "retry" } & RetryNotice)
  | {
      /** The download went on behind the last completed fragment; one for each lost connection. */
      readonly type: "resumed";
      readonly imageIndex: number;
      readonly core: string;
      readonly offsetBytes: number;
    };

/** What to download, from where, to where and how patiently. */
export interface DownloadOptions extends ServerOptions {
  /** Version of the release. */
  readonly release: string;
  readonly target: DownloadTarget;
  /** One request target per image, or all images out of one dfu_multi_image.bin. */
  readonly mode: "files" | "bundle";
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly log?: (event: DownloadEvent) => void;
}

/**
 * What a download took. Only completed fragments count, so equal drops at equal places give equal
 * reports, whatever the network's timing was.
 */
export interface DownloadReport {
  /** Bytes of images that were downloaded and taken by the target in this session. */
  readonly bytesDownloaded: number;
  /** Bytes of all images of the release. */
  readonly bytesTotal: number;
  /** Range requests that completed, the one for a bundle's header included. */
  readonly rangeRequests: number;
  /** Times that an image went on after an established connection had been lost. */
  readonly resumes: number;
}

/**
 * Downloads a release over HTTPS into a target, from where the target's medium says that it ends.
 *
 * Every fragment is a Range request bound to the digest in release.json by If-Range, and is given
 * to the target only when complete. Lost connections, timeouts, 408, 429 and 5xx are repeated with
 * growing delays; everything else ends the download. No socket stays open, however it ends.
 *
 * @throws {UsageError} agent/bad-url, agent/bad-ca, agent/bad-version, agent/bad-fragment-size,
 * agent/bad-offset
 * @throws {TransportError} agent/tls when the server cannot be trusted, agent/connection when it
 * cannot be reached at last
 * @throws {TimeoutError} agent/timeout when it does not answer at last
 * @throws {PeerError} agent/not-found, agent/status, agent/entity-changed, agent/bad-range,
 * agent/bad-encoding, agent/body-length, agent/bad-response, agent/wrong-release,
 * agent/no-bundle, agent/bundle-mismatch
 * @throws {FormatError} release/bad-json, release/bad-bundle, agent/not-text when release.json or
 * the bundle's header is malformed
 * @throws the signal's reason, and whatever the target throws, untouched
 */
export async function downloadRelease(options: DownloadOptions): Promise<DownloadReport> {
  await using client = new ReleaseClient(options, (notice) =>
    options.log?.({ type: "retry", ...notice }),
  );
  return await new Download(options, client).run();
}

/** State of one download session. */
class Download {
  readonly #options: DownloadOptions;
  readonly #client: ReleaseClient;
  #bytesDownloaded = 0;
  #resumes = 0;

  constructor(options: DownloadOptions, client: ReleaseClient) {
    this.#options = options;
    this.#client = client;
  }

  async run(): Promise<DownloadReport> {
    const { release: version, log } = this.#options;
    const release = await this.#client.fetchRelease(version);
    log?.({ type: "release", version, id: release.id });
    const images =
      this.#options.mode === "bundle"
        ? await this.#fetchBundleImages(release)
        : imagesAsFiles(release, (file) => this.#pathOf(file));
    const { target } = this.#options;
    target.start(release);
    const held = images.map((remote) => bytesHeldBy(target, remote));
    let releaseBytes = sum(held);
    const releaseBytesTotal = sum(images.map(({ image }) => image.size));
    for (const [i, remote] of images.entries()) {
      await this.#fetchImage(remote, held[i] ?? 0, (imageBytes, fragmentBytes) => {
        releaseBytes += fragmentBytes;
        const { index: imageIndex, core, size: imageBytesTotal } = remote.image;
        const image = { imageIndex, core, imageBytes, imageBytesTotal };
        this.#options.onProgress?.({ ...image, releaseBytes, releaseBytesTotal });
      });
    }
    return {
      bytesDownloaded: this.#bytesDownloaded,
      bytesTotal: releaseBytesTotal,
      rangeRequests: this.#client.rangeRequests,
      resumes: this.#resumes,
    };
  }

  async #fetchBundleImages(release: ReleaseManifest): Promise<readonly RemoteImage[]> {
    if (release.bundle === undefined) {
      throw new PeerError(
        "agent/no-bundle",
        `${this.#client.origin}${this.#pathOf(RELEASE_JSON)}: no bundle, expected one`,
      );
    }
    const { file, size, sha256 } = release.bundle;
    const bundle = { path: this.#pathOf(file), sizeBytes: size, sha256 };
    const range = { offsetBytes: 0, sizeBytes: Math.min(size, BUNDLE_START_BYTES) };
    const { value: firstBytes } = await this.#client.fetchRange(bundle, range);
    const header = parseMultiImageHeader(firstBytes, { name: this.#client.origin + bundle.path });
    return imagesInBundle(release, bundle, header);
  }

  /** Fetches the rest of an image; fragments never reach into the next one of a bundle. */
  async #fetchImage(
    remote: RemoteImage,
    heldBytes: number,
    onFragment: (imageBytes: number, fragmentBytes: number) => void,
  ): Promise<void> {
    const { target, log } = this.#options;
    const { index: imageIndex, core, size } = remote.image;
    if (heldBytes < size) log?.({ type: "image", imageIndex, core, offsetBytes: heldBytes });
    for (let at = heldBytes; at < size;) {
      const sizeBytes = Math.min(this.#client.fragmentBytes, size - at);
      const range = { offsetBytes: remote.offsetBytes + at, sizeBytes };
      const { value, droppedConnections } = await this.#client.fetchRange(remote.file, range);
      for (let i = 0; i < droppedConnections; i++) {
        this.#resumes++;
        log?.({ type: "resumed", imageIndex, core, offsetBytes: at });
      }
      target.write(imageIndex, at, value);
      this.#bytesDownloaded += sizeBytes;
      at += sizeBytes;
      onFragment(at, sizeBytes);
    }
  }

  #pathOf(file: string): string {
    return this.#client.pathOf(this.#options.release, file);
  }
}

function bytesHeldBy(target: DownloadTarget, { image }: RemoteImage): number {
  const bytes = target.receivedBytes(image.index);
  if (Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= image.size) return bytes;
  throw new UsageError(
    "agent/bad-offset",
    `target holds ${bytes} bytes of image ${image.index}, expected 0 to ${image.size}`,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
