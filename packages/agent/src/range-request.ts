// SPDX-License-Identifier: Apache-2.0
import { PeerError } from "@tandem/base";

import type { Attempt } from "./attempt.js";
import type { HttpResponse, HttpsConnection } from "./https-connection.js";
import { judgeStatus } from "./response-status.js";

/** A file on the server, as release.json describes it. */
export interface RemoteFile {
  /** Absolute path on the server. */
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the whole file in lower-case hex: its strong ETag. */
  readonly sha256: string;
}

/** A piece of a {@link RemoteFile}, never empty. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/**
 * Requests one range of a file once. The bytes are returned only when all of them arrived and the
 * answer says that they are these bytes of exactly this file.
 * @param now present time in milliseconds since 1970, for Retry-After
 * @throws {PeerError} agent/entity-changed when the server now has another file under this name
 * @throws {PeerError} agent/bad-range, agent/bad-encoding or agent/body-length when the answer does
 * not fit the request; agent/not-found and agent/status
 * @see RFC 9110, sections 13.1.5 (If-Range) and 14 (range requests)
 */
export async function requestRange(
  connection: HttpsConnection,
  file: RemoteFile,
  range: ByteRange,
  now: () => number,
): Promise<Attempt<Uint8Array>> {
  const { offsetBytes, sizeBytes } = range;
  const headers = {
    range: `bytes=${offsetBytes}-${offsetBytes + sizeBytes - 1}`,
    "if-range": etagOf(file),
  };
  return await connection.get<Uint8Array>(file.path, headers, async (response) => {
    switch (response.status) {
      case 206:
        checkHeaders(response, file, range);
        return {
          kind: "done",
          value: await response.body({ minBytes: sizeBytes, maxBytes: sizeBytes }),
        };
      case 200:
        throw entityChanged(
          response.url,
          `the whole of ${response.header("etag") ?? "a file without ETag"}`,
          `a range of ${etagOf(file)}`,
        );
      case 416:
        throw entityChanged(
          response.url,
          `size ${response.header("content-range") ?? "too small"}`,
          `size ${file.sizeBytes}`,
        );
      default:
        return await judgeStatus(response, 206, now());
    }
  });
}

function checkHeaders(response: HttpResponse, file: RemoteFile, range: ByteRange): void {
  const etag = response.header("etag");
  if (etag !== etagOf(file)) {
    throw entityChanged(response.url, `ETag ${etag ?? "none"}`, `ETag ${etagOf(file)}`);
  }
  checkContentRange(response, file, range);
  const encoding = response.header("content-encoding");
  if (encoding !== undefined && encoding !== "identity") {
    throw mismatch("agent/bad-encoding", response.url, "Content-Encoding", encoding, "none");
  }
  // Absent in a chunked answer; the body is counted all the same.
  const length = response.header("content-length");
  if (length !== undefined && length !== String(range.sizeBytes)) {
    const expected = String(range.sizeBytes);
    throw mismatch("agent/body-length", response.url, "Content-Length", length, expected);
  }
}

function checkContentRange(response: HttpResponse, file: RemoteFile, range: ByteRange): void {
  const found = response.header("content-range") ?? "none";
  const last = range.offsetBytes + range.sizeBytes - 1;
  const expected = `bytes ${range.offsetBytes}-${last}/${file.sizeBytes}`;
  if (found === expected) return;
  const size = /^bytes \d+-\d+\/(\d+)$/.exec(found)?.[1];
  if (size !== undefined && size !== String(file.sizeBytes)) {
    throw entityChanged(response.url, `size ${size}`, `size ${file.sizeBytes}`);
  }
  throw mismatch("agent/bad-range", response.url, "Content-Range", found, expected);
}

function etagOf(file: RemoteFile): string {
  return `"${file.sha256}"`;
}

function entityChanged(url: string, found: string, expected: string): PeerError {
  return new PeerError("agent/entity-changed", `GET ${url}: found ${found}, expected ${expected}`, {
    details: { url, found, expected },
  });
}

function mismatch(
  code: string,
  url: string,
  header: string,
  found: string,
  expected: string,
): PeerError {
  return new PeerError(code, `GET ${url}: ${header} ${found}, expected ${expected}`, {
    details: { url, found, expected },
  });
}
