// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from "node:crypto";

import { InternalError, PeerError, TandemError, TimeoutError, UsageError } from "@tandem/base";
import { Client } from "undici";
import type { Dispatcher } from "undici";

import type { Attempt } from "./attempt.js";
import { judgeConnectionFailure } from "./connection-failure.js";

/** Deadlines in milliseconds. */
export interface Timeouts {
  /** For TCP and TLS together. Default 10 000. */
  readonly connectMs?: number;
  /** For the next byte of an answer, its first one included. Default 10 000. */
  readonly idleMs?: number;
  /** For one whole request, so that a server cannot drip bytes for ever. Default 60 000. */
  readonly requestMs?: number;
}

/** An answer whose body has not been read yet. */
export interface HttpResponse {
  readonly url: string;
  readonly status: number;
  /** The header's value, several joined by a comma; undefined when absent. */
  header(name: string): string | undefined;
  /**
   * Reads the body, which must be exactly as long as `expected` says.
   * @throws {PeerError} agent/body-length when it is longer, or ends properly but too early
   */
  body(expected: { readonly minBytes: number; readonly maxBytes: number }): Promise<Uint8Array>;
}

/** One verified HTTPS connection at a time to one server, opened again when it was lost. */
export class HttpsConnection implements AsyncDisposable {
  readonly #origin: string;
  readonly #host: string;
  readonly #client: Client;
  readonly #signal: AbortSignal | undefined;
  readonly #requestMs: number;
  readonly #connectFailures = new WeakSet();

  /**
   * Connects on the first request only.
   * @param options.ca PEM of the only authorities to trust; the system's are not
   * @throws {UsageError} agent/bad-ca when `ca` holds no certificate
   */
  constructor(options: {
    readonly origin: string;
    readonly ca: string;
    readonly timeouts: Timeouts;
    readonly signal: AbortSignal | undefined;
  }) {
    assertCertificate(options.ca);
    this.#origin = options.origin;
    this.#host = new URL(options.origin).host;
    this.#signal = options.signal;
    this.#requestMs = options.timeouts.requestMs ?? 60_000;
    const idleMs = options.timeouts.idleMs ?? 10_000;
    this.#client = new Client(options.origin, {
      connect: {
        ca: options.ca,
        minVersion: "TLSv1.2",
        rejectUnauthorized: true,
        timeout: options.timeouts.connectMs ?? 10_000,
      },
      headersTimeout: idleMs,
      bodyTimeout: idleMs,
      pipelining: 1,
    });
    this.#client.on("connectionError", (_origin, _targets, error) => {
      this.#connectFailures.add(error);
    });
  }

  /**
   * Makes one GET request and lets `read` judge the answer.
   * @param path absolute path on the server
   * @throws {TransportError} agent/tls when the server cannot be trusted
   * @throws {PeerError} agent/bad-response when the answer is not HTTP; whatever `read` throws
   */
  async get<T>(
    path: string,
    headers: Readonly<Record<string, string>>,
    read: (response: HttpResponse) => Promise<Attempt<T>>,
  ): Promise<Attempt<T>> {
    this.#signal?.throwIfAborted();
    const url = this.#origin + path;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#requestMs);
    const signals = [deadline.signal, ...(this.#signal === undefined ? [] : [this.#signal])];
    let response: Dispatcher.ResponseData | undefined;
    try {
      response = await this.#client.request({
        method: "GET",
        path,
        // A compressed body would have neither the length nor the digest that release.json names.
        headers: { ...headers, "accept-encoding": "identity" },
        signal: AbortSignal.any(signals),
      });
      return await read(wrapResponse(url, response));
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (error instanceof TandemError) throw error;
      return this.#judge(error, url, deadline.signal.aborted);
    } finally {
      clearTimeout(timer);
      // What was not read to its end is not worth the wait; the next request connects again.
      if (response?.body.readableEnded === false) response.body.destroy();
    }
  }

  /** Cuts the connection, whatever state it is in, and waits until its socket is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy();
  }

  #judge(cause: unknown, url: string, late: boolean): Attempt<never> {
    if (late) {
      const message = `GET ${url}: no complete answer in ${this.#requestMs} ms`;
      const error = new TimeoutError("agent/timeout", message, { cause, details: { url } });
      return { kind: "lost", connected: true, error };
    }
    const connecting = cause instanceof Error && this.#connectFailures.has(cause);
    const failure = judgeConnectionFailure(cause, { url, host: this.#host, connecting });
    if (failure === undefined) throw cause;
    if (!failure.passing) throw failure.error;
    return { kind: "lost", connected: !connecting, error: failure.error };
  }
}

function assertCertificate(ca: string): void {
  try {
    // Node itself takes any text for a CA and then trusts nobody, which tells the user nothing.
    void new X509Certificate(ca);
  } catch (cause) {
    throw new UsageError("agent/bad-ca", "CA: no certificate in PEM form", { cause });
  }
}

function wrapResponse(url: string, response: Dispatcher.ResponseData): HttpResponse {
  // A body that nobody reads fails too when the connection is cut; that is not news to anybody.
  response.body.on("error", () => undefined);
  return {
    url,
    status: response.statusCode,
    header: (name) => {
      const value = response.headers[name];
      return typeof value === "object" ? value.join(", ") : value;
    },
    body: (expected) => readBody(url, response.body, expected),
  };
}

async function readBody(
  url: string,
  body: AsyncIterable<unknown>,
  expected: { readonly minBytes: number; readonly maxBytes: number },
): Promise<Uint8Array> {
  const { minBytes, maxBytes } = expected;
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  const fail = (found: string): PeerError =>
    new PeerError(
      "agent/body-length",
      `GET ${url}: body of ${found} bytes, expected ${minBytes === maxBytes ? "" : "at most "}${maxBytes}`,
      { details: { url, expected: maxBytes, found } },
    );
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) {
      throw new InternalError("agent/chunk", `GET ${url}: body chunk is not bytes`);
    }
    if (length + chunk.length > maxBytes) throw fail(`more than ${maxBytes}`);
    buffer.set(chunk, length);
    length += chunk.length;
  }
  if (length < minBytes) throw fail(String(length));
  return buffer.subarray(0, length);
}
