// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import {
  MX25R6435F,
  MemoryStorage,
  NRF5340_APP_FLASH,
  NRF5340_NET_FLASH,
  PowerLoss,
} from "@tandem/flash";
import type { FlashOperation, NorProfile } from "@tandem/flash";
import { verifyImage } from "@tandem/image";
import { NcsNrf5340, knowRelease, ncsBuild, provisionNcs } from "@tandem/twin";
import type {
  FirmwareScripts,
  NcsBootOutcome,
  NcsBuildOptions,
  NcsDeviceOptions,
  NcsState,
  PowerSupply,
  ResetReason,
} from "@tandem/twin";

import { geometryOf } from "../geometry.js";
import type { MemoCrypto } from "../memo-crypto.js";
import { TRUSTED_KEY } from "../releases.js";
import type { ExploredRelease } from "../releases.js";
import type { CutPoint } from "../session.js";
import { createWorld } from "../world.js";
import type { World } from "../world.js";
import { bootEvents } from "./boot-events.js";
import { isSplit } from "./compared-device.js";
import type { ComparedDevice, ComparedSession, HeldRelease } from "./compared-device.js";
import { McumgrClient } from "./mcumgr-client.js";
import type { McumgrPlan } from "./mcumgr-client.js";
import { FIRST_MEMORY } from "./ncs-client.js";
import type { ClientMemory, MarkOrder, NcsClient } from "./ncs-client.js";
import { NEW_VERSION, OLD_VERSION, makePlainRelease } from "./plain-release.js";
import type { PlainRelease } from "./plain-release.js";
import { supplyOf } from "./planned-cut.js";
import { storageKey } from "./storage-key.js";
import { StoreClient } from "./store-client.js";
import type { ComparedStory } from "./stories.js";

/** The store of Tandem's own rows. */
const STORE = { profile: "small", flash: "nand-1bit" } as const;
const { blockCount, pagesPerBlock } = geometryOf(STORE.profile, STORE.flash).chip.shape;
const STORE_PAGES = blockCount * pagesPerBlock;

/** How an nRF5340 with stock MCUboot is built and updated. */
export interface NcsRow {
  readonly build: NcsBuildOptions;
  /** Nordic recommends the network core first. */
  readonly order: MarkOrder;
  /** The application has Tandem's store and service: {@link StoreClient}. */
  readonly hasStore: boolean;
  readonly netOnRevert: NonNullable<NcsDeviceOptions["netOnRevert"]>;
}

/** What stays the same from session to session. */
interface Bench extends McumgrPlan {
  readonly crypto: MemoCrypto;
  readonly scripts: FirmwareScripts;
  readonly netOnRevert: NcsRow["netOnRevert"];
  readonly old: PlainRelease;
  /** The device whose store and releases this one has; null: it has neither. */
  readonly world: World | null;
}

interface Storages {
  readonly appFlash: MemoryStorage;
  readonly extFlash: MemoryStorage;
  readonly netFlash: MemoryStorage;
  /** Chip of the store, where there is one. */
  readonly store: MemoryStorage;
}

/** What outlives a session. */
interface Kept {
  readonly storages: Storages;
  readonly state: NcsState;
  readonly entry: ResetReason;
  readonly memory: ClientMemory;
}

/** An nRF5340 as NCS ships it with the old release, and a client that wants the new one on it. */
export function ncsComparedDevice(
  row: NcsRow,
  story: ComparedStory,
  crypto: MemoCrypto,
): ComparedDevice {
  const { build, order, hasStore, netOnRevert } = row;
  const world = hasStore ? createWorld({ ...STORE, scenario: story.scenario }, crypto) : null;
  const { old, next } = world === null ? plainReleases(story, crypto) : releasesOf(world);
  const [app, net] = next.hashes;
  const scripts = { app: new Map([[app, story.app]]), net: new Map([[net, story.net]]) };
  const shared = { build: ncsBuild(build), order, netOnRevert, crypto };
  const bench: Bench = { ...shared, old, next, scripts, world };
  const storages = {
    appFlash: new MemoryStorage(),
    extFlash: new MemoryStorage(),
    netFlash: new MemoryStorage(),
    store: world?.root.state.nand.fork() ?? new MemoryStorage(),
  };
  const trust = { crypto, keys: [TRUSTED_KEY] };
  const device = new NcsNrf5340({ build: bench.build, storages, ...trust });
  provisionNcs(device, old, trust);
  knowRelease(device, next, trust);
  return standing(bench, {
    storages,
    state: device.state,
    entry: "power-on",
    memory: FIRST_MEMORY,
  });
}

function plainReleases(story: ComparedStory, crypto: MemoCrypto): Pick<Bench, "old" | "next"> {
  const flaw = story.isRefused ? "firmware-hash" : "none";
  return {
    old: makePlainRelease(crypto, { version: OLD_VERSION }),
    next: makePlainRelease(crypto, { version: NEW_VERSION, flaw }),
  };
}

function releasesOf({ factory, next }: World): Pick<Bench, "old" | "next"> {
  return { old: imagesOf(factory), next: imagesOf(next) };
}

function imagesOf({ images, hashes }: ExploredRelease): PlainRelease {
  const [app = new Uint8Array(0), net = new Uint8Array(0)] = images;
  const [appHash = "", netHash = ""] = hashes;
  return { app, net, hashes: [appHash, netHash] };
}

function standing(bench: Bench, kept: Kept): ComparedDevice {
  return {
    get key() {
      return keyOf(kept);
    },
    runSession: (cut) => runSession(bench, kept, cut),
  };
}

function keyOf({ storages, entry, memory }: Kept): string {
  return [
    storageKey(storages.appFlash, pagesOf(NRF5340_APP_FLASH)),
    storageKey(storages.extFlash, pagesOf(MX25R6435F)),
    storageKey(storages.netFlash, pagesOf(NRF5340_NET_FLASH)),
    storageKey(storages.store, STORE_PAGES),
    entry,
    JSON.stringify(memory),
  ].join("/");
}

function pagesOf({ sizeBytes, pageBytes }: NorProfile): number {
  return sizeBytes / pageBytes;
}

function runSession(bench: Bench, kept: Kept, cut: CutPoint | null): ComparedSession {
  const operations: FlashOperation[] = [];
  const storages = {
    appFlash: kept.storages.appFlash.fork(),
    extFlash: kept.storages.extFlash.fork(),
    netFlash: kept.storages.netFlash.fork(),
    store: kept.storages.store.fork(),
  };
  const { crypto, build, scripts, netOnRevert } = bench;
  const power = supplyOf(cut, operations);
  const device = new NcsNrf5340({
    build,
    storages,
    crypto,
    keys: [TRUSTED_KEY],
    scripts,
    power,
    netOnRevert,
    state: kept.state,
  });
  const client = clientOf(bench, { storage: storages.store, power }, kept.memory);
  const { end, entry, why = [] } = boot(device, kept.entry, client);
  const cores = coresOf(bench, device);
  const { mixedStarts, unverifiedStarts } = device.observer.counters;
  return {
    operations,
    end,
    next: standing(bench, { storages, state: device.state, entry, memory: client.memory }),
    isMixed: mixedStarts + unverifiedStarts > 0 || (end === "rest" && isSplit(cores)),
    cores,
    events: [...bootEvents(device.lastBoot), ...client.events].concat(why),
  };
}

function clientOf(
  bench: Bench,
  chip: { readonly storage: MemoryStorage; readonly power: PowerSupply },
  memory: ClientMemory,
): NcsClient {
  const { build, world } = bench;
  return world === null
    ? new McumgrClient(bench, memory)
    : new StoreClient(world, { ...chip, build }, memory);
}

interface End {
  readonly end: ComparedSession["end"];
  readonly entry: ResetReason;
  /** Why nothing was started. */
  readonly why?: string;
}

function boot(device: NcsNrf5340, entry: ResetReason, client: NcsClient): End {
  try {
    const outcome = entry === "power-on" ? device.powerOn() : device.reset(entry);
    return endOf(outcome, client);
  } catch (error) {
    if (error instanceof PowerLoss) return { end: "power-lost", entry: "power-on" };
    throw error;
  }
}

function endOf(outcome: NcsBootOutcome, client: NcsClient): End {
  switch (outcome.kind) {
    case "application":
      return client.run(outcome.app) === "reset"
        ? { end: "reset", entry: "soft" }
        : { end: "rest", entry: "power-on" };
    case "reset":
      return { end: "reset", entry: outcome.reason };
    case "power-lost":
      return { end: "power-lost", entry: "power-on" };
    case "stopped":
      return { end: "stopped", entry: "power-on", why: outcome.why };
    default:
      return outcome satisfies never;
  }
}

function coresOf({ crypto, old, next }: Bench, device: NcsNrf5340): ComparedSession["cores"] {
  const verdict = verifyImage(device.primarySlot, { crypto, keys: [TRUSTED_KEY] });
  const net = device.observer.identifyNet(device.readNetSlot());
  const releaseOf = (image: 0 | 1, hash: string | null): HeldRelease => {
    if (hash === null) return null;
    if (hash === old.hashes[image]) return "old";
    return hash === next.hashes[image] ? "new" : null;
  };
  return [
    releaseOf(0, verdict.ok ? toHex(verdict.facts.hash) : null),
    releaseOf(1, net === null ? null : toHex(net.imageHash)),
  ];
}
