// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from "node:fs";
import path from "node:path";

import { nodeCrypto } from "@tandem/base/node";
import { generatePayloads } from "@tandem/release";

import { tandemOk } from "./tandem.js";
import type { TemporaryDirectory } from "./temporary.js";

/** Key pair `key.pem` and `key.pub.pem`, and releases of generated firmware in `releases/`. */
export async function makeReleases(
  directory: TemporaryDirectory,
  versions: readonly string[],
): Promise<void> {
  const key = directory.file("key.pem");
  const publicKey = directory.file("key.pub.pem");
  await tandemOk("image", "keygen", "--type", "ed25519", key, "--public", publicKey);
  for (const version of versions) {
    const [app, net] = writeFirmware(directory, version);
    const out = directory.file("releases", version);
    const build = ["release", "build", "--app", app, "--net", net, "--version", version];
    const sign = ["--security-counter", "1", "--key", key, "--out", out];
    const bundle = path.join(out, "dfu_multi_image.bin");
    await tandemOk(...build, ...sign, "--bundle", bundle);
  }
}

/** Makes a device that runs a release of {@link makeReleases}. */
export async function initTwin(
  directory: TemporaryDirectory,
  device: string,
  version = "1.0.0",
): Promise<void> {
  const release = directory.file("releases", version);
  const key = directory.file("key.pub.pem");
  await tandemOk("twin", "init", device, "--release", release, "--key", key);
}

/** Writes raw firmware of both cores; the files' names. */
function writeFirmware(directory: TemporaryDirectory, version: string): readonly [string, string] {
  const { app, net } = generatePayloads(3, { version, crypto: nodeCrypto });
  const files = [
    directory.file(`app-${version}.bin`),
    directory.file(`net-${version}.bin`),
  ] as const;
  writeFileSync(files[0], app);
  writeFileSync(files[1], net);
  return files;
}
