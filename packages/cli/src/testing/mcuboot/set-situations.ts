// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from "@tandem/base/node";
import { generatePayloads } from "@tandem/release";

import { DumpBuilder } from "./dump-builder.js";
import type { BoardWish } from "./dump-builder.js";
import type { Situation } from "./situation.js";

const NEW = "2.0.0";
const OLD = "1.0.0";
const NEEDS_1 = [{ image: 1, atLeast: NEW }];
const NEEDS_0 = [{ image: 0, atLeast: NEW }];

function pair(wish: Partial<BoardWish> = {}): DumpBuilder {
  return new DumpBuilder({ mode: "scratch", imageCount: 2, ...wish });
}

function xip(wish: Partial<BoardWish> = {}): DumpBuilder {
  return new DumpBuilder({ mode: "direct-xip", ...wish });
}

/** Two images, which MCUboot decides one by one. */
export const PAIR_SITUATIONS: readonly Situation[] = [
  {
    id: "pair-on-trial",
    title: "Two images, both marked for one trial",
    board: () => pair().old().update().board,
    findings: ["swap/test", "outlook/trial"],
    starts: [NEW, OLD],
  },
  {
    id: "pair-one-damaged",
    title: "Two images, both marked, image 1 is damaged, no dependencies",
    board: () => pair().old().update().patch(1, "secondary", 5000, [0]).board,
    findings: ["outlook/split", "invalid/hash-mismatch"],
    starts: [NEW, OLD],
  },
  {
    id: "pair-one-marked",
    title: "Two images, only image 0 is marked, no dependencies",
    board: () => pair().old().update("unmarked").mark(0).board,
    findings: ["outlook/split", "none/not-marked"],
    starts: [NEW, OLD],
  },
  {
    id: "pair-dependency-unmet",
    title: "Two images, only image 0 is marked, and it needs image 1 at 2.0.0",
    board: () =>
      pair().old().image(0, "secondary", { version: NEW, dependencies: NEEDS_1 }).mark(0).board,
    findings: ["dependency/unmet"],
    starts: [OLD, OLD],
  },
  {
    id: "pair-dependency-damaged",
    title: "Two images that need each other, both marked, image 1 is damaged",
    board: () =>
      pair()
        .old()
        .image(0, "secondary", { version: NEW, dependencies: NEEDS_1 })
        .image(1, "secondary", { version: NEW, dependencies: NEEDS_0 })
        .mark(0)
        .mark(1)
        .patch(1, "secondary", 5000, [0]).board,
    findings: ["dependency/unmet", "invalid/hash-mismatch"],
    starts: [OLD, OLD],
  },
  {
    id: "pair-dependency-met",
    title: "Two images that need each other, both marked",
    board: () =>
      pair()
        .old()
        .image(0, "secondary", { version: NEW, dependencies: NEEDS_1 })
        .image(1, "secondary", { version: NEW, dependencies: NEEDS_0 })
        .mark(0)
        .mark(1).board,
    findings: ["swap/test", "outlook/trial"],
    starts: [NEW, OLD],
  },
  {
    id: "pair-dependency-on-nobody",
    title: "Image 0 needs an image 5, which does not exist",
    board: () =>
      pair()
        .old()
        .image(0, "secondary", { version: NEW, dependencies: [{ image: 5, atLeast: OLD }] })
        .mark(0).board,
    findings: ["dependency/unreadable"],
    starts: [OLD, OLD],
  },
  {
    id: "pair-one-missing",
    title: "Two images, the primary slot of image 1 is blank",
    board: () => pair().image(0, "primary", OLD).board,
    findings: ["primary/empty", "outlook/dead-end"],
    starts: [null, null],
  },
  {
    id: "pair-one-confirmed",
    title: "Two images on trial, only image 0 was confirmed before the reset",
    board: () => pair().old().update().boot().confirm(0).board,
    findings: ["outlook/split-confirm", "swap/revert"],
    starts: [NEW, NEW],
  },
  {
    id: "pair-cut-between",
    title: "Two images, power went while image 1 was swapped",
    board: () => pair().old().update().boot(160).board,
    findings: ["swap/resumed", "swap/revert-reviewed"],
    starts: [NEW, OLD],
  },
  {
    id: "pair-overwrite-damaged",
    title: "Overwrite mode, two images, both marked, image 1 is damaged",
    board: () => pair({ mode: "overwrite" }).old().update().patch(1, "secondary", 5000, [0]).board,
    findings: ["outlook/split", "invalid/hash-mismatch"],
    starts: [NEW, NEW],
  },
];

/** Firmware for both cores; b0n accepts that of its own. */
const FIRMWARE = generatePayloads(1, {
  version: NEW,
  crypto: nodeCrypto,
  appBytes: 20_000,
  netBytes: 20_000,
});
const NEW_APP = { version: NEW, payload: FIRMWARE.app };
const NEW_NET = { version: NEW, payload: FIRMWARE.net };

/** The RAM of the network core's primary slot sets the size of all slots. */
const NRF5340_BUILD = {
  mode: "overwrite",
  isNrf5340: true,
  primarySize: 0x40000,
  secondarySize: 0x40000,
} as const;

function nrf5340(): DumpBuilder {
  return pair(NRF5340_BUILD).image(0, "primary", OLD);
}

/** Image 1 belongs to the network core, behind NCS's hooks; overwrite mode. */
export const NRF5340_SITUATIONS: readonly Situation[] = [
  {
    id: "nrf5340-idle",
    title: "nRF5340 hooks: the application runs, nothing is marked",
    board: () => nrf5340().board,
    findings: ["none/hooked", "valid/primary"],
    starts: [OLD, OLD],
  },
  {
    id: "nrf5340-dependency",
    title: "nRF5340 hooks: application 2.0.0 needs the network core at 2.0.0, which it already has",
    board: () =>
      nrf5340()
        .image(0, "secondary", { ...NEW_APP, dependencies: NEEDS_1 })
        .mark(0).board,
    findings: ["dependency/unmet"],
    starts: [OLD, OLD],
  },
  {
    id: "nrf5340-both",
    title: "nRF5340 hooks: both images are marked",
    board: () =>
      nrf5340().image(0, "secondary", NEW_APP).image(1, "secondary", NEW_NET).mark(0).mark(1).board,
    findings: ["update/overwritten", "overwrite/test"],
    starts: [NEW, NEW],
  },
  {
    id: "nrf5340-application-only",
    title: "nRF5340 hooks: only the application is marked",
    board: () => nrf5340().image(0, "secondary", NEW_APP).mark(0).board,
    findings: ["outlook/split", "overwrite/test"],
    starts: [NEW, NEW],
  },
  {
    id: "nrf5340-refused",
    title: "nRF5340 hooks: both images are marked, b0n refuses the network core's",
    board: () =>
      nrf5340()
        .image(0, "secondary", NEW_APP)
        .image(1, "secondary", { ...NEW_NET, payload: FIRMWARE.net.with(9000, 0) })
        .mark(0)
        .mark(1).board,
    findings: ["stop/assertion", "outlook/dead-end"],
    starts: [null, null],
  },
];

/** Images that run where they stand. */
export const XIP_SITUATIONS: readonly Situation[] = [
  {
    id: "xip-newest",
    title: "Direct-xip: 1.0.0 and 2.0.0",
    board: () => xip().old().update("unmarked").board,
    findings: ["xip/tried"],
    starts: [NEW, NEW],
  },
  {
    id: "xip-damaged",
    title: "Direct-xip: 2.0.0 is damaged",
    board: () => xip().old().update("unmarked").patch(0, "secondary", 5000, [0]).board,
    findings: ["invalid/hash-mismatch", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "xip-wrong-address",
    title: "Direct-xip: 2.0.0 was built for the other slot",
    board: () => xip().old().update("unmarked", { flags: 0x100, loadAddress: 0 }).board,
    findings: ["xip/wrong-address"],
    starts: [OLD, OLD],
  },
  {
    id: "xip-empty",
    title: "Direct-xip: both slots are blank",
    board: () => xip().board,
    findings: ["xip/no-slot", "outlook/dead-end"],
    starts: [null, null],
  },
  {
    id: "xip-revert-not-marked",
    title: "Direct-xip with revert: images without trailers",
    board: () => xip({ mode: "direct-xip-revert" }).old().update("unmarked").board,
    findings: ["xip/not-marked", "xip/no-slot"],
    starts: [null, null],
  },
  {
    id: "xip-revert-first-start",
    title: "Direct-xip with revert: 1.0.0 is confirmed, 2.0.0 is marked",
    board: () => xip({ mode: "direct-xip-revert" }).old().confirm(0).update("test").board,
    findings: ["xip/tried", "marked/copy_done"],
    starts: [NEW, OLD],
  },
  {
    id: "xip-revert-unconfirmed",
    title: "Direct-xip with revert: 2.0.0 was started and did not confirm itself",
    board: () => xip({ mode: "direct-xip-revert" }).old().confirm(0).update("test").boot().board,
    findings: ["xip/unconfirmed"],
    starts: [OLD, OLD],
  },
];
