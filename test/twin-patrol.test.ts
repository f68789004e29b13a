// SPDX-License-Identifier: Apache-2.0
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { createRandom } from "@tandem/base";
import { W25N01GV } from "@tandem/flash";
import type { ReleaseServer } from "@tandem/server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { createRunCertificates } from "../packages/cli/src/tls/run-certificates.js";
import { TwinDirectory } from "../packages/cli/src/twin/twin-directory.js";
import { LOOPBACK, createTestServer } from "./support/release-server.js";
import { initTwin, makeReleases } from "./support/releases.js";
import { tandem, tandemOk } from "./support/tandem.js";
import { TemporaryDirectory } from "./support/temporary.js";

/** Page of the summary in a full block. */
const SUMMARY = W25N01GV.pagesPerBlock - 1;

let files: TemporaryDirectory;
let device = "";
let server: ReleaseServer;
let withServer: string[] = [];
/** `PATH RANGE` of every request that was answered. */
let requests: string[] = [];

beforeAll(async () => {
  files = new TemporaryDirectory();
  await makeReleases(files, ["1.0.0"]);
  await initTwin(files, files.file("whole"));
  await tandemOk("twin", "boot", files.file("whole"));
  const firmware = ["app", "net"].flatMap((core) => [
    `--${core}`,
    files.file("releases", "1.0.0", `${core}.bin`),
  ]);
  const build = ["--version", "1.0.0", "--security-counter", "2", "--key", files.file("key.pem")];
  await tandemOk("release", "build", ...firmware, ...build, "--out", files.file("other", "1.0.0"));
});
afterAll(() => files[Symbol.dispose]());

/** An image as the server has it, and as the device was made with. */
function published(core: string): Buffer {
  return readFileSync(files.file("releases", "1.0.0", `${core}.bin`));
}

/** Serves a directory of releases; the options of a command that uses the server. */
async function startServer(root: string): Promise<string[]> {
  const certificates = await createRunCertificates({ now: new Date() });
  writeFileSync(files.file("ca.pem"), certificates.caPem);
  server = await createTestServer(root, certificates);
  server.app.addHook("onResponse", (request, _, done) => {
    requests.push(`${request.url} ${request.headers.range ?? ""}`.trimEnd());
    done();
  });
  const url = await server.listen(LOOPBACK);
  return ["--url", url, "--ca", files.file("ca.pem")];
}

beforeEach(async () => {
  device = files.file("device");
  cpSync(files.file("whole"), device, { recursive: true });
  requests = [];
  withServer = await startServer(files.file("releases"));
});
afterEach(async () => {
  await server.close();
  rmSync(device, { recursive: true });
});

/**
 * Loses pages of an image of the accepted release in both copies.
 * @param pages by their index in the block, page 0 being the header
 */
function losePages(image: number, logicalBlock: number, ...pages: readonly number[]): void {
  using directory = TwinDirectory.open(device);
  const { acceptedBank, banks } = directory.twin.mountStore().record;
  for (const extents of banks[acceptedBank ?? 0]?.images[image]?.copies ?? []) {
    const blocks = extents.flatMap(({ firstBlock, count }) =>
      Array.from({ length: count }, (_, i) => firstBlock + i),
    );
    const first = (blocks[logicalBlock] ?? 0) * W25N01GV.pagesPerBlock;
    for (const page of pages) directory.twin.nand.decayPage(first + page, 2, createRandom(page));
  }
  directory.save({ netVersion: directory.netVersion });
}

/** The image of the accepted release, as it can be read from the device's NAND. */
async function extract(image: number): Promise<Buffer> {
  const out = files.file("extracted.bin");
  const place = ["--bank", "accepted", "--image", String(image)];
  await tandemOk("store", "extract", device, ...place, "--out", out, "--force");
  return readFileSync(out);
}

describe("tandem twin patrol", () => {
  it("finds nothing on a device that is whole", async () => {
    const run = await tandem(["twin", "patrol", device]);
    expect(run).toMatchObject({ status: 0 });
    expect(run.out).toMatch(/^\d+ pages read, 0 blocks moved\nnothing is lost\n$/);
  });

  it("names the lost bytes; a server makes them whole again, sending those bytes only", async () => {
    losePages(0, 0, 4);
    const named = await tandem(["twin", "patrol", device]);
    expect(named.status).toBe(1);
    expect(named.out).toContain(
      "lost in both copies: accepted 1.0.0: image 0 (app), bytes 0x1800 to 0x2000, 2048 bytes\n",
    );
    const healed = await tandem(["twin", "patrol", device, ...withServer]);
    expect(healed.status).toBe(0);
    expect(healed.out).toContain(
      "put back: accepted 1.0.0: image 0 (app), bytes 0x1800 to 0x2000, 2048 bytes\n" +
        "2048 bytes downloaded\naccepted 1.0.0: all images valid\n",
    );
    expect(requests).toEqual([
      "/releases/1.0.0/release.json",
      "/releases/1.0.0/app.bin bytes=6144-8191",
    ]);
    expect((await extract(0)).equals(published("app"))).toBe(true);
    expect(await tandemOk("store", "check", device)).toContain("0 findings");
    expect(await tandemOk("twin", "patrol", device)).toContain("nothing is lost");
  });

  it("heals several ranges of both images, a block without its summaries among them", async () => {
    losePages(0, 0, 2, 9, 10);
    losePages(1, 0, SUMMARY);
    const run = await tandem(["twin", "patrol", device, "--json", ...withServer]);
    expect(run.status).toBe(0);
    const origin = { release: "accepted", version: "1.0.0", core: "app" };
    const blockBytes = 62 * W25N01GV.pageBytes;
    const netBytes = Math.min(blockBytes, published("net").length);
    const lost = [
      { image: 0, offsetBytes: 2048, lengthBytes: 2048, origin },
      { image: 0, offsetBytes: 16_384, lengthBytes: 4096, origin },
      { image: 1, offsetBytes: 0, lengthBytes: netBytes, origin: { core: "net" } },
    ];
    expect(JSON.parse(run.out)).toMatchObject({
      movedBlocks: 0,
      lost,
      healing: {
        healed: lost,
        failed: [],
        verified: [{ release: "accepted", version: "1.0.0", reasons: [] }],
        bytesDownloaded: 2048 + 4096 + netBytes,
      },
    });
    expect(requests.filter((request) => request.includes("app.bin"))).toEqual([
      "/releases/1.0.0/app.bin bytes=2048-4095",
      "/releases/1.0.0/app.bin bytes=16384-20479",
    ]);
    expect((await extract(0)).equals(published("app"))).toBe(true);
    expect((await extract(1)).equals(published("net"))).toBe(true);
    expect(await tandemOk("store", "check", device)).toContain("0 findings");
  });

  it("takes nothing from a server that has another build of the release", async () => {
    losePages(0, 0, 4);
    await server.close();
    const other = await startServer(files.file("other"));
    const run = await tandem(["twin", "patrol", device, ...other]);
    expect(run.status).toBe(3);
    expect(run.out).toMatch(
      /still lost: accepted 1\.0\.0: .*expected \d+ bytes with SHA-256 [\da-f]{64} as stored \[agent\/wrong-release\]\n0 bytes downloaded\n$/,
    );
    expect(requests).toEqual(["/releases/1.0.0/release.json"]);
  });

  it("says that the server is out of reach, and wants both of its options", async () => {
    losePages(0, 0, 4);
    const [, url = "", , ca = ""] = withServer;
    const half = await tandem(["twin", "patrol", device, "--url", url]);
    expect(half).toMatchObject({ status: 2, out: "" });
    expect(half.err).toContain("--url without --ca, expected both or none [cli/options]");
    writeFileSync(ca, (await createRunCertificates({ now: new Date() })).caPem);
    const run = await tandem(["twin", "patrol", device, ...withServer]);
    expect(run.status).toBe(3);
    expect(run.out).toContain("[agent/tls]");
  });
});
