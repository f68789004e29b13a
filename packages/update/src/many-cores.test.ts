// SPDX-License-Identifier: Apache-2.0
import { createRandom, digestOf, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import {
  MemoryStorage,
  NRF5340_APP_FLASH,
  NandChip,
  NorChip,
  PowerLoss,
  flashArea,
} from "@tandem/flash";
import type { Cut, FlashArea, Power } from "@tandem/flash";
import { bytesSource, parseVersion, signImage, verifyImage } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import type { ReleaseManifest } from "@tandem/release";
import { Store } from "@tandem/store";
import { describe, expect, it } from "vitest";

import { BootCoordinator } from "./boot-coordinator.js";
import type { BootDecision } from "./boot-options.js";
import { FlashCore } from "./flash-core.js";
import { Marker } from "./marker.js";
import { UpdateService } from "./update-service.js";

const SIGNER = signerFromSeed(new Uint8Array(32).fill(3));
const TRUST = { crypto: nodeCrypto, keys: [SIGNER.publicKey] };
const SLOT_BYTES = 0x4000;
const NAND = {
  name: "small",
  pageBytes: 2048,
  spareBytes: 64,
  pagesPerBlock: 6,
  blockCount: 64,
  readUs: 60,
  programUs: 250,
  eraseUs: 2000,
  busHz: 32_000_000,
};
const LIMITS = { images: 4, banks: 2, extents: 40, badBlocks: 8, journalBlocks: 14 };

interface TestRelease {
  readonly manifest: ReleaseManifest;
  readonly images: readonly Uint8Array[];
}

/** Image 0 with a manifest that lists the others; one image alone has none. */
function makeRelease(count: number, version: string, seed: number): TestRelease {
  const random = createRandom(seed);
  const common = { crypto: nodeCrypto, signer: SIGNER, version: parseVersion(version) };
  const others = Array.from({ length: count - 1 }, () =>
    signImage({ ...common, headerSize: 0x200, payload: random.bytes(3000) }),
  );
  const body = { ...common, headerSize: 0x200, payload: random.bytes(6000) };
  const imageHashes = others.map((bytes) => hashOf(bytes));
  const app = signImage(count === 1 ? body : { ...body, manifest: { format: 1, imageHashes } });
  const images = [app, ...others];
  return {
    images,
    manifest: {
      format: 1,
      version,
      id: toHex(hashOf(app)),
      hardware: "board",
      securityCounter: 0,
      images: images.map((bytes, index) => ({
        index,
        core: `core${index}`,
        file: `core${index}.bin`,
        size: bytes.length,
        sha256: toHex(digestOf(nodeCrypto, bytes)),
        version,
      })),
    },
  };
}

function hashOf(image: Uint8Array): Uint8Array {
  const verdict = verifyImage(bytesSource(image), TRUST);
  return verdict.ok ? verdict.facts.hash : new Uint8Array(32);
}

/** A board of several cores, each with flash of its own that the bootloader can write. */
class Board implements Power {
  readonly nand: NandChip;
  readonly slots: readonly FlashArea[];
  readonly marker: Marker;
  readonly count: number;
  cutIn: number | null = null;

  constructor(count: number) {
    this.count = count;
    this.nand = new NandChip({
      name: "nand",
      profile: NAND,
      storage: new MemoryStorage(),
      power: this,
    });
    const profile = NRF5340_APP_FLASH;
    const nor = new NorChip({ name: "nor", profile, storage: new MemoryStorage(), power: this });
    this.slots = Array.from({ length: count }, (_, i) =>
      flashArea(nor, i * SLOT_BYTES, SLOT_BYTES),
    );
    this.marker = new Marker(flashArea(nor, 0x80000, 2 * profile.pageBytes));
    Store.format(this.nand, { limits: LIMITS });
  }

  begin(): Cut | null {
    if (this.cutIn === null || this.cutIn-- > 0) return null;
    this.cutIn = null;
    return { when: "inside", random: createRandom(1) };
  }

  get service(): UpdateService {
    return new UpdateService({
      store: Store.mount(this.nand, { limits: LIMITS }),
      marker: this.marker,
      trust: TRUST,
      slots: this.imageSlots,
      hardware: "board",
      securityCounter: { read: () => 0 },
    });
  }

  get imageSlots(): ConstructorParameters<typeof UpdateService>[0]["slots"] {
    return this.slots.map((slot, i) => ({
      core: `core${i}`,
      maxBytes: slot.size,
      codeRange: null,
      needsSecurityCounter: false,
      classId: null,
      fwInfoAddress: null,
    }));
  }

  stage({ manifest, images }: TestRelease): void {
    const { service } = this;
    service.start(manifest);
    images.forEach((bytes, index) => service.write(index, 0, bytes));
    service.finish();
    service.install();
  }

  boot(): BootDecision {
    return new BootCoordinator({
      nand: this.nand,
      storeOptions: { limits: LIMITS },
      marker: this.marker,
      cores: this.slots.map(
        (area, i) => new FlashCore({ core: `core${i}`, area, trust: TRUST, tick: () => undefined }),
      ),
      slots: this.imageSlots,
      trust: TRUST,
      allowAdoption: true,
      ports: {
        securityCounter: { read: () => 0, raise: () => undefined },
        watchdog: { start: () => undefined, feed: () => undefined },
        resetReason: 0,
        seal: () => undefined,
      },
    }).run();
  }

  /** Boots through resets and cuts until an application starts. */
  bootUntilStart(): void {
    for (let boots = 0; boots < 20; boots++) {
      try {
        const decision = this.boot();
        if (decision.kind === "start") return;
        if (decision.kind === "recovery") throw new Error(decision.why);
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
      }
    }
    throw new Error("nothing started within 20 boots");
  }

  get holds(): string[] {
    return this.slots.map((slot) => {
      const verdict = verifyImage(slot, TRUST);
      return verdict.ok ? toHex(verdict.facts.hash) : "nothing";
    });
  }
}

function hashesOf({ images }: TestRelease): string[] {
  return images.map((bytes) => toHex(hashOf(bytes)));
}

describe.each([1, 2, 3, 4])("a board with %i images", (count) => {
  const first = makeRelease(count, "1.0.0", 1);
  const second = makeRelease(count, "2.0.0", 2);

  function boardWithFirst(): Board {
    const board = new Board(count);
    board.stage(first);
    board.bootUntilStart();
    board.service.accept();
    board.bootUntilStart();
    expect(board.holds).toEqual(hashesOf(first));
    return board;
  }

  it("updates all of them, and goes back to all of them by hand", () => {
    const board = boardWithFirst();
    board.stage(second);
    board.bootUntilStart();
    board.service.accept();
    board.bootUntilStart();
    expect(board.holds).toEqual(hashesOf(second));
    board.service.switchBack();
    board.bootUntilStart();
    expect(board.holds).toEqual(hashesOf(first));
  });

  it("rolls all of them back, over a cut at any operation", () => {
    let cuts = 0;
    for (let at = 0; ; at++) {
      const board = boardWithFirst();
      board.stage(second);
      board.bootUntilStart();
      expect(board.holds).toEqual(hashesOf(second));
      board.service.reject("self-test");
      board.cutIn = at;
      board.bootUntilStart();
      const wasCut = board.cutIn === null;
      board.cutIn = null;
      expect(board.holds).toEqual(hashesOf(first));
      expect(board.service.query()).toMatchObject({ state: "FAILED" });
      if (!wasCut) break;
      cuts += 1;
    }
    expect(cuts).toBeGreaterThan(8 * count);
  });
});
