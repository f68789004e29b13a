// SPDX-License-Identifier: Apache-2.0
import { FormatError, PeerError } from "@tandem/base";
import {
  MAX_BUNDLE_HEADER_BYTES,
  MAX_RELEASE_JSON_CHARACTERS,
  parseReleaseJson,
} from "@tandem/release";
import type { MultiImageHeader, ReleaseImage, ReleaseManifest } from "@tandem/release";

import type { Attempt } from "./attempt.js";
import type { HttpsConnection } from "./https-connection.js";
import type { RemoteFile } from "./range-request.js";
import { judgeStatus } from "./response-status.js";

/** The longest release.json is ASCII: everything in it that is not would be refused. */
const MAX_RELEASE_JSON_BYTES = MAX_RELEASE_JSON_CHARACTERS;

/** Bytes from the start of a bundle that hold its whole header: the length field comes before. */
export const BUNDLE_START_BYTES: number = MAX_BUNDLE_HEADER_BYTES + 2;

/** One image of a release as a piece of a file on the server. */
export interface RemoteImage {
  readonly image: ReleaseImage;
  readonly file: RemoteFile;
  /** Where the image begins in the file. */
  readonly offsetBytes: number;
}

/**
 * Requests release.json once.
 * @throws {FormatError} release/bad-json, agent/not-text
 * @throws {PeerError} agent/body-length when it is longer than 64 KiB;
 * agent/not-found and agent/status
 */
export async function requestReleaseJson(
  connection: HttpsConnection,
  path: string,
  now: () => number,
): Promise<Attempt<ReleaseManifest>> {
  return await connection.get<ReleaseManifest>(path, {}, async (response) => {
    if (response.status !== 200) return await judgeStatus(response, 200, now());
    const body = await response.body({ minBytes: 1, maxBytes: MAX_RELEASE_JSON_BYTES });
    const value = parseReleaseJson(decodeText(body, response.url), { name: response.url });
    return { kind: "done", value };
  });
}

function decodeText(body: Uint8Array, url: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new FormatError("agent/not-text", `${url}: not UTF-8 text`, { cause });
  }
}

/** The images of a release as files of their own. */
export function imagesAsFiles(
  release: ReleaseManifest,
  pathOf: (file: string) => string,
): readonly RemoteImage[] {
  return release.images.map((image) => ({
    image,
    file: { path: pathOf(image.file), sizeBytes: image.size, sha256: image.sha256 },
    offsetBytes: 0,
  }));
}

/**
 * The images of a release as pieces of its bundle, in the bundle's order.
 * @throws {PeerError} agent/bundle-mismatch when the bundle's header tells of other images than
 * release.json does
 */
export function imagesInBundle(
  release: ReleaseManifest,
  bundle: RemoteFile,
  header: MultiImageHeader,
): readonly RemoteImage[] {
  const inHeader = header.images.map(({ id, size }) => `${id}: ${size}`);
  const inRelease = release.images.map(({ index, size }) => `${index}: ${size}`);
  const found = inHeader.toSorted().join(", ");
  const expected = inRelease.toSorted().join(", ");
  if (found !== expected) throw bundleMismatch(bundle, "images", found, expected);
  const images: RemoteImage[] = [];
  let offsetBytes = header.headerSize;
  for (const { id, size } of header.images) {
    const image = release.images.find(({ index }) => index === id);
    if (image === undefined) throw bundleMismatch(bundle, "images", found, expected);
    images.push({ image, file: bundle, offsetBytes });
    offsetBytes += size;
  }
  if (offsetBytes !== bundle.sizeBytes) {
    throw bundleMismatch(bundle, "size", String(offsetBytes), String(bundle.sizeBytes));
  }
  return images;
}

function bundleMismatch(
  bundle: RemoteFile,
  what: string,
  found: string,
  expected: string,
): PeerError {
  return new PeerError(
    "agent/bundle-mismatch",
    `header of ${bundle.path}: ${what} ${found}, expected ${expected} as in release.json`,
    { details: { found, expected } },
  );
}
