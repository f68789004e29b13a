// SPDX-License-Identifier: Apache-2.0
import {
  IMAGE_F_COMPRESSED_LZMA2,
  IMAGE_F_ENCRYPTED_AES128,
  IMAGE_F_NON_BOOTABLE,
} from "@tandem/image";

import { DumpBuilder, makeImage } from "./dump-builder.js";
import type { BoardWish, ImageWish } from "./dump-builder.js";
import type { Situation } from "./situation.js";

const NEW = "2.0.0";
const OLD = "1.0.0";

function scratch(wish: Partial<BoardWish> = {}): DumpBuilder {
  return new DumpBuilder({ mode: "scratch", ...wish });
}

/** 1.0.0 runs, and a 2.0.0 with these peculiarities is marked. */
function updateTo(wish: Partial<ImageWish>, board: Partial<BoardWish> = {}): DumpBuilder {
  return scratch(board).old().update("test", wish);
}

/** One image of which something is wrong, and rules that keep good ones out. */
export const IMAGE_SITUATIONS: readonly Situation[] = [
  {
    id: "blank-device",
    title: "Both slots are blank",
    board: () => scratch().board,
    findings: ["primary/empty", "outlook/dead-end"],
    starts: [null, null],
  },
  {
    id: "update-without-primary",
    title: "The primary slot is blank, 2.0.0 is marked",
    board: () => scratch().update().board,
    findings: ["swap/test"],
    starts: [NEW, NEW],
  },
  {
    id: "bootstrap",
    title: "The primary slot is blank, 2.0.0 is not marked, MCUBOOT_BOOTSTRAP",
    board: () => scratch({ bootstrap: true }).update("unmarked").board,
    findings: ["update/bootstrap", "primary/empty-bootstrap"],
    starts: [NEW, NEW],
  },
  {
    id: "bootstrap-without-image",
    title: "The same with a blank secondary slot",
    board: () => scratch({ bootstrap: true }).board,
    findings: ["primary/empty-bootstrap", "outlook/dead-end"],
    starts: [null, null],
  },
  {
    id: "primary-without-header",
    title: "A raw binary was written to the primary slot",
    board: () => scratch().write(0, "primary", RAW_BINARY).board,
    findings: ["invalid/header-magic", "outlook/dead-end"],
    starts: [null, null],
  },
  {
    id: "primary-damaged",
    title: "One bit of the running image flipped",
    board: () => scratch().old().patch(0, "primary", 5000, [0]).board,
    findings: ["invalid/hash-mismatch", "outlook/dead-end"],
    starts: [null, null],
  },
  {
    id: "primary-damaged-unnoticed",
    title: "The same, without MCUBOOT_VALIDATE_PRIMARY_SLOT",
    board: () => scratch({ validatePrimary: false }).old().patch(0, "primary", 5000, [0]).board,
    findings: ["outlook/unverified"],
    starts: [OLD, OLD],
  },
  {
    id: "primary-damaged-with-update",
    title: "The running image is damaged, 2.0.0 is marked for one trial",
    board: () => scratch().old().patch(0, "primary", 5000, [0]).update().board,
    findings: ["swap/test"],
    starts: [NEW, NEW],
  },
  {
    id: "candidate-damaged",
    title: "One bit of the uploaded image flipped",
    board: () => scratch().old().update().patch(0, "secondary", 5000, [0]).board,
    findings: ["invalid/hash-mismatch", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "upload-cut-short",
    title: "The upload ended early, and the update was marked all the same",
    board: () => scratch().old().update().blank(0, "secondary", 0x2000, 0x6000).board,
    findings: ["invalid/bad-tlv-area", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "upload-raw-binary",
    title: "The raw binary was uploaded, not the signed file",
    board: () => scratch().old().write(0, "secondary", RAW_BINARY).mark(0).board,
    findings: ["invalid/header-magic", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "signed-by-stranger",
    title: "2.0.0 was signed with another key",
    board: () => updateTo({ signedBy: "stranger" }).board,
    findings: ["invalid/no-signature", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "image-encrypted",
    title: "2.0.0 is encrypted",
    board: () => updateTo({ flags: IMAGE_F_ENCRYPTED_AES128 }).board,
    findings: ["invalid/encrypted", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "image-compressed",
    title: "2.0.0 is compressed",
    board: () => updateTo({ flags: IMAGE_F_COMPRESSED_LZMA2 }).board,
    findings: ["invalid/compressed", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "image-not-bootable",
    title: "2.0.0 has the flag NON_BOOTABLE",
    board: () => updateTo({ flags: IMAGE_F_NON_BOOTABLE }).board,
    findings: ["invalid/non-bootable"],
    starts: [OLD, OLD],
  },
  {
    id: "vendor-tlv",
    title: "2.0.0 has a vendor's TLV outside the protected area",
    board: () => updateTo({ extraTlvs: [{ type: 0x00a0, value: new Uint8Array(4) }] }).board,
    findings: ["invalid/tlv-not-allowed", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "wrong-slot-address",
    title: "2.0.0 is linked for another address (MCUBOOT_CHECK_HEADER_LOAD_ADDRESS)",
    board: () => updateTo({ loadAddress: 0x80000 }, { imageAddressCheck: "header" }).board,
    findings: ["invalid/address"],
    starts: [OLD, OLD],
  },
  {
    id: "downgrade-by-version",
    title: "An older image is marked, with downgrade prevention by version",
    board: () =>
      scratch({ downgradePrevention: "version" })
        .image(0, "primary", NEW)
        .image(0, "secondary", OLD)
        .mark(0).board,
    findings: ["downgrade/version"],
    starts: [NEW, NEW],
  },
  {
    id: "downgrade-by-counter",
    title: "An image with a lower security counter is marked, with downgrade prevention by counter",
    board: () =>
      scratch({ downgradePrevention: "security-counter" })
        .image(0, "primary", { version: OLD, securityCounter: 5 })
        .update("test", { securityCounter: 4 }).board,
    findings: ["downgrade/security-counter"],
    starts: [OLD, OLD],
  },
  {
    id: "overwrite-downgrade",
    title: "Overwrite mode with downgrade prevention: an older image is marked",
    board: () =>
      new DumpBuilder({ mode: "overwrite", downgradePrevention: "version" })
        .image(0, "primary", NEW)
        .image(0, "secondary", OLD)
        .mark(0).board,
    findings: ["downgrade/version"],
    starts: [NEW, NEW],
  },
  {
    id: "counter-too-low",
    title: "The device's security counter is above that of 2.0.0",
    board: () =>
      scratch({ securityCounters: [7] })
        .image(0, "primary", { version: OLD, securityCounter: 7 })
        .update("test", { securityCounter: 6 }).board,
    findings: ["invalid/security-counter-too-low", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "counter-missing",
    title: "2.0.0 has no security counter, MCUboot demands one",
    board: () =>
      scratch({ securityCounters: [1] })
        .image(0, "primary", { version: OLD, securityCounter: 1 })
        .update("test").board,
    findings: ["invalid/no-security-counter", "clean/slot"],
    starts: [OLD, OLD],
  },
  {
    id: "counter-on-trial",
    title: "2.0.0 with a higher security counter is marked for one trial",
    board: () =>
      scratch({ securityCounters: [1] })
        .image(0, "primary", { version: OLD, securityCounter: 1 })
        .update("test", { securityCounter: 2 }).board,
    findings: ["counter/waits", "swap/test"],
    starts: [NEW, OLD],
  },
  {
    id: "counter-bars-old-image",
    title: "The counter rose before a revert: the old image is below it",
    board: () =>
      scratch({ securityCounters: [2] })
        .image(0, "primary", { version: OLD, securityCounter: 1 })
        .update("unmarked", { securityCounter: 2 }).board,
    findings: ["invalid/security-counter-too-low", "outlook/dead-end"],
    starts: [null, null],
  },
  {
    id: "single-slot",
    title: "Single slot: a signed image",
    board: () => new DumpBuilder({ mode: "single" }).old().board,
    findings: ["valid/primary"],
    starts: [OLD, OLD],
  },
  {
    id: "single-slot-damaged",
    title: "Single slot: the image is damaged",
    board: () => new DumpBuilder({ mode: "single" }).old().patch(0, "primary", 5000, [0]).board,
    findings: ["invalid/hash-mismatch", "outlook/dead-end"],
    starts: [null, null],
  },
];

/** What the build makes before it is signed: no header. No bit of it looks like NON_BOOTABLE. */
const RAW_BINARY = makeImage({ version: NEW }).subarray(512).with(16, 0);
