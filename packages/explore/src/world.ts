// SPDX-License-Identifier: Apache-2.0
import { UsageError, fromHex, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage, NandChip } from "@tandem/flash";
import { Nrf5340Twin, PowerSupply, provision } from "@tandem/twin";
import type { FirmwareScripts, KnownNetImage, TwinOptions } from "@tandem/twin";
import { MARKER_ENTRY_BYTES } from "@tandem/update";

import { POWER_ON } from "./device-state.js";
import type { DeviceNode, DeviceState } from "./device-state.js";
import { geometryOf } from "./geometry.js";
import type { FlashKind, Geometry, ProfileName } from "./geometry.js";
import { MemoCrypto } from "./memo-crypto.js";
import { TRUSTED_KEY, makeRelease } from "./releases.js";
import type { ExploredRelease } from "./releases.js";
import { ALL_SCENARIOS } from "./scenario.js";
import type { Scenario } from "./scenario.js";

/** What stays the same while one story is explored. */
export interface World {
  readonly geometry: Geometry;
  readonly scenario: Scenario;
  readonly crypto: MemoCrypto;
  /** What production installed. */
  readonly factory: ExploredRelease;
  /** What the device is offered. */
  readonly next: ExploredRelease;
  /** Another one, of which a confused server may send something. */
  readonly other: ExploredRelease;
  readonly scripts: FirmwareScripts;
  readonly knownNetImages: readonly KnownNetImage[];
  /** The device as it leaves production. */
  readonly root: DeviceNode;
}

/** What names a world. */
export interface WorldName {
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  readonly scenario: string;
}

/** Decides how a read of an unstable page ends. */
export type UnstableReads = (device: string, page: number) => boolean;

/**
 * The world of this name; equal names give equal worlds.
 * @throws {UsageError} explore/scenario
 */
export function createWorld(
  name: WorldName,
  crypto: MemoCrypto = new MemoCrypto(nodeCrypto),
): World {
  const scenario = ALL_SCENARIOS.get(name.scenario);
  if (scenario === undefined) {
    const known = [...ALL_SCENARIOS.keys()].join(", ");
    throw new UsageError("explore/scenario", `scenario ${name.scenario}, expected one of ${known}`);
  }
  const geometry = geometryOf(name.profile, name.flash);
  const factory = makeRelease(crypto, geometry, { version: "1.0.0", securityCounter: 1 });
  const { flaw } = scenario;
  // A counter that rises would bar the way back.
  const securityCounter = scenario.switchesBack ? 1 : 2;
  const next = makeRelease(crypto, geometry, { version: "1.1.0", securityCounter, flaw });
  const other = makeRelease(crypto, geometry, { version: "1.2.0", securityCounter });
  const [appHash = "", netHash = ""] = next.hashes;
  const scripts: FirmwareScripts = {
    app: new Map([[appHash, scenario.app]]),
    net: new Map([[netHash, scenario.net]]),
  };
  const bare = { geometry, scenario, crypto, factory, next, other, scripts, knownNetImages: [] };
  const made = provisioned(bare);
  return { ...bare, ...made };
}

/** A device of this world in this state. */
export function createTwin(
  world: Omit<World, "root">,
  state: DeviceState,
  options: {
    readonly power?: PowerSupply;
    readonly unstableReads?: UnstableReads;
    readonly onBootEvent?: TwinOptions["onBootEvent"];
    readonly scripts?: FirmwareScripts;
  } = {},
): Nrf5340Twin {
  const { geometry, crypto, knownNetImages } = world;
  const scripts = options.scripts ?? world.scripts;
  const { unstableReads, power, onBootEvent } = options;
  const { nand, appFlash, netFlash, securityCounter } = state;
  const { chip, limits, map } = geometry;
  return new Nrf5340Twin({
    storages: { nand, appFlash, netFlash },
    crypto,
    keys: [TRUSTED_KEY],
    hardware: world.factory.manifest.hardware,
    storeFlash: (wiring) =>
      chip.make(
        nand,
        wiring,
        unstableReads === undefined ? undefined : (page) => unstableReads(chip.name, page),
      ),
    map,
    storeOptions: { limits },
    scripts,
    state: { securityCounter, nowUs: 0, knownNetImages },
    ...(power === undefined ? {} : { power }),
    ...(unstableReads === undefined ? {} : { unstableReadIsGood: unstableReads }),
    ...(onBootEvent === undefined ? {} : { onBootEvent }),
  });
}

function provisioned(world: Omit<World, "root">): Pick<World, "root" | "knownNetImages"> {
  const state: DeviceState = {
    nand: new MemoryStorage(),
    appFlash: new MemoryStorage(),
    netFlash: new MemoryStorage(),
    securityCounter: 0,
  };
  const { chip, limits } = world.geometry;
  const flash = chip.make(state.nand, {});
  for (const block of chip.factoryBadBlocks) {
    if (flash instanceof NandChip) flash.markFactoryBad(block);
  }
  const twin = createTwin(world, state, { power: new PowerSupply({ seed: 1 }) });
  provision(twin, world.factory.manifest, world.factory.images, { limits });
  fillMarker(twin);
  ageJournal(twin);
  learn(twin, world.next);
  begin(twin, world);
  const { securityCounter, knownNetImages } = twin.state;
  return { knownNetImages, root: { state: { ...state, securityCounter }, entry: POWER_ON } };
}

/** As many boots as it takes for both chains of the journal to have come round once. */
function ageJournal(twin: Nrf5340Twin): void {
  for (let boots = 0; boots < 5; boots++) twin.mountStore().settle();
}

/** Leaves room for two entries, so that every story comes to erase the marker's other page. */
function fillMarker(twin: Nrf5340Twin): void {
  const { marker, appFlash, map } = twin;
  const { releaseId } = marker.read();
  const isFull = (): boolean => {
    const used = appFlash.read(map.marker.start, appFlash.profile.pageBytes);
    return used.subarray(-3 * MARKER_ENTRY_BYTES).some((byte) => byte !== 0xff);
  };
  for (let entry = 0; !isFull(); entry++) {
    marker.write(entry % 2 === 0 ? "trial" : "accepted", releaseId);
  }
  marker.write("accepted", releaseId);
}

/** Brings a device out of production to where its story begins. */
function begin(twin: Nrf5340Twin, { scenario, factory, next }: Omit<World, "root">): void {
  const { begins } = scenario;
  if (begins === "ready") return;
  const service = twin.createService(twin.mountStore());
  service.start(next.manifest);
  const [app = new Uint8Array(0), net = new Uint8Array(0)] = next.images;
  if (begins === "erased") {
    service.write(0, 0, app.subarray(0, -1));
    eraseAppCore(twin);
    return;
  }
  service.write(0, 0, app);
  service.write(1, 0, net);
  service.finish();
  twin.marker.write("trial", fromHex(factory.hashes[0] ?? ""));
}

/** What a debugger does that is told to erase the chip; MCUboot is not modelled as bytes. */
function eraseAppCore({ appFlash, map }: Nrf5340Twin): void {
  const { pageBytes } = appFlash.profile;
  for (const { start, sizeBytes } of [map.appSlot, map.marker]) {
    for (let at = start; at < start + sizeBytes; at += pageBytes) appFlash.erasePage(at);
  }
}

function learn(twin: Nrf5340Twin, release: ExploredRelease): void {
  const [, net] = release.images;
  const header = release.facts[1]?.header;
  if (net !== undefined && header !== undefined) twin.observer.learn(net, header);
}

/** True for the release with this id. */
export function isRelease(release: ExploredRelease, id: Uint8Array | undefined): boolean {
  return id !== undefined && toHex(id) === release.hashes[0];
}
