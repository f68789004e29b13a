// SPDX-License-Identifier: Apache-2.0
import { IMAGE_MAGIC } from "@tandem/image";
import type { ImageHeader } from "@tandem/image";
import { BOOT_HOOK_REGULAR, FihResult } from "@tandem/mcuboot";
import type { BootHooks } from "@tandem/mcuboot";

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

/**
 * What NCS's hooks answer for image 1 of an nRF5340, whose primary slot is RAM: a made-up header of
 * version 0.0.0, no trailer, and "valid".
 * @see sdk-nrf, modules/mcuboot/hooks/nrf53_hooks.c
 */
const FAKED_NETWORK_CORE: BootHooks = {
  boot_read_image_header_hook: (image, slot) =>
    image === 1 && slot === 0 ? FAKED_HEADER : BOOT_HOOK_REGULAR,
  boot_image_check_hook: (image, slot) =>
    image === 1 && slot === 0 ? FihResult.FIH_SUCCESS : FihResult.FIH_BOOT_HOOK_REGULAR,
  boot_read_swap_state_primary_slot_hook: (image) =>
    image === 1
      ? { magic: "unset", swapType: 1, copyDone: "unset", imageOk: "unset", imageNum: 1 }
      : BOOT_HOOK_REGULAR,
};

const FAKED_HEADER: ImageHeader = {
  magic: IMAGE_MAGIC,
  loadAddress: 0,
  headerSize: 0x200,
  protectedTlvSize: 0,
  imageSize: 0x1000,
  flags: 0,
  version: { major: 0, minor: 0, revision: 0, build: 0 },
  pad: 0,
};

function nrf5340(): DumpBuilder {
  return pair({ mode: "overwrite", makeHooks: () => FAKED_NETWORK_CORE }).image(0, "primary", OLD);
}

/** What the made-up header of the network core does to decisions. */
export const FAKED_HEADER_SITUATIONS: readonly Situation[] = [
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
      nrf5340().image(0, "secondary", { version: NEW, dependencies: NEEDS_1 }).mark(0).board,
    findings: ["dependency/unmet"],
    starts: [OLD, OLD],
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
