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
  NcsState,
  ResetReason,
} from "@tandem/twin";

import type { MemoCrypto } from "../memo-crypto.js";
import type { CutPoint } from "../session.js";
import { bootEvents } from "./boot-events.js";
import type { ComparedDevice, ComparedSession, HeldRelease } from "./compared-device.js";
import { FIRST_MEMORY, NcsClient } from "./ncs-client.js";
import type { ClientMemory, ClientPlan } from "./ncs-client.js";
import { NEW_VERSION, OLD_VERSION, PLAIN_KEY, makePlainRelease } from "./plain-release.js";
import { supplyOf } from "./planned-cut.js";
import { storageKey } from "./storage-key.js";
import type { ComparedStory } from "./stories.js";

/** How an nRF5340 with stock MCUboot is built and updated. */
export interface NcsRow {
  readonly build: NcsBuildOptions;
  /** In which order MCUmgr marks the images; Nordic recommends the network core first. */
  readonly order: readonly [number, number];
  /** See {@link ClientPlan}. */
  readonly keepsSets: boolean;
}

/** What stays the same from session to session. */
interface Bench extends ClientPlan {
  readonly crypto: MemoCrypto;
  readonly scripts: FirmwareScripts;
}

interface Storages {
  readonly appFlash: MemoryStorage;
  readonly extFlash: MemoryStorage;
  readonly netFlash: MemoryStorage;
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
  const flaw = story.isRefused ? "firmware-hash" : "none";
  const old = makePlainRelease(crypto, { version: OLD_VERSION });
  const next = makePlainRelease(crypto, { version: NEW_VERSION, flaw });
  const [app, net] = next.hashes;
  const scripts = { app: new Map([[app, story.app]]), net: new Map([[net, story.net]]) };
  const bench = {
    crypto,
    build: ncsBuild(row.build),
    order: row.order,
    keepsSets: row.keepsSets,
    old,
    next,
    scripts,
  };
  const storages = {
    appFlash: new MemoryStorage(),
    extFlash: new MemoryStorage(),
    netFlash: new MemoryStorage(),
  };
  const trust = { crypto, keys: [PLAIN_KEY] };
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
  };
  const { crypto, build, scripts } = bench;
  const device = new NcsNrf5340({
    build,
    storages,
    crypto,
    keys: [PLAIN_KEY],
    scripts,
    power: supplyOf(cut, operations),
    state: kept.state,
  });
  const client = new NcsClient(bench, kept.memory);
  const { end, entry } = boot(device, kept.entry, client);
  const cores = coresOf(bench, device);
  const { mixedStarts, unverifiedStarts } = device.observer.counters;
  return {
    operations,
    end,
    next: standing(bench, { storages, state: device.state, entry, memory: client.memory }),
    isMixed: mixedStarts + unverifiedStarts > 0 || (end === "rest" && cores[0] !== cores[1]),
    cores,
    events: [...bootEvents(device.lastBoot), ...client.events],
  };
}

interface End {
  readonly end: ComparedSession["end"];
  readonly entry: ResetReason;
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
      client.events.push(outcome.why);
      return { end: "stopped", entry: "power-on" };
    default:
      return outcome satisfies never;
  }
}

function coresOf({ crypto, old, next }: Bench, device: NcsNrf5340): ComparedSession["cores"] {
  const verdict = verifyImage(device.primarySlot, { crypto, keys: [PLAIN_KEY] });
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
