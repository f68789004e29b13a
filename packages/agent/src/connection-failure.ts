// SPDX-License-Identifier: Apache-2.0
import { PeerError, TimeoutError, TransportError } from "@tandem/base";
import type { TandemError } from "@tandem/base";
import { errors } from "undici";

const PARSER_PREFIX = "HPE_";

/** Reasons for people, by the codes of OpenSSL's certificate check and of Node's host name check. */
const CERTIFICATE_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknown CA: the certificate is signed by itself",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate is for another host",
  SELF_SIGNED_CERT_IN_CHAIN: "unknown CA: the chain ends in an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT: "unknown CA: the issuer's certificate is missing",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknown CA: the issuer's certificate is missing",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknown CA: the certificate's issuer is not trusted",
};

/** The rest of them: malformed, revoked, rejected, wrong purpose, chain too long and so on. */
const CERTIFICATE_CODE =
  /^(?:CERT_|CRL_|UNABLE_TO_|ERROR_IN_CERT_|INVALID_|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH)/;

/** The TLS handshake itself failed: another protocol, version or cipher. */
const HANDSHAKE_CODE = /^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/;

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);

/** Ends of connection that the HTTP parser reports in its own terms. */
const CUT_SHORT_CODES: ReadonlySet<string> = new Set([
  "HPE_INVALID_EOF_STATE",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
]);

/** What a failed exchange means for its caller. */
export interface ConnectionFailure {
  readonly error: TandemError;
  /** True when the same request may succeed later. */
  readonly passing: boolean;
}

/**
 * Judges an error of the network stack; undefined when it is not one and must be thrown on.
 * @param connecting true when the error ended the attempt to connect
 */
export function judgeConnectionFailure(
  cause: unknown,
  context: { readonly url: string; readonly host: string; readonly connecting: boolean },
): ConnectionFailure | undefined {
  const code = codeOf(cause);
  if (code === undefined) return undefined;
  const { url, host, connecting } = context;
  const details = { url, host, reason: code };
  if (connecting) {
    const reason = tlsReason(code);
    if (reason !== undefined) {
      const error = new TransportError("agent/tls", `TLS with ${host}: ${reason} (${code})`, {
        cause,
        details,
      });
      return { error, passing: false };
    }
  }
  if (TIMEOUT_CODES.has(code)) {
    const what = connecting ? "connect" : "answer";
    const error = new TimeoutError("agent/timeout", `GET ${url}: no ${what} in time (${code})`, {
      cause,
      details,
    });
    return { error, passing: true };
  }
  const malformed = code.startsWith(PARSER_PREFIX) || code === "UND_ERR_HEADERS_OVERFLOW";
  if (malformed && !CUT_SHORT_CODES.has(code)) {
    const error = new PeerError("agent/bad-response", `GET ${url}: answer is not HTTP (${code})`, {
      cause,
      details,
    });
    return { error, passing: false };
  }
  const what = connecting ? `no connection to ${host}` : "connection lost";
  const error = new TransportError("agent/connection", `GET ${url}: ${what} (${code})`, {
    cause,
    details,
  });
  return { error, passing: true };
}

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  // Some of the parser's errors come without a code.
  return cause instanceof errors.HTTPParserError ? `${PARSER_PREFIX}ERROR` : undefined;
}

function tlsReason(code: string): string | undefined {
  const known = CERTIFICATE_REASONS[code];
  if (known !== undefined) return known;
  if (CERTIFICATE_CODE.test(code)) return "certificate refused";
  return HANDSHAKE_CODE.test(code) ? "handshake failed" : undefined;
}
