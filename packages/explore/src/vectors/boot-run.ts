// SPDX-License-Identifier: Apache-2.0
import type { FlashArea, PagedFlash } from "@tandem/flash";
import { BootCoordinator, FlashCore, Marker, PcdCore } from "@tandem/update";
import type { BootOptions, ImageSlot, PcdPort, Trust } from "@tandem/update";

import type { Geometry } from "../geometry.js";
import type { BootAction, CopyAnswer, Decision } from "./boot-vector.js";

/** A device as the coordinator reaches it. */
export interface BootDevice {
  readonly store: PagedFlash;
  /** All of the application core's flash. */
  readonly appFlash: FlashArea;
  readonly pcd: PcdPort;
  readonly counter: { read(): number; raise(value: number): void };
  readonly watchdog: { start(): void; feed(): void };
  readonly seal: () => void;
  readonly resetReason: number;
}

/** What every boot of one kind of device has in common. */
export interface BootSetting {
  readonly geometry: Geometry;
  /** Bits per sector that the ECC of the store's chip corrects. */
  readonly eccStrengthBits: number;
  readonly slots: readonly ImageSlot[];
  readonly trust: Trust;
}

/** Runs the coordinator once, and tells each call of a port that a vector holds, in order. */
export function runBoot(
  setting: Omit<BootSetting, "eccStrengthBits">,
  device: BootDevice,
  onAction: (action: BootAction) => void,
): Decision {
  const { geometry, slots, trust } = setting;
  const { map, limits } = geometry;
  const feeds = new Feeds(device.watchdog, onAction);
  const tell = (action: BootAction): void => {
    feeds.end();
    onAction(action);
  };
  const appFlash = toldArea(device.appFlash, tell);
  const tick = (): void => feeds.feed();
  const area = part(appFlash, map.appSlot);
  const pcd = toldPcd(device.pcd, feeds, tell);
  const ram = new Uint8Array(map.pcdRamBytes);
  const options: BootOptions = {
    nand: toldStore(device.store, tell),
    storeOptions: { limits },
    marker: new Marker(part(appFlash, map.marker)),
    trust,
    slots,
    cores: [
      new FlashCore({ core: "app", area, trust, tick }),
      new PcdCore({ core: "net", pcd, ram, trust, tick }),
    ],
    ports: {
      securityCounter: {
        read: () => device.counter.read(),
        raise: (value) => {
          tell({ kind: "counter-raise", value });
          device.counter.raise(value);
        },
      },
      watchdog: {
        start: () => {
          tell({ kind: "watchdog-start" });
          device.watchdog.start();
        },
        feed: tick,
      },
      resetReason: device.resetReason,
      seal: () => {
        tell({ kind: "seal" });
        device.seal();
      },
    },
  };
  return new BootCoordinator(options).run().kind;
}

/** Feeds of the watchdog: how many come in a row depends on how much is read at a time. */
class Feeds {
  readonly #watchdog: BootDevice["watchdog"];
  readonly #onAction: (action: BootAction) => void;
  #isTold = false;
  /** How often is polled depends on the network core. */
  isPolling = false;

  constructor(watchdog: BootDevice["watchdog"], onAction: (action: BootAction) => void) {
    this.#watchdog = watchdog;
    this.#onAction = onAction;
  }

  feed(): void {
    if (!this.#isTold && !this.isPolling) {
      this.#isTold = true;
      this.#onAction({ kind: "watchdog-feed" });
    }
    this.#watchdog.feed();
  }

  /** Something else comes. */
  end(): void {
    this.#isTold = false;
  }
}

type Tell = (action: BootAction) => void;

function toldStore(flash: PagedFlash, tell: Tell): PagedFlash {
  return {
    geometry: flash.geometry,
    eccStrengthBits: flash.eccStrengthBits,
    readPage: (page) => flash.readPage(page),
    isMarkedBad: (block) => flash.isMarkedBad(block),
    eraseBlock: (block) => {
      tell({ kind: "store-erase", block });
      return flash.eraseBlock(block);
    },
    programPage: (page, data) => {
      tell({ kind: "store-program", page, data: data.slice() });
      return flash.programPage(page, data);
    },
  };
}

function toldArea(area: FlashArea, tell: Tell): FlashArea {
  const { size, pageBytes, writeBytes } = area;
  return {
    size,
    pageBytes,
    writeBytes,
    read: (address, length) => area.read(address, length),
    erasePage: (address) => {
      tell({ kind: "app-erase", address });
      area.erasePage(address);
    },
    write: (address, data) => {
      tell({ kind: "app-write", address, data: data.slice() });
      area.write(address, data);
    },
  };
}

/** A partition; the coordinator stays within it. */
function part(
  area: FlashArea,
  { start, sizeBytes }: { readonly start: number; readonly sizeBytes: number },
): FlashArea {
  const { pageBytes, writeBytes } = area;
  return {
    size: sizeBytes,
    pageBytes,
    writeBytes,
    read: (offset, length) => area.read(start + offset, length),
    erasePage: (offset) => area.erasePage(start + offset),
    write: (offset, data) => area.write(start + offset, data),
  };
}

/** A copy is told when it has ended, with its last answer. */
function toldPcd(pcd: PcdPort, feeds: Feeds, tell: Tell): PcdPort {
  let copy: { readonly data: Uint8Array; answer: CopyAnswer } | null = null;
  const endCopy = (): void => {
    feeds.isPolling = false;
    if (copy !== null) tell({ kind: "net-copy", ...copy });
    copy = null;
  };
  const { readVersion } = pcd;
  return {
    forceOff: () => {
      endCopy();
      tell({ kind: "net-off" });
      pcd.forceOff();
    },
    startCopy: (ram, offset, length) => {
      copy = { data: ram.slice(offset, offset + length), answer: "busy" };
      feeds.isPolling = true;
      pcd.startCopy(ram, offset, length);
    },
    readVersion:
      readVersion === null
        ? null
        : () => {
            const answer = readVersion();
            tell({ kind: "net-version", answer });
            return answer;
          },
    status: () => {
      const status = pcd.status();
      if (copy !== null) copy.answer = status;
      return status;
    },
    clear: () => {
      tell({ kind: "pcd-clear" });
      pcd.clear();
    },
    lock: () => pcd.lock(),
    wait: (ms) => pcd.wait(ms),
  };
}
