// SPDX-License-Identifier: Apache-2.0
import type { IncomingHttpHeaders } from "node:http";

/** What the conditions of a request ask for. */
export type ConditionVerdict = "send" | "not-modified" | "precondition-failed" | "bad-range";

/**
 * Evaluates a request's conditions against a strong ETag and removes them, together with a Range
 * that does not apply, from the request's headers. @fastify/send then sees a plain request: left
 * to itself it compares with an ETag of its own making, from size and time.
 * @see RFC 9110, sections 13.2.2 (order of evaluation) and 14.2 (Range)
 */
export function takeConditions(
  method: string,
  headers: IncomingHttpHeaders,
  { etag, sizeBytes }: { readonly etag: string; readonly sizeBytes: number },
): ConditionVerdict {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  const ifRange = headers["if-range"];
  const range = method === "GET" ? parseRange(headers.range, sizeBytes) : undefined;
  for (const name of CONDITIONS) delete headers[name];
  delete headers.range;
  if (ifMatch !== undefined && !lists(ifMatch, etag)) return "precondition-failed";
  // Weak comparison, which for a strong ETag means that a W/ before it is ignored.
  if (ifNoneMatch !== undefined && lists(ifNoneMatch.replaceAll('W/"', '"'), etag)) {
    return "not-modified";
  }
  // A date never matches: files have a digest here and no date that could be relied on.
  const applies = ifRange === undefined || ifRange === etag;
  if (range === undefined || !applies) return "send";
  if (range.first > range.last) return "bad-range";
  headers.range = `bytes=${range.first}-${range.last}`;
  return "send";
}

const CONDITIONS = [
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
] as const;

/** True when a list of ETags has this one in it, or is `*`. */
function lists(header: string, etag: string): boolean {
  const tags = header.split(",").map((tag) => tag.trim());
  return tags.includes("*") || tags.includes(etag);
}

/**
 * A Range of one part in bytes, within the file; `first` is behind `last` when nothing of it is.
 * Undefined for any other, which RFC 9110 allows to be ignored: @fastify/send would take malformed
 * ones, and suffixes longer than the file, for unsatisfiable.
 */
function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { first: number; last: number } | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  const end = sizeBytes - 1;
  if (first !== "") {
    if (last !== "" && Number(last) < Number(first)) return undefined;
    return { first: Number(first), last: last === "" ? end : Math.min(Number(last), end) };
  }
  return last === "" ? undefined : { first: Math.max(0, sizeBytes - Number(last)), last: end };
}
