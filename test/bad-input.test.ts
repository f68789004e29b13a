// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmSync, writeFileSync } from "node:fs";

import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createAuthority, issueServerCertificate } from "../packages/cli/src/tls/authority.js";
import { createRunCertificates } from "../packages/cli/src/tls/run-certificates.js";
import { LOOPBACK, createTestServer } from "./support/release-server.js";
import { initTwin, makeReleases } from "./support/releases.js";
import { tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

let files: TemporaryDirectory;
let device = "";

beforeAll(async () => {
  files = new TemporaryDirectory();
  device = files.file("device");
  await makeReleases(files, ["1.0.0", "1.1.0"]);
});
afterAll(() => files[Symbol.dispose]());

/** Runs a command that has to fail with one line. */
async function expectRefusal(argv: readonly string[], status: number, line: RegExp): Promise<void> {
  const result = await tandem(argv);
  expect(result.err.trimEnd().split("\n").at(-1)).toMatch(line);
  expect(result.status).toBe(status);
  expect(result.out).toBe("");
}

function buildArgs(app: string, net: string, key = "key.pem"): string[] {
  const out = files.file("refused");
  rmSync(out, { recursive: true, force: true });
  const version = ["--version", "2.0.0", "--security-counter", "1"];
  return [
    "release",
    "build",
    "--app",
    app,
    "--net",
    net,
    ...version,
    "--key",
    files.file(key),
    "--out",
    out,
  ];
}

describe("bad input", () => {
  it("a truncated zip names file, place, found and expected", async () => {
    const zip = files.file("dfu.zip");
    const build = buildArgs(files.file("app-1.0.0.bin"), files.file("net-1.0.0.bin"));
    await tandemOk(...build, "--zip", zip);
    const whole = readFileSync(zip);
    writeFileSync(zip, whole.subarray(0, whole.length / 2));
    await expectRefusal(["release", "info", zip], 2, /dfu\.zip: .*expected/);
  });

  it("a hex file with a bad checksum names line, found and expected", async () => {
    const hex = files.file("app.hex");
    writeFileSync(
      hex,
      ":020000040000FA\n:10000000F80B0020890600002D0700009159000021\n:00000001FF\n",
    );
    await expectRefusal(
      buildArgs(hex, files.file("net-1.0.0.bin")),
      2,
      /app\.hex, line 2: checksum 0x21, expected 0x20/,
    );
  });

  it("a network core image passed as application is named as such", async () => {
    const net = files.file("net-1.0.0.bin");
    await expectRefusal(
      buildArgs(net, net),
      2,
      /net-1\.0\.0\.bin: reset vector at 0x4: 0x010[0-9a-f]{5}, firmware of the net core, expected firmware of the app core/,
    );
  });

  it("a release that is too large for its slot names size and room", async () => {
    const large = files.file("large.bin");
    const app = readFileSync(files.file("app-1.0.0.bin"));
    writeFileSync(large, Buffer.concat([app, Buffer.alloc(0xe0000)]));
    await expectRefusal(
      buildArgs(large, files.file("net-1.0.0.bin")),
      2,
      /large\.bin: 1204736 bytes for the slot of the app core at 0x00010000, expected at most 909312/,
    );
  });

  it("a key of the wrong type names the file, found and expected", async () => {
    const key = files.file("p384.pem");
    const pair = generateKeyPairSync("ec", { namedCurve: "P-384" });
    writeFileSync(key, pair.privateKey.export({ type: "pkcs8", format: "pem" }));
    await expectRefusal(
      buildArgs(files.file("app-1.0.0.bin"), files.file("net-1.0.0.bin"), "p384.pem"),
      2,
      /p384\.pem: .*expected/,
    );
  });
});

/** An update from a server whose certificate must be refused; the device stays as it is. */
async function updateFrom(
  certificates: { readonly keyPem: string; readonly certPem: string },
  caPem: string,
): Promise<void> {
  const ca = files.file("ca.pem");
  writeFileSync(ca, caPem);
  await using server = await createTestServer(files.file("releases"), certificates);
  const url = await server.listen(LOOPBACK);
  const update = ["twin", "update", device, "--url", url, "--ca", ca, "--release", "1.1.0"];
  await expectRefusal(update, 3, /TLS with 127\.0\.0\.1:\d+: .*certificate.* \[agent\/tls\]/);
  const status = JSON.parse(await tandemOk("twin", "status", device, "--json"));
  expect(status).toMatchObject({ state: "READY", app: "1.0.0", net: "1.0.0" });
}

describe("a server that cannot be trusted", () => {
  beforeAll(() => initTwin(files, device));

  it("because its authority is unknown", async () => {
    const server = await createRunCertificates({ now: new Date() });
    const other = await createRunCertificates({ now: new Date() });
    await updateFrom(server, other.caPem);
    expect(server.caPem).not.toBe(other.caPem);
  });

  it("because its certificate has expired", async () => {
    const day = 86_400_000;
    const authority = await createAuthority({ now: new Date(Date.now() - 10 * day), days: 30 });
    const past = { now: new Date(Date.now() - 5 * day), days: 1 };
    const expired = await issueServerCertificate(authority, past);
    await updateFrom(expired, authority.caPem);
    expect(expired.certPem).toContain("CERTIFICATE");
  });
});
