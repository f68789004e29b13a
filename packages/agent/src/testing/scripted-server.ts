// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** PEM files made by `regenerate.mjs` beside them. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../../test/fixtures/tls/${name}`, import.meta.url), "utf8");
}

function certificateFiles(name: string): { cert: string; key: string } {
  return { cert: fixture(`${name}.pem`), key: fixture(`${name}-key.pem`) };
}

/** A file and the digest that is its ETag. */
export interface ServedFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** A correct answer, before a script spoils it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Counts the requests that have a Range header, from 1; 0 for one that has none. */
  readonly nthRange: number;
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

/** What to do instead of sending the correct answer; false to send it after all. */
export type Script = (exchange: Exchange) => boolean;

/** Real HTTPS on loopback that answers correctly unless a script interferes. */
export class ScriptedServer implements AsyncDisposable {
  /** Path and Range header of every request. */
  readonly requests: string[] = [];
  readonly files = new Map<string, ServedFile>();
  script: Script = () => false;
  readonly #sockets = new Set<Socket>();
  readonly #server;
  #ranges = 0;

  private constructor(certificate: string) {
    this.#server = createServer(certificateFiles(certificate), (request, response) =>
      this.#answer(request, response),
    );
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    // A client that refuses the certificate is no error of this server.
    this.#server.on("tlsClientError", () => undefined);
  }

  static async start(certificate = "server"): Promise<ScriptedServer> {
    const server = new ScriptedServer(certificate);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    return `https://127.0.0.1:${typeof address === "object" ? address?.port : address}`;
  }

  /** Shows another certificate to connections from now on. */
  useCertificate(name: string): void {
    this.#server.setSecureContext(certificateFiles(name));
  }

  /** Resolves when the last client has gone. */
  async idle(): Promise<void> {
    await Promise.all([...this.#sockets].map(async (socket) => await once(socket, "close")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { range } = request.headers;
    this.requests.push([request.url, ...(range === undefined ? [] : [range])].join(" "));
    const nthRange = range === undefined ? 0 : ++this.#ranges;
    const exchange = { request, response, nthRange, ...this.#correctAnswer(request) };
    if (this.script(exchange)) return;
    response.writeHead(exchange.status, exchange.headers).end(exchange.body);
  }

  #correctAnswer(request: IncomingMessage): Pick<Exchange, "status" | "headers" | "body"> {
    const file = this.files.get(request.url ?? "");
    if (file === undefined) return { status: 404, headers: {}, body: new Uint8Array() };
    const { bytes, sha256 } = file;
    const etag = `"${sha256}"`;
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const stale = (request.headers["if-range"] ?? etag) !== etag;
    if (range === null || stale) {
      return { status: 200, headers: { etag, "content-length": bytes.length }, body: bytes };
    }
    const [first, last] = [Number(range[1]), Number(range[2])];
    const body = bytes.subarray(first, last + 1);
    const headers = {
      etag,
      "content-length": body.length,
      "content-range": `bytes ${first}-${last}/${bytes.length}`,
    };
    return { status: 206, headers, body };
  }
}

/** Drops the connection at the given Range requests, after so many bytes of the body. */
export function dropAt(drops: Readonly<Record<number, number | "before the headers">>): Script {
  return ({ nthRange, request, response, status, headers, body }) => {
    const place = drops[nthRange];
    if (place === undefined) return false;
    if (place === "before the headers") {
      request.socket.destroy();
      return true;
    }
    response.writeHead(status, headers).flushHeaders();
    // The last byte must not be written: the answer would be complete.
    const sent = body.subarray(0, Math.min(place, body.length - 1));
    response.write(sent.length === 0 ? "" : sent, () => request.socket.destroy());
    return true;
  };
}

/** Answers the given Range request otherwise: changed headers, status or body. */
export function alterAt(
  nth: number,
  alter: (answer: Exchange) => Partial<Pick<Exchange, "status" | "headers" | "body">>,
): Script {
  return (exchange) => {
    if (exchange.nthRange !== nth) return false;
    const { status, headers, body } = { ...exchange, ...alter(exchange) };
    exchange.response.writeHead(status, headers).end(body);
    return true;
  };
}
