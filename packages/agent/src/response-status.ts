// SPDX-License-Identifier: Apache-2.0
import { PeerError, TandemError } from "@tandem/base";

import type { Attempt } from "./attempt.js";
import type { HttpResponse } from "./https-connection.js";
import { parseRetryAfter } from "./retry.js";

/** A problem document is a few lines; more is not read. */
const MAX_PROBLEM_BYTES = 4096;
const MAX_DETAIL_CHARACTERS = 200;

/**
 * Judges an answer whose status is not the expected one: `busy` for those that ask to come back.
 * @throws {PeerError} agent/not-found for 404 and 410, agent/status for every other
 * @see RFC 9110, section 15
 */
export async function judgeStatus(
  response: HttpResponse,
  expected: number,
  nowMs: number,
): Promise<Attempt<never>> {
  const { status, url } = response;
  const detail = await problemDetail(response);
  const message = `GET ${url}: status ${status}, expected ${expected}${detail === "" ? "" : `: ${detail}`}`;
  const missing = status === 404 || status === 410;
  const error = new PeerError(missing ? "agent/not-found" : "agent/status", message, {
    details: { url, expected, found: status },
  });
  if (status !== 408 && status !== 429 && status < 500) throw error;
  const retryAfterMs = parseRetryAfter(response.header("retry-after"), nowMs);
  return { kind: "busy", error, retryAfterMs };
}

/** What the server says about it (RFC 9457), made safe for one line; empty if it says nothing. */
async function problemDetail(response: HttpResponse): Promise<string> {
  if (response.header("content-type")?.startsWith("application/problem+json") !== true) return "";
  try {
    const body = await response.body({ minBytes: 0, maxBytes: MAX_PROBLEM_BYTES });
    const document: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof document !== "object" || document === null || !("detail" in document)) return "";
    if (typeof document.detail !== "string") return "";
    return document.detail.replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, MAX_DETAIL_CHARACTERS);
  } catch (error) {
    // Too long or not JSON: the status has to speak for itself. A lost connection is another matter.
    if (error instanceof TandemError || error instanceof SyntaxError) return "";
    throw error;
  }
}
