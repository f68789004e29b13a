// SPDX-License-Identifier: Apache-2.0
import { STATUS_CODES } from "node:http";

import type { FastifyReply } from "fastify";

/** Why a request failed. */
export interface Problem {
  readonly status: number;
  /** `server/what-was-wrong`, stable across releases. */
  readonly code: string;
  /** One line for people. */
  readonly detail: string;
}

/**
 * Answers with a problem document.
 * @see RFC 9457
 */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, code, detail } = problem;
  const title = STATUS_CODES[status] ?? "Error";
  // As bytes, because Fastify adds a charset to text, which this media type does not have.
  const document = Buffer.from(
    JSON.stringify({ type: "about:blank", title, status, detail, code }),
  );
  return reply
    .code(status)
    .removeHeader("etag")
    .header("cache-control", "no-store")
    .type("application/problem+json")
    .send(document);
}
