// SPDX-License-Identifier: Apache-2.0
import { UsageError } from "@tandem/base";

/** Where a server's releases are. */
export interface BaseUrl {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path before `/releases`, without a slash at its end; empty at the root of the server. */
  readonly path: string;
}

/**
 * Takes a server's URL apart.
 * @throws {UsageError} agent/bad-url when it is not a plain https: URL: no other scheme, no user,
 * no query, no fragment
 */
export function parseBaseUrl(text: string): BaseUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url?.protocol === "https:" &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === "";
  if (!plain) {
    throw new UsageError("agent/bad-url", `URL ${text}, expected https://HOST[:PORT][/PATH]`, {
      details: { found: text },
    });
  }
  return { origin: url.origin, path: url.pathname.replace(/\/+$/, "") };
}

/**
 * Path of a file of a release.
 * @throws {UsageError} agent/bad-version when the version is one that a URL cannot hold
 */
export function releasePath(base: BaseUrl, version: string, file: string): string {
  for (const segment of [version, file]) {
    // Percent-encoding does not protect these: servers and proxies resolve them.
    if (segment !== "" && segment !== "." && segment !== "..") continue;
    throw new UsageError(
      "agent/bad-version",
      `release or file named "${segment}", expected a name`,
    );
  }
  return `${base.path}/releases/${encodeURIComponent(version)}/${encodeURIComponent(file)}`;
}
