// SPDX-License-Identifier: Apache-2.0
import { createAuthority, issueServerCertificate } from "./authority.js";
import type { ServerCertificate } from "./authority.js";

/** Certificates for one run of a loopback server. */
export interface RunCertificates extends ServerCertificate {
  readonly caPem: string;
}

/**
 * Makes an authority and a server certificate for this machine's loopback names, entirely in
 * memory and valid for one day: the authority's key is gone when this returns.
 */
export async function createRunCertificates(options: {
  readonly now: Date;
}): Promise<RunCertificates> {
  const validity = { now: options.now, days: 1 };
  const authority = await createAuthority(validity);
  const server = await issueServerCertificate(authority, validity);
  return { caPem: authority.caPem, certPem: server.certPem, keyPem: server.keyPem };
}
