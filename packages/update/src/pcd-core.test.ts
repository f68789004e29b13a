// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { bytesSource, parseVersion, signImage, verifyImage } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import { generatePayloads } from "@tandem/release";
import { describe, expect, it } from "vitest";

import { PcdCore } from "./pcd-core.js";
import type { PcdPort, PcdStatus } from "./pcd-core.js";

const SIGNER = signerFromSeed(new Uint8Array(32).fill(3));
const TRUST = { crypto: nodeCrypto, keys: [SIGNER.publicKey] };
const PAYLOAD = createRandom(1).bytes(3000);
const COMMON = {
  crypto: nodeCrypto,
  version: parseVersion("1.0.0"),
  headerSize: 0x200,
  signer: SIGNER,
};
const IMAGE = signImage({ ...COMMON, payload: PAYLOAD });
const HASH = hashOf(IMAGE);

function hashOf(image: Uint8Array): Uint8Array {
  const verdict = verifyImage(bytesSource(image), TRUST);
  return verdict.ok ? verdict.facts.hash : new Uint8Array(32);
}

/** A network core that answers each copy as told, after some time. */
class ScriptedCore implements PcdPort {
  readonly calls: string[] = [];
  readonly readVersion: PcdPort["readVersion"];
  waitedMs = 0;
  copied: Uint8Array | null = null;
  readonly #answers: PcdStatus[];
  #status: PcdStatus = "failed";

  /** @param versions what b0n tells, one call after the other; default: it was built without */
  constructor(answers: readonly PcdStatus[], versions?: readonly (number | null)[]) {
    this.#answers = [...answers];
    const left = [...(versions ?? [])];
    this.readVersion = versions === undefined ? null : () => left.shift() ?? null;
  }

  forceOff(): void {
    this.calls.push("force-off");
  }
  startCopy(ram: Uint8Array, offset: number, length: number): void {
    this.calls.push("copy");
    this.copied = ram.slice(offset, offset + length);
    this.#status = this.#answers.shift() ?? "failed";
  }
  status(): PcdStatus {
    return this.#status;
  }
  clear(): void {
    this.calls.push("clear");
  }
  lock(): void {
    this.calls.push("lock");
  }
  wait(ms: number): void {
    this.waitedMs += ms;
  }
}

function makeCore(pcd: ScriptedCore, ticks: number[] = []): PcdCore {
  const ram = new Uint8Array(0x4000);
  return new PcdCore({ core: "net", pcd, ram, trust: TRUST, tick: (done) => ticks.push(done) });
}

describe("PcdCore", () => {
  it("hands over the payload alone, and stops the core and clears the command afterwards", () => {
    const pcd = new ScriptedCore(["done"]);
    expect(makeCore(pcd).install(HASH, bytesSource(IMAGE))).toEqual({ ok: true });
    expect(pcd.copied).toEqual(PAYLOAD);
    expect(pcd.calls).toEqual(["copy", "force-off", "clear"]);
  });

  it("tries a refused copy once more", () => {
    const pcd = new ScriptedCore(["failed", "done"]);
    expect(makeCore(pcd).install(HASH, bytesSource(IMAGE))).toEqual({ ok: true });
    expect(pcd.calls.filter((call) => call === "copy")).toHaveLength(2);
  });

  it("gives up on a core that refuses twice", () => {
    const pcd = new ScriptedCore(["failed", "failed", "done"]);
    expect(makeCore(pcd).install(HASH, bytesSource(IMAGE))).toEqual({
      ok: false,
      code: "core-refused",
      isUntouched: false,
    });
  });

  it.each([
    { versions: [4, 4], isUntouched: true, what: "the old version still stands there" },
    { versions: [4, 5], isUntouched: false, what: "the new one's first page has been written" },
    { versions: [4, null], isUntouched: false, what: "the first page has been erased" },
    { versions: [5, 5], isUntouched: false, what: "old and new carry the same version" },
    { versions: [null, null], isUntouched: false, what: "nothing tells" },
  ])("knows of a refusal whether anything was erased: $what", ({ versions, isUntouched }) => {
    const { net } = generatePayloads(1, { version: "1.0.0", crypto: nodeCrypto, netVersion: 5 });
    const image = signImage({ ...COMMON, payload: net.subarray(0, 3000) });
    const pcd = new ScriptedCore(["failed", "failed"], versions);
    expect(makeCore(pcd).install(hashOf(image), bytesSource(image))).toEqual({
      ok: false,
      code: "core-refused",
      isUntouched,
    });
  });

  it("gives up on a silent core after two deadlines of at least 30 s, feeding the watchdog", () => {
    const pcd = new ScriptedCore(["busy", "busy"]);
    const ticks: number[] = [];
    const result = makeCore(pcd, ticks).install(HASH, bytesSource(IMAGE));
    expect(result).toMatchObject({ ok: false, code: "core-timeout", detail: 30_000 });
    expect(pcd.waitedMs).toBe(60_000);
    // One tick per poll at least: a watchdog of some seconds never bites.
    expect(ticks.length).toBeGreaterThan(60_000 / 100);
    expect(pcd.calls.slice(-2)).toEqual(["force-off", "clear"]);
  });

  it("never starts a copy of an image that does not verify in RAM", () => {
    const pcd = new ScriptedCore(["done"]);
    const changed = IMAGE.slice();
    changed[0x300] = (changed[0x300] ?? 0) ^ 1;
    expect(makeCore(pcd).install(HASH, bytesSource(changed))).toMatchObject({
      ok: false,
      code: "verify-after-write",
    });
    const otherHash = new Uint8Array(32).fill(9);
    expect(makeCore(pcd).install(otherHash, bytesSource(IMAGE)).ok).toBe(false);
    expect(pcd.calls).toEqual([]);
  });

  it("refuses an image that is larger than its RAM", () => {
    const source = { size: 0x4001, read: () => new Uint8Array(0) };
    expect(makeCore(new ScriptedCore([])).install(HASH, source)).toEqual({
      ok: false,
      code: "too-large",
      detail: 0x4001,
      isUntouched: true,
    });
  });
});
