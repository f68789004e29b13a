// SPDX-License-Identifier: Apache-2.0
import type { Server } from "node:https";
import { isIPv6 } from "node:net";
import { resolve } from "node:path";

import fastifyStatic from "@fastify/static";
import { PeerError, TransportError, UsageError } from "@tandem/base";
import Fastify from "fastify";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { takeConditions } from "./conditional-request.js";
import { sendProblem } from "./problem.js";
import { publishReleases } from "./publish.js";
import type { Publication, PublishedRelease, RefusedRelease, ReleaseCheck } from "./publish.js";
import type { PublishedFile } from "./release-directory.js";

/** What a server does, for its log. */
export type ServerEvent =
  | ({ readonly type: "published" } & PublishedRelease)
  | ({ readonly type: "refused" } & RefusedRelease)
  | {
      /** A file is no longer the one that was published, and is not served any more. */
      readonly type: "changed";
      readonly path: string;
    }
  | {
      /** A request failed for a reason that is not the client's. */
      readonly type: "failed";
      readonly url: string;
      readonly error: Error;
    };

/** What to serve, and how. */
export interface ReleaseServerOptions {
  /** Directory whose sub-directories (or itself) hold a release.json and the files it names. */
  readonly root: string;
  /** PEM of the server's certificate chain and private key. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly publish: { readonly check: ReleaseCheck };
  /** Publishes releases that do not verify. Default false. */
  readonly unchecked?: boolean;
  readonly log?: (event: ServerEvent) => void;
}

/** A server that has read its releases. */
export interface ReleaseServer extends AsyncDisposable, Publication {
  /** For hooks and further routes, before `listen`. */
  readonly app: FastifyInstance<Server>;
  /**
   * Begins to serve.
   * @param options.port 0 for any that is free
   * @returns `https://HOST:PORT`
   * @throws {TransportError} server/listen when the port is taken or not allowed
   */
  readonly listen: (options: { readonly host: string; readonly port: number }) => Promise<string>;
  /** Ends every connection and stops. */
  readonly close: () => Promise<void>;
}

/** What a client may do without sending or reading a byte, in milliseconds. */
const IDLE_MS = 60_000;

/**
 * Reads and checks the releases below a directory and makes an HTTPS server for them.
 *
 * `GET /releases` lists them; `GET /releases/VERSION/FILE` serves release.json and the files that
 * it names and nothing else, with Range, If-Range and If-None-Match over strong ETags: the SHA-256
 * of the content as it was when it was read and checked. A file that has changed since then is
 * answered with 409 and not with other bytes under the old digest: not a 5xx, because asking again
 * cannot help until the release is published again.
 *
 * @throws {UsageError} server/bad-root, server/bad-tls
 */
export async function createReleaseServer(options: ReleaseServerOptions): Promise<ReleaseServer> {
  const { root } = options;
  const { check } = options.publish;
  const unchecked = options.unchecked ?? false;
  const { published, refused } = await publishReleases({ root, check, unchecked });
  for (const release of published.values()) options.log?.({ type: "published", ...release });
  for (const release of refused) options.log?.({ type: "refused", ...release });
  const app = createApp(options);
  // Only for reply.sendFile: no path of a request ever reaches the file system.
  app.register(fastifyStatic, { root: resolve(root), serve: false, ...SEND_OPTIONS });
  addRoutes(app, { published, refused }, options.log);
  const close = async (): Promise<void> => await app.close();
  return {
    app,
    published,
    refused,
    listen: async (where) => await listen(app, where),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The ETag is set from the digest; dates and caching rules would only compete with it. */
const SEND_OPTIONS = {
  cacheControl: false,
  dotfiles: "deny",
  etag: false,
  index: false,
  lastModified: false,
} as const;

function createApp(options: ReleaseServerOptions): FastifyInstance<Server> {
  const { key, cert } = options.tls;
  try {
    return Fastify({
      https: { key, cert, minVersion: "TLSv1.2" },
      connectionTimeout: IDLE_MS,
      requestTimeout: IDLE_MS,
      // Devices keep their connections open; stopping must not wait for them.
      forceCloseConnections: true,
      frameworkErrors: (error, request, reply) => {
        const detail = `${request.url}: ${error.message}`;
        sendProblem(reply, { status: 400, code: "server/bad-request", detail });
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `TLS: ${reason}, expected a certificate and its private key`;
    throw new UsageError("server/bad-tls", message, { cause });
  }
}

function addRoutes(
  app: FastifyInstance<Server>,
  publication: Publication,
  log: ReleaseServerOptions["log"],
): void {
  app.setNotFoundHandler((request, reply) => notFound(reply, request.url));
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    answerError(error, request, reply, log),
  );
  const list = JSON.stringify(describePublication(publication));
  app.get("/releases", (_request, reply) =>
    reply.header("cache-control", "no-store").type("application/json").send(list),
  );
  app.get<{ Params: { version: string; file: string } }>(
    "/releases/:version/:file",
    (request, reply) => {
      const { version, file: name } = request.params;
      const file = publication.published.get(version)?.files.get(name);
      return file === undefined ? notFound(reply, request.url) : sendFile(request, reply, file);
    },
  );
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PublishedFile): FastifyReply {
  const etag = `"${file.sha256}"`;
  reply.header("etag", etag);
  const verdict = takeConditions(request.method, request.raw.headers, {
    etag,
    sizeBytes: file.sizeBytes,
  });
  if (verdict === "not-modified") return reply.code(304).send();
  if (verdict === "precondition-failed") {
    const detail = `${request.url}: ETag ${etag} is not in If-Match`;
    return sendProblem(reply, { status: 412, code: "server/precondition-failed", detail });
  }
  if (verdict === "bad-range") {
    reply.header("content-range", `bytes */${file.sizeBytes}`);
    const detail = `${request.url}: the range is outside of the file's ${file.sizeBytes} bytes`;
    return sendProblem(reply, { status: 416, code: "server/bad-range", detail });
  }
  const onFile = (path: string, stats: Parameters<PublishedFile["isUnchanged"]>[0]): void => {
    if (file.isUnchanged(stats)) return;
    const message = `${request.url}: the file has changed since it was published`;
    throw new PeerError("server/file-changed", message, { details: { path } });
  };
  return reply.sendFile(file.name, file.directory, { ...SEND_OPTIONS, onFile });
}

function notFound(reply: FastifyReply, url: string): FastifyReply {
  const detail = `${url}: nothing is published under this path`;
  return sendProblem(reply, { status: 404, code: "server/not-found", detail });
}

function answerError(
  error: FastifyError | PeerError,
  request: FastifyRequest,
  reply: FastifyReply,
  log: ReleaseServerOptions["log"],
): FastifyReply {
  if (error instanceof PeerError && error.code === "server/file-changed") {
    log?.({ type: "changed", path: String(error.details["path"]) });
    return sendProblem(reply, { status: 409, code: error.code, detail: error.message });
  }
  const status = ("statusCode" in error ? error.statusCode : undefined) ?? 500;
  if (status < 500) {
    return sendProblem(reply, { status, code: "server/bad-request", detail: error.message });
  }
  log?.({ type: "failed", url: request.url, error });
  const detail = `${request.url}: the server failed`;
  return sendProblem(reply, { status: 500, code: "server/failed", detail });
}

function describePublication({ published, refused }: Publication): object {
  return {
    releases: [...published.values()].map(({ manifest, findings }) => ({
      version: manifest.version,
      id: manifest.id,
      hardware: manifest.hardware,
      securityCounter: manifest.securityCounter,
      release: `/releases/${encodeURIComponent(manifest.version)}/release.json`,
      findings,
    })),
    refused,
  };
}

async function listen(
  app: FastifyInstance<Server>,
  where: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    await app.listen(where);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    const message = `${where.host}:${where.port}: ${code}, expected a free port to listen on`;
    throw new TransportError("server/listen", message, { cause, details: where });
  }
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : where.port;
  return `https://${isIPv6(where.host) ? `[${where.host}]` : where.host}:${port}`;
}
