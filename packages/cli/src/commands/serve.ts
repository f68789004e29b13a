// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { readFile } from "node:fs/promises";

import type { Command } from "@commander-js/extra-typings";
import { UsageError } from "@tandem/base";
import type { PublicKey } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { loadPublicKey } from "@tandem/image/node";
import { createReleaseCheck, createReleaseServer } from "@tandem/server";
import type { ServerEvent } from "@tandem/server";

import type { Context } from "../context.js";
import { collect, parseWholeNumber } from "../option-parsers.js";
import { ensureSelfSigned } from "../tls/self-signed.js";

interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly cert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly selfSigned?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly unchecked?: true | undefined;
}

/** `tandem serve`: publishes release directories over HTTPS until it is told to stop. */
export function registerServeCommand(program: Command, context: Context): void {
  program
    .command("serve")
    .description("Publish release directories over HTTPS")
    .argument("<dir>", "directory with release directories in it, or one release directory")
    .option("--host <host>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on, 0 for any", parseWholeNumber(0, 65_535), 8443)
    .option("--cert <pem>", "certificate chain of the server")
    .option("--tls-key <pem>", "private key of the certificate")
    .option("--self-signed <dir>", "make an authority and a certificate there, or use those in it")
    .option("--key <pem>", "public key that images may be signed with; repeat for more", collect)
    .option("--unchecked", "publish releases whatever is wrong with them")
    .addHelpText(
      "after",
      "\nPublishes what it finds at the start; a release that does not verify is named and left out." +
        "\nWithout --key everything is checked but the signatures." +
        "\nCtrl-C stops the server. Exit status: 0 stopped as asked, 2 usage, 3 port taken.",
    )
    .action(async (dir, options) => await serve(dir, options, context));
}

async function serve(dir: string, options: ServeOptions, context: Context): Promise<void> {
  const keys = await loadKeys(options.key);
  const { ca, ...tls } = await loadTls(options);
  if (keys === null && options.unchecked !== true) {
    context.err("no --key: images are checked, but not who signed them\n");
  }
  await using server = await createReleaseServer({
    root: dir,
    tls,
    publish: { check: createReleaseCheck({ crypto: nodeCrypto, keys }) },
    unchecked: options.unchecked === true,
    log: (event) => report(event, context),
  });
  if (server.published.size === 0) context.err(`${dir}: no release is published\n`);
  const url = await server.listen({ host: options.host, port: options.port });
  context.out(`serving ${url}\n`);
  context.out(`use     --url ${url}${ca === undefined ? "" : ` --ca ${ca}`}\n`);
  if (!context.signal.aborted) await once(context.signal, "abort");
  // Being stopped is how a server ends: the status stays 0. 130 is for work that is left undone.
  context.err("stopping\n");
}

async function loadKeys(
  files: readonly string[] | undefined,
): Promise<readonly PublicKey[] | null> {
  if (files === undefined) return null;
  return await Promise.all(
    files.map(async (name) => loadPublicKey(await readFile(name, "utf8"), { name })),
  );
}

async function loadTls(
  options: ServeOptions,
): Promise<{ cert: string; key: string; ca: string | undefined }> {
  const { cert, tlsKey, selfSigned } = options;
  if (selfSigned !== undefined && cert === undefined && tlsKey === undefined) {
    const made = await ensureSelfSigned({
      directory: selfSigned,
      now: new Date(),
      hosts: isWildcard(options.host) ? [] : [options.host],
    });
    return { cert: made.certPem, key: made.keyPem, ca: made.caPath };
  }
  if (selfSigned === undefined && cert !== undefined && tlsKey !== undefined) {
    return {
      cert: await readFile(cert, "utf8"),
      key: await readFile(tlsKey, "utf8"),
      ca: undefined,
    };
  }
  throw new UsageError(
    "cli/serve-tls",
    "serve: expected either --self-signed DIR or both --cert PEM and --tls-key PEM",
  );
}

/** No client connects to these, so no certificate needs them. */
function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function report(event: ServerEvent, context: Context): void {
  switch (event.type) {
    case "published": {
      const images = event.manifest.images.map(({ core, size }) => `${core} ${size} bytes`);
      context.out(`publish ${event.manifest.version} from ${event.label}: ${images.join(", ")}\n`);
      for (const { code, message } of event.findings) {
        context.out(`        unchecked: ${message} [${code}]\n`);
      }
      return;
    }
    case "refused":
      for (const { code, message } of event.reasons) {
        context.out(`refuse  ${event.label}: ${message} [${code}]\n`);
      }
      return;
    case "changed":
      context.err(`${event.path}: changed since it was published, not served any more\n`);
      return;
    case "failed":
      context.err(`${event.url}: ${event.error.stack ?? event.error.message}\n`);
      return;
    default:
      event satisfies never;
  }
}
