// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from "@tandem/base/node";
import { createReleaseCheck, createReleaseServer } from "@tandem/server";
import type { ReleaseServer } from "@tandem/server";

/** Where a server that was given any free port of this machine listens. */
export const LOOPBACK = { host: "127.0.0.1", port: 0 } as const;

/** A server, not listening yet, for a directory of releases by whomever they are signed. */
export function createTestServer(
  root: string,
  { keyPem, certPem }: { readonly keyPem: string; readonly certPem: string },
): Promise<ReleaseServer> {
  return createReleaseServer({
    root,
    tls: { key: keyPem, cert: certPem },
    publish: { check: createReleaseCheck({ crypto: nodeCrypto, keys: null }) },
  });
}
