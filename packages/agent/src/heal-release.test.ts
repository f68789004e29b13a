// SPDX-License-Identifier: Apache-2.0
import { FormatError, TransportError, bytesEqual } from "@tandem/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { healRelease } from "./heal-release.js";
import type { HealOptions } from "./heal-release.js";
import type { HealTarget, LostOrigin, LostRange } from "./heal-target.js";
import {
  APP,
  MemoryTarget,
  NET,
  PowerLoss,
  sampleManifest,
  sampleOptions,
  serveSample,
  sha256,
} from "./testing/sample-release.js";
import { ScriptedServer, alterAt, dropAt } from "./testing/scripted-server.js";

const IMAGES = [APP, NET];
const ROLES = ["accepted", "previous"] as const;

/** A device whose banks 0 and 1 hold the sample, as accepted and as previous release. */
class DamagedDevice implements HealTarget {
  readonly repaired: string[] = [];
  readonly verified: string[] = [];
  /** Called with each range before it is put back. */
  judge: (range: LostRange, at: number) => void = () => undefined;

  originOf({ bank, image }: LostRange): LostOrigin {
    const bytes = IMAGES[image] ?? new Uint8Array(0);
    return {
      release: ROLES[bank] ?? "candidate",
      version: "1.1.0",
      core: image === 0 ? "app" : "net",
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
    };
  }

  repair(range: LostRange, bytes: Uint8Array, also: readonly { range: LostRange }[]): void {
    this.judge(range, this.repaired.length);
    const { bank, image, offsetBytes, lengthBytes } = range;
    const right = IMAGES[image]?.subarray(offsetBytes, offsetBytes + lengthBytes);
    const isRight = right !== undefined && bytesEqual(bytes, right);
    const ofImage = also.filter(({ range: other }) => other.bank === bank && other.image === image);
    const place = `${bank}/${image} ${offsetBytes}+${lengthBytes}`;
    this.repaired.push(isRight ? `${place} of ${ofImage.length}` : `${place}: other bytes`);
  }

  verifyStored(release: LostOrigin["release"]): [] {
    this.verified.push(release);
    return [];
  }
}

const lost = (image: number, offsetBytes: number, lengthBytes = 2048, bank = 0): LostRange => ({
  bank,
  image,
  offsetBytes,
  lengthBytes,
});

let server: ScriptedServer;
let device: DamagedDevice;
let delays: number[] = [];

beforeEach(async () => {
  server = await ScriptedServer.start();
  serveSample(server);
  device = new DamagedDevice();
  delays = [];
});
afterEach(async () => {
  // Whatever a test did, the healing must have left no socket behind.
  await server.idle();
  await server[Symbol.asyncDispose]();
});

function options(...ranges: readonly LostRange[]): HealOptions {
  return { ...sampleOptions(server, new MemoryTarget(), delays), target: device, lost: ranges };
}

describe("healRelease", () => {
  it("downloads the lost ranges and nothing else, release.json once", async () => {
    const report = await healRelease(
      options(lost(0, 2048), lost(0, 8192, 20_000), lost(1, 28_672, 1331), lost(0, 0, 2048, 1)),
    );
    expect(server.requests).toEqual([
      "/releases/1.1.0/release.json",
      "/releases/1.1.0/app.bin bytes=2048-4095",
      "/releases/1.1.0/app.bin bytes=8192-24575",
      "/releases/1.1.0/app.bin bytes=24576-28191",
      "/releases/1.1.0/net.bin bytes=28672-30002",
      "/releases/1.1.0/app.bin bytes=0-2047",
    ]);
    expect(device.repaired).toEqual([
      "0/0 2048+2048 of 2",
      "0/0 8192+20000 of 2",
      "0/1 28672+1331 of 1",
      "1/0 0+2048 of 1",
    ]);
    expect(report).toMatchObject({ failed: [], bytesDownloaded: 25_427, rangeRequests: 5 });
    expect(report.healed.map(({ origin }) => origin.core)).toEqual(["app", "app", "net", "app"]);
    expect(report.verified).toEqual([
      { release: "accepted", version: "1.1.0", reasons: [] },
      { release: "previous", version: "1.1.0", reasons: [] },
    ]);
  });

  it("asks for nothing when nothing is lost", async () => {
    const nothing = { healed: [], failed: [], verified: [], bytesDownloaded: 0, rangeRequests: 0 };
    expect(await healRelease(options())).toEqual(nothing);
    expect(server.requests).toEqual([]);
  });

  it("goes on over a dropped connection", async () => {
    server.script = dropAt({ 1: 100, 2: "before the headers" });
    const report = await healRelease(options(lost(0, 0)));
    expect(report).toMatchObject({ failed: [], bytesDownloaded: 2048 });
    expect(delays).toHaveLength(2);
  });

  it("names what the device refuses, and heals the rest", async () => {
    device.judge = ({ offsetBytes }) => {
      if (offsetBytes === 4096) throw new FormatError("update/repair-mismatch", "other bytes");
    };
    const report = await healRelease(options(lost(0, 0), lost(0, 4096), lost(1, 0, 2048, 1)));
    expect(report.failed).toMatchObject([
      { range: lost(0, 4096), error: { code: "update/repair-mismatch" } },
    ]);
    expect(report.healed).toMatchObject([lost(0, 0), lost(1, 0, 2048, 1)]);
    // The accepted release is not whole yet.
    expect(device.verified).toEqual(["previous"]);
  });

  it("takes no other build of the release: by release.json, nor by the file's ETag", async () => {
    const images = sampleManifest().images.map((image) =>
      image.index === 0 ? { ...image, sha256: "0".repeat(64) } : image,
    );
    const other = sampleManifest({ images });
    serveSample(server, other);
    const report = await healRelease(options(lost(0, 0), lost(1, 0)));
    expect(report.failed).toMatchObject([
      { range: lost(0, 0), error: { code: "agent/wrong-release" } },
    ]);
    expect(report.failed[0]?.error.message).toMatch(
      /release 1\.1\.0, image 0: 50001 bytes with SHA-256 0{64}, expected 50001 bytes .* as stored$/,
    );
    expect(report.healed).toMatchObject([lost(1, 0)]);
    server.script = alterAt(2, ({ headers }) => ({ headers: { ...headers, etag: '"other"' } }));
    const again = await healRelease(options(lost(1, 0)));
    expect(again.failed).toMatchObject([{ error: { code: "agent/entity-changed" } }]);
  });

  it("does not ask a server again that is out of reach", async () => {
    server.script = ({ request }) => {
      request.socket.destroy();
      return true;
    };
    const report = await healRelease(options(lost(0, 0), lost(0, 4096), lost(1, 0)));
    expect(report.failed.map(({ error }) => error instanceof TransportError)).toEqual([
      true,
      true,
      true,
    ]);
    expect(server.requests).toHaveLength(3);
    expect(device.repaired).toEqual([]);
  });

  it("ends for a cut of power and for the user, but not for a release that is gone", async () => {
    device.judge = () => {
      throw new PowerLoss("power");
    };
    await expect(healRelease(options(lost(0, 0)))).rejects.toThrow(PowerLoss);
    await expect(
      healRelease({ ...options(lost(0, 0)), signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ name: "AbortError" });
    server.files.clear();
    const report = await healRelease(options(lost(0, 0)));
    expect(report.failed).toMatchObject([{ error: { code: "agent/not-found" } }]);
  });
});
