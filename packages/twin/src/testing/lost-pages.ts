// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";

import { TandemError, createRandom, toHex } from "@tandem/base";
import { PowerLoss } from "@tandem/flash";
import { verifyImage } from "@tandem/image";
import { decodeRecord } from "@tandem/store";
import type { JournalPage, StateRecord } from "@tandem/store";

import { MEMORY_MAP } from "../nrf5340/memory-map.js";
import { selfTest } from "../nrf5340/running-application.js";
import { TestDevice, forkFlash, hashesOf, makeRelease } from "./test-device.js";

const FACTORY = makeRelease({ version: "1.0.0" });
const NEXT_VERSION = "1.1.0";
const NEXT = makeRelease({ version: NEXT_VERSION });

/** Times that a device is switched on again, to see what it comes to in the end. */
const POWER_ONS = 5;

/** Until when an update has come; the flash of the device then. */
const SITUATIONS = {
  "at rest": () => undefined,
  updated: (device: TestDevice) => {
    device.stage(NEXT);
    device.settle();
    device.boot(device.twin.reset("soft"));
  },
  staged: (device: TestDevice) => device.stage(NEXT),
  "network core half written": (device: TestDevice) => cutInstall(device, "net-flash", 2),
  "application core half written": (device: TestDevice) => cutInstall(device, "app-flash", 4),
  "on trial": (device: TestDevice) => {
    device.stage(NEXT);
    device.boot(device.twin.reset("soft"));
  },
} as const;

/** Stages a release and installs it until power goes at a write of one core's flash. */
function cutInstall(device: TestDevice, name: string, skip: number): void {
  device.stage(NEXT);
  device.twin.power.planCut({
    when: "inside",
    skip,
    matches: (operation) =>
      operation.device === name &&
      operation.kind === "write" &&
      operation.address < MEMORY_MAP.marker.start,
  });
  let outcome = device.twin.reset("soft");
  while (outcome.kind === "reset") outcome = device.twin.reset(outcome.reason);
  if (outcome.kind !== "power-lost") throw new Error(`the install was not cut: ${outcome.kind}`);
}

/** What is lost for good; of a page of the store: both copies, or both chains. */
const LOSSES = {
  accepted: (device: TestDevice) => loseBank(device, "acceptedBank"),
  candidate: (device: TestDevice) => loseBank(device, "candidateBank"),
  previous: (device: TestDevice) => loseBank(device, "previousBank"),
  "newest record": (device: TestDevice) => {
    for (const chain of [0, 1]) losePage(device, newestPageOf(device, chain));
  },
  journal: (device: TestDevice) => {
    for (const { page } of journalOf(device)) losePage(device, page);
  },
  "marker torn": (device: TestDevice) => {
    eraseMarker(device);
    const { start, sizeBytes } = MEMORY_MAP.marker;
    device.twin.appFlash.write(start, new Uint8Array(sizeBytes));
  },
  "marker erased": eraseMarker,
  "application slot": (device: TestDevice) => device.twin.primarySlot.erasePage(4096),
} as const;

function loseBank(
  device: TestDevice,
  name: "acceptedBank" | "candidateBank" | "previousBank",
): void {
  const bank = device.twin.mountStore().record[name];
  if (bank === null) throw new Error(`there is no ${name}`);
  for (const image of [0, 1]) device.loseImage(bank, image);
}

function losePage({ twin }: TestDevice, page: number): void {
  twin.nand.decayPage(page, twin.nand.eccStrengthBits + 1, createRandom(page));
}

function journalOf({ twin }: TestDevice): { page: number; record: JournalPage }[] {
  const { limits, pagesPerBlock } = twin.mountStore().plan;
  const pages = Array.from({ length: limits.journalBlocks * pagesPerBlock }, (_, page) => page);
  return pages.flatMap((page) => {
    const record = decodeRecord(twin.nand.readPage(page).data, limits);
    return record === null ? [] : [{ page, record }];
  });
}

function newestPageOf(device: TestDevice, chain: number): number {
  const own = journalOf(device).filter(({ record }) => record.chain === chain);
  const [newest] = own.toSorted((a, b) => (a.record.sequence < b.record.sequence ? 1 : -1));
  return newest?.page ?? 0;
}

function eraseMarker({ twin }: TestDevice): void {
  const { start, sizeBytes } = MEMORY_MAP.marker;
  const { pageBytes } = twin.appFlash.profile;
  for (let at = start; at < start + sizeBytes; at += pageBytes) twin.appFlash.erasePage(at);
}

/** A device of which more is lost than the fault hypothesis grants, and what becomes of it. */
export interface Limit {
  readonly situation: keyof typeof SITUATIONS;
  readonly lost: readonly (keyof typeof LOSSES)[];
  /** Version of the release that runs in the end, or nothing. */
  readonly runs: string;
  /** Invariants that do not hold any more, in the order in which they are given up. */
  readonly givenUp: readonly string[];
  /** The bootloader is built with `allowAdoption`. */
  readonly adopts?: true;
  /** The new release fails its self-test. */
  readonly isBad?: true;
}

type End = Pick<Limit, "runs" | "givenUp">;

interface Damaged {
  readonly device: TestDevice;
  /** The newest record before and after its losses; null: there is none. */
  readonly before: StateRecord;
  readonly after: StateRecord | null;
}

/** The device of a row, switched off after its losses. */
export function damaged({ situation, lost, adopts, isBad }: Limit): Damaged {
  const options = { allowAdoption: adopts === true };
  const first = TestDevice.provisioned(FACTORY, options);
  first.boot();
  SITUATIONS[situation](first);
  const before = first.twin.mountStore().record;
  for (const name of lost) LOSSES[name](first);
  const { securityCounter } = first.twin;
  const device = new TestDevice(forkFlash(first.flash), [FACTORY, NEXT], securityCounter, options);
  if (isBad === true) device.net.set(hashesOf(NEXT)[1] ?? "", { kind: "silent" });
  return { device, before, after: recordOf(device) };
}

/** Switches the device on until it has come to rest, and tells what has become of it. */
export function live(damage: Damaged): End {
  const { device } = damage;
  let isUp = false;
  for (let on = 0; on < POWER_ONS; on++) {
    try {
      isUp = device.boot().kind === "application";
      if (isUp) decide(device);
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
    }
  }
  const runs = isUp ? versionOf(device.holds[0]) : "nothing";
  return { runs, givenUp: givenUp(damage, runs) };
}

/** An application on trial accepts itself or not; without a store it can do neither. */
function decide({ running }: TestDevice): void {
  try {
    if (running.service.query().state !== "TRIAL") return;
  } catch (error) {
    if (error instanceof TandemError) return;
    throw error;
  }
  const result = selfTest(running);
  if (result.ok) running.service.accept();
  else running.service.reject(result.code, result.image, result.detail);
}

function givenUp({ device, before, after }: Damaged, runs: string): readonly string[] {
  const record = recordOf(device);
  const known = record ?? before;
  const accepted = known.isLimp ? null : versionOf(idOf(known));
  const { mixedStarts, unverifiedStarts } = device.twin.observer.counters;
  const broken = {
    I9: !isDeepStrictEqual(before, after),
    I5: runs !== "nothing" && versionOf(idOf(before)) === NEXT_VERSION && runs !== NEXT_VERSION,
    I6: runs === NEXT_VERSION && accepted !== NEXT_VERSION,
    I3: runs === "nothing" && !holdsWholeBank(device, record),
    I4: runs === "nothing",
    I1: mixedStarts > 0,
    I2: unverifiedStarts > 0,
    I7: device.twin.violations.length > 0,
  };
  return Object.entries(broken).flatMap(([name, isBroken]) => (isBroken ? [name] : []));
}

function recordOf({ twin }: TestDevice): StateRecord | null {
  try {
    return twin.mountStore().record;
  } catch (error) {
    if (error instanceof TandemError) return null;
    throw error;
  }
}

/** Id of the accepted release. */
function idOf({ acceptedBank, banks }: StateRecord): string | null {
  const image = banks[acceptedBank ?? -1]?.images[0];
  return image === undefined ? null : toHex(image.imageHash);
}

function versionOf(id: string | null): string {
  const release = [FACTORY, NEXT].find((known) => hashesOf(known)[0] === id);
  return release?.manifest.version ?? "unknown";
}

/** Some bank could be installed. */
function holdsWholeBank({ twin }: TestDevice, record: StateRecord | null): boolean {
  const isWhole = (bank: number, image: number): boolean => {
    try {
      return verifyImage(twin.mountStore().readImage(bank, image), twin.trust).ok;
    } catch (error) {
      if (error instanceof TandemError) return false;
      throw error;
    }
  };
  return (record?.banks ?? []).some(
    ({ images }, bank) => images.length > 0 && images.every((_, image) => isWhole(bank, image)),
  );
}
