// SPDX-License-Identifier: Apache-2.0
import { DumpBuilder, SECTOR_SIZE, SLOT_SIZE, makeImage } from "./dump-builder.js";
import type { BoardWish } from "./dump-builder.js";
import type { Situation } from "./situation.js";

const NEW = "2.0.0";
const OLD = "1.0.0";

function scratch(wish: Partial<BoardWish> = {}): DumpBuilder {
  return new DumpBuilder({ mode: "scratch", ...wish });
}

/** One image, swapped or overwritten: marks, confirmations, cuts. */
export const SWAP_SITUATIONS: readonly Situation[] = [
  {
    id: "factory-image",
    title: "A signed image in the primary slot, nothing else",
    board: () => scratch().old().board,
    findings: ["none/nothing-pending", "valid/primary"],
    starts: [OLD, OLD],
  },
  {
    id: "not-marked",
    title: "2.0.0 was uploaded, but nothing asks for it",
    board: () => scratch().old().update("unmarked").board,
    findings: ["none/not-marked"],
    starts: [OLD, OLD],
  },
  {
    id: "marked-on-trial",
    title: "2.0.0 is marked for one trial",
    board: () => scratch().old().update("test").board,
    findings: ["swap/test", "update/swapped", "outlook/trial"],
    starts: [NEW, OLD],
  },
  {
    id: "marked-permanent",
    title: "2.0.0 is marked for good",
    board: () => scratch().old().update("permanent").board,
    findings: ["swap/perm", "update/swapped"],
    starts: [NEW, NEW],
  },
  {
    id: "trial-not-confirmed",
    title: "2.0.0 has run its trial and did not confirm itself",
    board: () => scratch().old().update().boot().board,
    findings: ["swap/revert"],
    starts: [OLD, OLD],
  },
  {
    id: "trial-confirmed",
    title: "2.0.0 has run its trial and confirmed itself",
    board: () => scratch().old().update().boot().confirm(0).board,
    findings: ["none/confirmed"],
    starts: [NEW, NEW],
  },
  {
    id: "confirmed-and-tidy",
    title: "2.0.0 is confirmed, and the secondary slot was erased",
    board: () => scratch().old().update().boot().confirm(0).blank(0, "secondary").board,
    findings: ["none/confirmed"],
    starts: [NEW, NEW],
  },
  {
    id: "reverted",
    title: "2.0.0 was taken back after its trial",
    board: () => scratch().old().update().boot().boot().board,
    findings: ["none/taken-back"],
    starts: [OLD, OLD],
  },
  {
    id: "programmed-with-pad",
    title: "A debugger wrote an image made by imgtool --pad to the primary slot",
    board: () => scratch().old().pad(0, "primary").board,
    findings: ["none/preinstalled"],
    starts: [OLD, OLD],
  },
  {
    id: "cut-in-scratch-swap",
    title: "Power went in the middle of a swap using scratch",
    board: () => scratch().old().update().boot(60).board,
    findings: ["swap/resumed"],
    starts: [NEW, OLD],
  },
  {
    id: "cut-in-move-swap",
    title: "Power went in the middle of a swap using move",
    board: () => new DumpBuilder({ mode: "move" }).old().update().boot(60).board,
    findings: ["swap/resumed"],
    starts: [NEW, OLD],
  },
  {
    id: "cut-in-offset-swap",
    title: "Power went in the middle of a swap using offset",
    board: () => new DumpBuilder({ mode: "offset" }).old().update().boot(40).board,
    findings: ["swap/resumed"],
    starts: [NEW, OLD],
  },
  {
    id: "cut-in-revert",
    title: "Power went while an unconfirmed trial was taken back",
    board: () => scratch().old().update().boot().boot(60).board,
    findings: ["swap/resumed"],
    starts: [OLD, OLD],
  },
  {
    id: "offset-wrong-address",
    title: "Swap using offset: 2.0.0 was uploaded to the start of the secondary slot",
    board: () =>
      new DumpBuilder({ mode: "offset" })
        .old()
        .write(0, "secondary", makeImage({ version: NEW }), 0)
        .mark(0).board,
    findings: ["invalid/wrong-upload-address"],
    starts: [OLD, OLD],
  },
  {
    id: "old-trailer",
    title: "Other bytes stand where the secondary trailer has its magic",
    board: () => scratch().old().update("unmarked").patch(0, "secondary", -16, GARBAGE).board,
    findings: ["none/bad-magic"],
    starts: [OLD, OLD],
  },
  {
    id: "trailer-of-other-alignment",
    title: "The trailer was made for BOOT_MAX_ALIGN 16, MCUboot has 8",
    board: () => scratch().old().update("unmarked").patch(0, "secondary", -16, MAGIC_16).board,
    findings: ["none/foreign-magic"],
    starts: [OLD, OLD],
  },
  {
    id: "image-ok-damaged",
    title: "The image_ok byte of a marked update is 0xA5",
    board: () => scratch().old().update().patch(0, "secondary", -24, [0xa5]).board,
    findings: ["none/bad-image-ok"],
    starts: [OLD, OLD],
  },
  {
    id: "marked-without-image",
    title: "The secondary slot is marked but holds no image",
    board: () => scratch().old().mark(0).board,
    findings: ["secondary/empty", "clean/trailer"],
    starts: [OLD, OLD],
  },
  {
    id: "revert-without-image",
    title: "A trial was not confirmed, and the image to go back to was erased",
    board: () => scratch().old().update().boot().blank(0, "secondary").board,
    findings: ["swap/revert", "secondary/empty"],
    starts: [NEW, NEW],
  },
  {
    id: "move-revert-without-image",
    title: "The same in swap using move",
    board: () =>
      new DumpBuilder({ mode: "move" }).old().update().boot().blank(0, "secondary").board,
    findings: ["swap/revert", "secondary/empty"],
    starts: [NEW, NEW],
  },
  {
    id: "too-many-sectors",
    title: "The slots have more sectors than BOOT_MAX_IMG_SECTORS",
    board: () => scratch({ maxImgSectors: 8 }).old().update().board,
    findings: ["slots/too-many-sectors"],
    starts: [null, null],
  },
  {
    id: "unequal-slots",
    title: "The secondary slot is much smaller than the primary one",
    board: () =>
      scratch({ secondarySize: SLOT_SIZE / 2 })
        .old()
        .update().board,
    findings: ["slots/incompatible"],
    starts: [null, null],
  },
  {
    id: "slot-full",
    title: "The image leaves no sector for the trailer (swap using move)",
    board: () =>
      new DumpBuilder({ mode: "move" })
        .old()
        .update("test", { size: SLOT_SIZE - 2 * SECTOR_SIZE - 600 }).board,
    findings: ["invalid/too-large"],
    starts: [OLD, OLD],
  },
  {
    id: "overwrite-on-trial",
    title: "Overwrite mode: 2.0.0 is marked for one trial",
    board: () => new DumpBuilder({ mode: "overwrite" }).old().update().board,
    findings: ["overwrite/test", "update/overwritten"],
    starts: [NEW, NEW],
  },
  {
    id: "overwrite-cut",
    title: "Overwrite mode: power went while the primary slot was written",
    board: () => new DumpBuilder({ mode: "overwrite" }).old().update().boot(12).board,
    findings: ["overwrite/test", "update/overwritten"],
    starts: [NEW, NEW],
  },
  {
    id: "overwrite-older",
    title: "Overwrite mode without downgrade prevention: an older image is marked",
    board: () =>
      new DumpBuilder({ mode: "overwrite" })
        .image(0, "primary", NEW)
        .image(0, "secondary", OLD)
        .mark(0).board,
    findings: ["overwrite/test", "update/overwritten"],
    starts: [OLD, OLD],
  },
];

const GARBAGE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const MAGIC_16 = [
  16, 0, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a,
];
