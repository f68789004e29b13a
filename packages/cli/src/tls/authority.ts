// SPDX-License-Identifier: Apache-2.0
// The polyfill must be evaluated before @peculiar/x509, whose container needs it at load time.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";

import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const MS_PER_DAY = 86_400_000;

// A device whose clock runs a little behind must not refuse a certificate made a moment ago.
const BACKDATE_MS = 3_600_000;

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };

/** Common name that marks a certificate as made by Tandem, so that no other is ever overwritten. */
export const AUTHORITY_NAME = "Tandem self-signed authority";

/** Names and addresses of this machine to itself, for which certificates are made by default. */
export const LOOPBACK_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "::1"];

/** How long a certificate is valid. */
export interface Validity {
  /** Present time. The certificate is valid from one hour before it. */
  readonly now: Date;
  /** Days from `now` to the end of validity. Negative makes an expired one, for tests. */
  readonly days: number;
}

/** A certificate authority whose private key exists in memory only. */
export interface Authority {
  /** Its certificate, for `--ca`. */
  readonly caPem: string;
  /** Signs server certificates; cannot be exported. */
  readonly caKey: webcrypto.CryptoKey;
  /** Identifies the key in the certificates that it signs. */
  readonly caPublicKey: webcrypto.CryptoKey;
}

/** What an HTTPS server needs; the key in PKCS #8. */
export interface ServerCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * Makes a certificate authority (ECDSA P-256) that may sign server certificates and nothing below.
 * @see RFC 5280, section 4.2.1.9
 */
export async function createAuthority(validity: Validity): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, false, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${AUTHORITY_NAME}`,
      ...datesOf(validity),
      keys,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return {
    caPem: `${certificate.toString("pem")}\n`,
    caKey: keys.privateKey,
    caPublicKey: keys.publicKey,
  };
}

/**
 * Signs a certificate for an HTTPS server under a new P-256 key.
 * @param options.hosts DNS names and IP addresses that the certificate is for; this machine's
 * loopback names when left out
 */
export async function issueServerCertificate(
  authority: Authority,
  options: Validity & { readonly hosts?: readonly string[] },
): Promise<ServerCertificate> {
  const hosts = options.hosts ?? LOOPBACK_HOSTS;
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create(
    {
      // Clients look at the alternative names only (RFC 9525, section 2), so the subject is a label.
      subject: "CN=Tandem release server",
      issuer: `CN=${AUTHORITY_NAME}`,
      ...datesOf(options),
      publicKey: keys.publicKey,
      signingKey: authority.caKey,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          hosts.map((host) => ({ type: isIP(host) === 0 ? "dns" : "ip", value: host })),
        ),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(authority.caPublicKey),
      ],
    },
    webcrypto,
  );
  return { certPem: `${certificate.toString("pem")}\n`, keyPem: await exportKey(keys.privateKey) };
}

function datesOf({ now, days }: Validity): { notBefore: Date; notAfter: Date } {
  const notAfter = now.getTime() + days * MS_PER_DAY;
  return {
    notBefore: new Date(Math.min(now.getTime(), notAfter) - BACKDATE_MS),
    notAfter: new Date(notAfter),
  };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}
