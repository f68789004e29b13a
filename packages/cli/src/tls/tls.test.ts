// SPDX-License-Identifier: Apache-2.0
import { X509Certificate, createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer, get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createAuthority, issueServerCertificate } from "./authority.js";
import { createRunCertificates } from "./run-certificates.js";
import { ensureSelfSigned } from "./self-signed.js";

const NOW = new Date("2026-11-01T12:00:00Z");
const DAY_MS = 86_400_000;

describe("createAuthority and issueServerCertificate", () => {
  it("makes a chain that Node's own parser accepts, for the hosts asked for", async () => {
    const authority = await createAuthority({ now: NOW, days: 10 });
    const server = await issueServerCertificate(authority, {
      now: NOW,
      days: 5,
      hosts: ["updates.example", "192.0.2.1"],
    });
    const ca = new X509Certificate(authority.caPem);
    const cert = new X509Certificate(server.certPem);
    expect(ca.ca).toBe(true);
    expect(cert.ca).toBe(false);
    expect(cert.checkIssued(ca)).toBe(true);
    expect(cert.verify(ca.publicKey)).toBe(true);
    expect(cert.checkPrivateKey(createPrivateKey(server.keyPem))).toBe(true);
    expect(cert.subjectAltName).toBe("DNS:updates.example, IP Address:192.0.2.1");
    expect(cert.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(Date.parse(cert.validTo)).toBe(NOW.getTime() + 5 * DAY_MS);
    expect(Date.parse(cert.validFrom)).toBe(NOW.getTime() - 3_600_000);
  });

  it("gives every certificate its own serial number", async () => {
    const authority = await createAuthority({ now: NOW, days: 1 });
    const first = await issueServerCertificate(authority, { now: NOW, days: 1 });
    const second = await issueServerCertificate(authority, { now: NOW, days: 1 });
    expect(new X509Certificate(first.certPem).serialNumber).not.toBe(
      new X509Certificate(second.certPem).serialNumber,
    );
  });

  it("makes expired certificates for a negative number of days", async () => {
    const authority = await createAuthority({ now: NOW, days: -1 });
    const ca = new X509Certificate(authority.caPem);
    expect(Date.parse(ca.validTo)).toBe(NOW.getTime() - DAY_MS);
    expect(Date.parse(ca.validFrom)).toBeLessThan(Date.parse(ca.validTo));
  });
});

describe("createRunCertificates", () => {
  it("serves HTTPS on loopback to a client that trusts its authority", async () => {
    const run = await createRunCertificates({ now: new Date() });
    const server = createServer({ cert: run.certPem, key: run.keyPem }, (_, response) => {
      response.end("ok");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const status = await new Promise((resolve, reject) => {
      get({ host: "127.0.0.1", port, ca: run.caPem, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).once("error", reject);
    });
    expect(status).toBe(200);
    server.closeAllConnections();
    server.close();
  });
});

describe("ensureSelfSigned", () => {
  let directory = "";
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tandem-tls-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  it("creates three files, the key readable by its owner only, and no authority key", async () => {
    const made = await ensureSelfSigned({ directory: join(directory, "new"), now: NOW });
    const files = await readdir(join(directory, "new"));
    expect(files.toSorted()).toEqual(["ca.pem", "server-key.pem", "server.pem"]);
    expect((await stat(join(directory, "new", "server-key.pem"))).mode & 0o777).toBe(0o600);
    expect(made.created).toBe(true);
    expect(made.caPath).toBe(join(directory, "new", "ca.pem"));
  });

  it("uses a good certificate again", async () => {
    const first = await ensureSelfSigned({ directory, now: NOW });
    const second = await ensureSelfSigned({ directory, now: new Date(NOW.getTime() + DAY_MS) });
    expect(second).toEqual({ ...first, created: false });
  });

  it.each([
    ["expires within a day", { now: new Date(NOW.getTime() + 364.5 * DAY_MS) }],
    ["is not valid yet", { now: new Date(NOW.getTime() - DAY_MS) }],
    ["lacks a host", { now: NOW, hosts: ["192.0.2.7"] }],
  ])("makes a new certificate when the stored one %s", async (_, change) => {
    const first = await ensureSelfSigned({ directory, now: NOW });
    const second = await ensureSelfSigned({ directory, ...change });
    expect(second.created).toBe(true);
    expect(second.certPem).not.toBe(first.certPem);
    expect(await readFile(join(directory, "server.pem"), "utf8")).toBe(second.certPem);
  });

  it.each(["ca.pem", "server-key.pem"])(
    "replaces all three when %s is of another set",
    async (name) => {
      await ensureSelfSigned({ directory: join(directory, "other"), now: NOW });
      const first = await ensureSelfSigned({ directory, now: NOW });
      await writeFile(join(directory, name), await readFile(join(directory, "other", name)));
      const second = await ensureSelfSigned({ directory, now: NOW });
      expect(second.created).toBe(true);
      expect(second.keyPem).not.toBe(first.keyPem);
    },
  );

  it("continues after being interrupted before the authority was written", async () => {
    await ensureSelfSigned({ directory, now: NOW });
    await rm(join(directory, "ca.pem"));
    expect((await ensureSelfSigned({ directory, now: NOW })).created).toBe(true);
  });

  it.each(["ca.pem", "server.pem"])("never overwrites a %s that it did not make", async (name) => {
    const path = join(directory, name);
    await writeFile(path, "precious");
    await expect(ensureSelfSigned({ directory, now: NOW })).rejects.toMatchObject({
      code: "cli/foreign-certificate",
      message: expect.stringContaining(path),
    });
    expect(await readFile(path, "utf8")).toBe("precious");
  });

  it("never overwrites a key that stands alone", async () => {
    await writeFile(join(directory, "server-key.pem"), "precious");
    await expect(ensureSelfSigned({ directory, now: NOW })).rejects.toMatchObject({
      code: "cli/foreign-certificate",
    });
  });
});
