// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { BOOT_MODES, resolveBootConfig } from "../boot-config.js";
import type { BootMode } from "../boot-config.js";
import type { BootReason } from "../boot-result.js";
import { BOOT_SWAP_TYPE_NONE } from "../swap-types.js";
import type { SwapState } from "../trailer.js";
import { explainStep } from "./explain-step.js";
import type { Finding } from "./finding.js";
import type { SlotFacts } from "./slot-facts.js";
import type { StepContext } from "./step-context.js";

const BLANK: SwapState = {
  magic: "unset",
  swapType: BOOT_SWAP_TYPE_NONE,
  copyDone: "unset",
  imageOk: "unset",
  imageNum: 0,
};

/** One of each; a reason that is missing here does not compile. */
const SAMPLES: { readonly [R in BootReason["reason"]]: Extract<BootReason, { reason: R }> } = {
  "swap-type": {
    reason: "swap-type",
    swapType: "test",
    primary: BLANK,
    secondary: { ...BLANK, magic: "good" },
    hooked: false,
  },
  "status-source": { reason: "status-source", status: "scratch" },
  resumed: { reason: "resumed", swapType: "test", idx: 3, state: 2, op: "swap" },
  "swap-type-from-status": { reason: "swap-type-from-status", swapType: "test" },
  "slots-incompatible": { reason: "slots-incompatible", why: "scratch-too-small" },
  "headers-unreadable": { reason: "headers-unreadable" },
  "slot-empty": { reason: "slot-empty", slot: "primary" },
  "not-bootable": { reason: "not-bootable", slot: "primary" },
  "image-valid": { reason: "image-valid", slot: "primary", hooked: true },
  "image-invalid": { reason: "image-invalid", slot: "primary", why: "hash-mismatch" },
  "trailer-erased": { reason: "trailer-erased", slot: "primary" },
  "slot-erased": { reason: "slot-erased", slot: "secondary" },
  "downgrade-refused": {
    reason: "downgrade-refused",
    by: "version",
    primary: "2.0.0",
    secondary: "1.0.0",
  },
  "wrong-image-address": { reason: "wrong-image-address", found: 0x8000, from: 0, to: 0x4000 },
  "revert-reviewed": { reason: "revert-reviewed", reviewed: 0 },
  bootstrap: { reason: "bootstrap" },
  "dependency-unmet": {
    reason: "dependency-unmet",
    slot: "secondary",
    needs: { image: 1, atLeast: "2.0.0" },
    found: "1.0.0",
  },
  "dependencies-unreadable": { reason: "dependencies-unreadable", slot: "secondary" },
  decided: { reason: "decided", swapType: "perm" },
  "no-room": { reason: "no-room", needed: 12, available: 11 },
  "updated-by-hook": { reason: "updated-by-hook" },
  overwritten: { reason: "overwritten", size: 4096 },
  swapped: { reason: "swapped", size: 4096 },
  marked: { reason: "marked", flag: "copy_done", slot: "primary" },
  "security-counter-updated": { reason: "security-counter-updated", counter: 7 },
  "security-counter-failed": { reason: "security-counter-failed" },
  "security-counter-waits": { reason: "security-counter-waits" },
  "slot-tried": { reason: "slot-tried", slot: "primary", version: "1.0.0" },
  "slot-wrong-address": { reason: "slot-wrong-address", slot: "primary", found: 0x8000 },
  "slot-unconfirmed": { reason: "slot-unconfirmed", slot: "primary", state: BLANK },
  "no-slot": { reason: "no-slot" },
  "primary-bad-magic": { reason: "primary-bad-magic", found: 0 },
  "refused-by-boot-go-hook": { reason: "refused-by-boot-go-hook" },
  assertion: { reason: "assertion", what: "a swap has a size" },
  hang: { reason: "hang", what: "waits for the network core" },
};

function context(mode: BootMode, slots: readonly SlotFacts[] = []): StepContext {
  return { config: resolveBootConfig({ mode }), hasKeys: true, slots };
}

function explain(reason: BootReason, mode: BootMode = "scratch"): Finding {
  return explainStep({ image: 0, source: "boot_validate_slot", ...reason }, context(mode));
}

describe("explainStep", () => {
  it.each(Object.values(SAMPLES))("tells what and why of $reason, in every mode", (sample) => {
    for (const mode of BOOT_MODES) {
      const { id, does, why, where, change } = explain(sample, mode);
      expect(id).toMatch(/^[a-z]+\/[a-z_-]+$/);
      expect(where).toBe("boot_validate_slot (loader.c)");
      for (const text of [does, why, change ?? "nothing"]) {
        expect(text).toMatch(/^[^\s].*[^.\s]$/);
        expect(text).not.toMatch(/undefined|null|NaN|\[object/);
      }
    }
  });

  it("names the file of what each kind of swap does in its own way", () => {
    const step = { image: 0, source: "swap_run", ...SAMPLES.swapped };
    expect(explainStep(step, context("move")).where).toBe("swap_run (swap_move.c)");
    expect(explainStep(step, context("scratch")).where).toBe("swap_run (swap_scratch.c)");
  });

  it("gives the numbers that decide", () => {
    expect(explain(SAMPLES["no-room"]).why).toBe("the swap needs 12 sectors, 11 are there");
    expect(explain(SAMPLES["wrong-image-address"]).why).toContain("0x8000");
    expect(explain(SAMPLES["dependency-unmet"]).why).toContain("image 1 at 2.0.0 or above");
    const tooLarge = { why: "too-large", expected: 100, found: 200 } as const;
    const step = { ...SAMPLES["image-invalid"], ...tooLarge };
    expect(explain(step).why).toContain("(expected 100, found 200)");
  });

  it("tells a trial that overwrite mode cannot take back from one that can", () => {
    expect(explain(SAMPLES["swap-type"], "overwrite").id).toBe("overwrite/test");
    expect(explain(SAMPLES["swap-type"], "move").id).toBe("swap/test");
  });
});
