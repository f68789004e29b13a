// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage } from "@tandem/flash";
import { signerFromSeed } from "@tandem/image/node";
import { buildRelease, generatePayloads, payloadInput } from "@tandem/release";
import type { BuiltRelease } from "@tandem/release";
import { Store } from "@tandem/store";
import { describe, expect, it } from "vitest";

import type { FirmwareScripts } from "../firmware-script.js";
import { Nrf5340Twin } from "./device.js";
import { programCores, provision } from "./provision.js";

const SIGNER = signerFromSeed(new Uint8Array(32).fill(7));

/** Firmware that is linked for the nRF5340, small. */
function makeLinkedRelease(version: string, breakHash = false): BuiltRelease {
  const crypto = nodeCrypto;
  const { app, net } = generatePayloads(1, { version, crypto, appBytes: 9000, netBytes: 6000 });
  // Signed by us all the same: only b0n looks at the hash behind the firmware.
  if (breakHash) net[0x900] = (net[0x900] ?? 0) ^ 1;
  return buildRelease({
    app: payloadInput("app", app),
    net: payloadInput("net", net),
    version,
    securityCounter: 1,
    signer: SIGNER,
    crypto,
    hardware: "test",
    unlinked: breakHash,
  });
}

function imagesOf(release: BuiltRelease): Uint8Array[] {
  return release.manifest.images.map((image) => release.files.get(image.file) ?? new Uint8Array(0));
}

function blankDevice(
  events: string[],
  scripts?: FirmwareScripts,
  allowAdoption = false,
): Nrf5340Twin {
  return new Nrf5340Twin({
    storages: {
      nand: new MemoryStorage(),
      appFlash: new MemoryStorage(),
      netFlash: new MemoryStorage(),
    },
    crypto: nodeCrypto,
    keys: [SIGNER.publicKey],
    hardware: "test",
    ...(scripts === undefined ? {} : { scripts }),
    allowAdoption,
    onBootEvent: (event) => events.push(event.text),
  });
}

function runningDevice(events: string[], scripts?: FirmwareScripts): Nrf5340Twin {
  const twin = blankDevice(events, scripts);
  const factory = makeLinkedRelease("1.0.0");
  provision(twin, factory.manifest, imagesOf(factory));
  return twin;
}

function stage(twin: Nrf5340Twin, release: BuiltRelease): void {
  const service = twin.createService(twin.mountStore());
  service.start(release.manifest);
  imagesOf(release).forEach((bytes, image) => service.write(image, 0, bytes));
  expect(service.finish()).toEqual({ ok: true });
  service.install();
}

describe("b0n in the twin", () => {
  it("starts firmware that is linked for its slot", () => {
    const twin = runningDevice([]);
    const outcome = twin.bootToApplication(twin.powerOn());
    expect(outcome).toMatchObject({ kind: "application", app: { netVersion: { major: 1 } } });
  });

  it("refuses firmware whose own hash is wrong: the whole set goes back", () => {
    const events: string[] = [];
    const twin = runningDevice(events);
    stage(twin, makeLinkedRelease("1.1.0", true));
    const outcome = twin.bootToApplication(twin.powerOn());
    expect(events).toContain("net: core-refused");
    expect(outcome).toMatchObject({
      kind: "application",
      app: { netVersion: { major: 1, minor: 0 }, facts: { header: { version: { minor: 0 } } } },
    });
    const status = twin.createService(twin.mountStore()).query();
    expect(status).toMatchObject({
      state: "FAILED",
      reason: { image: 1, step: "install", code: "core-refused" },
    });
    expect(twin.observer.counters).toEqual({ mixedStarts: 0, unverifiedStarts: 0 });
  });

  it("leaves a core as it is that refuses everything, as long as it still holds what it held", () => {
    const events: string[] = [];
    const scripts = { app: new Map(), net: { get: () => ({ kind: "refused" }) as const } };
    const twin = runningDevice(events, scripts);
    stage(twin, makeLinkedRelease("1.1.0"));
    const outcome = twin.bootToApplication(twin.powerOn());
    expect(outcome).toMatchObject({
      kind: "application",
      app: { facts: { header: { version: { minor: 0 } } } },
    });
    expect(events.filter((event) => event === "net: core-refused")).toHaveLength(1);
    expect(twin.createService(twin.mountStore()).query()).toMatchObject({
      state: "FAILED",
      reason: { image: 1, step: "install", code: "core-refused" },
    });
    expect(twin.observer.counters).toEqual({ mixedStarts: 0, unverifiedStarts: 0 });
  });

  it("leaves what the maker programmed to start when the first release is refused", () => {
    const scripts = { app: new Map(), net: { get: () => ({ kind: "refused" }) as const } };
    const twin = blankDevice([], scripts, true);
    programCores(twin, imagesOf(makeLinkedRelease("1.0.0")));
    Store.format(twin.nand, twin.storeOptions);
    stage(twin, makeLinkedRelease("1.1.0"));
    expect(twin.bootToApplication(twin.powerOn())).toMatchObject({
      kind: "application",
      app: { netVersion: { minor: 0 }, facts: { header: { version: { minor: 0 } } } },
    });
    expect(twin.createService(twin.mountStore()).query()).toMatchObject({
      state: "FAILED",
      accepted: null,
      reason: { image: 1, step: "install", code: "core-refused" },
    });
    // Nobody has accepted it, but it starts without a store too.
    expect(twin.marker.read().kind).toBe("stopgap");
    expect(twin.observer.counters).toEqual({ mixedStarts: 0, unverifiedStarts: 0 });
  });

  it("asks b0n for its version when an install is taken up again", () => {
    const events: string[] = [];
    const twin = runningDevice(events);
    stage(twin, makeLinkedRelease("1.1.0"));
    twin.power.planCut({
      when: "inside",
      matches: (operation) => operation.device === "app-flash" && operation.length >= 1024,
      skip: 3,
    });
    expect(twin.bootToApplication(twin.powerOn()).kind).toBe("application");
    expect(events).toContain("net: already installed");
  });

  it("installs the network core again when b0n reports another version than the record", () => {
    const events: string[] = [];
    const twin = runningDevice(events);
    stage(twin, makeLinkedRelease("1.1.0"));
    twin.power.planCut({
      when: "before",
      matches: (operation) => operation.device === "app-flash" && operation.length >= 1024,
      skip: 3,
    });
    expect(twin.powerOn().kind).toBe("power-lost");
    // Somebody has put other firmware into the core meanwhile.
    twin.netFlash.erasePage(0x8800);
    twin.netFlash.write(0x8800, createRandom(9).bytes(2048));
    expect(twin.bootToApplication(twin.powerOn()).kind).toBe("application");
    expect(events.filter((event) => event === "net: installed")).toHaveLength(2);
    expect(twin.observer.counters).toEqual({ mixedStarts: 0, unverifiedStarts: 0 });
  });
});
