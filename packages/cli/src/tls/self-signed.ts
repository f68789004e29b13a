// SPDX-License-Identifier: Apache-2.0
import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";

import { UsageError } from "@tandem/base";

import {
  AUTHORITY_NAME,
  LOOPBACK_HOSTS,
  createAuthority,
  issueServerCertificate,
} from "./authority.js";
import type { ServerCertificate } from "./authority.js";

/** Long enough for a project, short enough for clients that cap the life of certificates. */
const VALID_DAYS = 365;

/** A certificate with less left is replaced, so that it cannot expire under a running server. */
const MIN_REMAINING_MS = 86_400_000;

/** A server certificate that is kept in a directory. */
export interface SelfSigned extends ServerCertificate {
  /** The file to give to clients as their `--ca`. */
  readonly caPath: string;
  /** False when an earlier run's certificate was still good. */
  readonly created: boolean;
}

interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * The server certificate kept in `directory` as ca.pem, server.pem and server-key.pem (mode 0600).
 * Makes all three when they are missing, expire within a day, do not belong together or lack one
 * of `hosts`. The authority's key is never stored: nobody can sign with it later.
 * @param options.hosts names and addresses that the certificate must hold besides the loopback ones
 * @throws {UsageError} cli/foreign-certificate when ca.pem was not made by Tandem
 */
export async function ensureSelfSigned(options: {
  readonly directory: string;
  readonly now: Date;
  readonly hosts?: readonly string[];
}): Promise<SelfSigned> {
  const hosts = [...new Set([...LOOPBACK_HOSTS, ...(options.hosts ?? [])])];
  const files: Files = {
    ca: join(options.directory, "ca.pem"),
    cert: join(options.directory, "server.pem"),
    key: join(options.directory, "server-key.pem"),
  };
  const kept = await readKept(files, options.now, hosts);
  if (kept !== undefined) return { ...kept, caPath: files.ca, created: false };
  const validity = { now: options.now, days: VALID_DAYS };
  const authority = await createAuthority(validity);
  const server = await issueServerCertificate(authority, { ...validity, hosts });
  await mkdir(options.directory, { recursive: true });
  // The certificate first: a key is only known for Tandem's own by the certificate beside it, and
  // an interrupted run leaves a set that does not belong together, which the next run replaces.
  await replaceFile(files.cert, server.certPem, 0o644);
  await replaceFile(files.key, server.keyPem, 0o600);
  await replaceFile(files.ca, authority.caPem, 0o644);
  return { ...server, caPath: files.ca, created: true };
}

/** The stored certificate if it still serves; undefined if a new one must be made. */
async function readKept(
  files: Files,
  now: Date,
  hosts: readonly string[],
): Promise<ServerCertificate | undefined> {
  const caPem = await readIfPresent(files.ca);
  const certPem = await readIfPresent(files.cert);
  const keyPem = await readIfPresent(files.key);
  refuseForeign(files, { caPem, certPem, keyPem });
  if (caPem === undefined || certPem === undefined || keyPem === undefined) return undefined;
  const ca = parseCertificate(caPem);
  const cert = parseCertificate(certPem);
  if (ca === undefined || cert === undefined) return undefined;
  const belongTogether = cert.verify(ca.publicKey) && keyFits(cert, keyPem);
  const lasts = [ca, cert].every(
    ({ validFrom, validTo }) =>
      Date.parse(validFrom) <= now.getTime() &&
      Date.parse(validTo) - now.getTime() >= MIN_REMAINING_MS,
  );
  const named = hosts.every((host) =>
    isIP(host) === 0 ? cert.checkHost(host) !== undefined : cert.checkIP(host) !== undefined,
  );
  return belongTogether && lasts && named ? { certPem, keyPem } : undefined;
}

/** Refuses to touch files that somebody else put there, e.g. a company's real authority. */
function refuseForeign(
  files: Files,
  found: Record<"caPem" | "certPem" | "keyPem", string | undefined>,
): void {
  for (const [path, pem] of [
    [files.ca, found.caPem],
    [files.cert, found.certPem],
  ] as const) {
    if (pem === undefined) continue;
    const issuer = parseCertificate(pem)?.issuer;
    if (issuer === `CN=${AUTHORITY_NAME}`) continue;
    throw new UsageError(
      "cli/foreign-certificate",
      `${path}: issued by ${issuer?.replaceAll("\n", ", ") ?? "nobody (not a certificate)"}, expected "CN=${AUTHORITY_NAME}" or no file`,
      { details: { path, expected: AUTHORITY_NAME, found: issuer } },
    );
  }
  // A key is only known for Tandem's own by the certificate beside it.
  if (found.keyPem !== undefined && found.certPem === undefined) {
    throw new UsageError(
      "cli/foreign-certificate",
      `${files.key}: a key without ${files.cert}, expected both or none`,
      { details: { path: files.key } },
    );
  }
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function keyFits(cert: X509Certificate, keyPem: string): boolean {
  try {
    return cert.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Replaces in one step, and with this mode whatever the mode of the old file was. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const written = `${path}.new`;
  await rm(written, { force: true });
  await writeFile(written, text, { mode, flag: "wx" });
  await rename(written, path);
}
