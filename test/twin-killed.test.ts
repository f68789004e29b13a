// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";

import { bytesEqual, createRandom } from "@tandem/base";
import { parseImage } from "@tandem/image";
import { APP_SLOT, NET_SLOT } from "@tandem/twin";
import { expect, it } from "vitest";

import { createRunCertificates } from "../packages/cli/src/tls/run-certificates.js";
import { LOOPBACK, createTestServer } from "./support/release-server.js";
import { initTwin, makeReleases } from "./support/releases.js";
import { spawnTandem, tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

/** Runs a command as a process and kills it some time after its first sign of life. */
async function runAndKill(argv: readonly string[], afterMs: number): Promise<"killed" | "ended"> {
  const child = spawnTandem(argv);
  const kill = (): void => void setTimeout(() => child.kill("SIGKILL"), afterMs);
  child.stdout?.once("data", kill);
  child.stderr?.once("data", kill);
  await once(child, "exit");
  return child.signalCode === "SIGKILL" ? "killed" : "ended";
}

function fileOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(name));
}

/** State and versions out of a status document. */
function cores(json: string): { state: string; app: string; net: string } {
  const { state, app, net } = JSON.parse(json);
  return { state, app, net };
}

it("a twin directory survives SIGKILL at any moment of an update", async () => {
  using directory = new TemporaryDirectory();
  await makeReleases(directory, ["1.0.0", "1.1.0"]);
  const certificates = await createRunCertificates({ now: new Date() });
  const ca = directory.file("ca.pem");
  writeFileSync(ca, certificates.caPem);
  await using server = await createTestServer(directory.file("releases"), certificates);
  const url = await server.listen(LOOPBACK);
  const device = directory.file("device");
  await initTwin(directory, device);

  const random = createRandom(11);
  const update = ["twin", "update", device, "--url", url, "--ca", ca, "--release", "1.1.0"];
  for (let kills = 0; kills < 6; kills++) {
    if ((await runAndKill(update, random.below(150))) === "ended") break;
  }
  // Staged already when the last one got through; the command then says so and changes nothing.
  await tandem(update);
  for (let kills = 0; kills < 6; kills++) {
    if ((await runAndKill(["twin", "boot", device], random.below(100))) === "ended") break;
  }
  await tandemOk("twin", "boot", device);
  const statusOf = async (): Promise<{ state: string; app: string; net: string }> =>
    cores(await tandemOk("twin", "status", device, "--json"));
  // Each boot that was killed after the trial had begun has used up a trial boot; out of them, the
  // whole set is back.
  expect([
    { state: "TRIAL", app: "1.1.0", net: "1.1.0" },
    { state: "FAILED", app: "1.0.0", net: "1.0.0" },
  ]).toContainEqual(await statusOf());
  if ((await statusOf()).state === "FAILED") {
    await tandemOk(...update);
    await tandemOk("twin", "boot", device);
  }
  await tandemOk("twin", "accept", device);
  await tandemOk("twin", "boot", device);
  expect(await statusOf()).toMatchObject({ state: "UPDATED", app: "1.1.0", net: "1.1.0" });

  const app = fileOf(directory.file("releases", "1.1.0", "app.bin"));
  const net = parseImage(fileOf(directory.file("releases", "1.1.0", "net.bin"))).payload;
  const appFlash = fileOf(directory.file("device", "app-flash.bin"));
  const netFlash = fileOf(directory.file("device", "net-flash.bin"));
  expect(bytesEqual(appFlash.subarray(APP_SLOT.start, APP_SLOT.start + app.length), app)).toBe(
    true,
  );
  expect(bytesEqual(netFlash.subarray(NET_SLOT.start, NET_SLOT.start + net.length), net)).toBe(
    true,
  );
});
