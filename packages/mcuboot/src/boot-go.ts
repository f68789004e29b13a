// SPDX-License-Identifier: Apache-2.0
import type { BootOptions } from "./boot-options.js";
import type { BootResult, BootStep, ImageDecision } from "./boot-result.js";
import { BootStop } from "./boot-stop.js";
import { FihResult } from "./hooks.js";
import { createLoaderState, tell } from "./loader-state.js";
import type { LoaderSlot, LoaderState } from "./loader-state.js";
import { upgradeBootGo } from "./loader.js";
import { singleBootGo } from "./single-loader.js";
import { swapTypeName } from "./swap-types.js";
import { xipBootGo } from "./xip-loader.js";

/**
 * One boot of MCUboot 2.4: finishes a swap that was cut, decides per image what to do, does it,
 * validates what is to start. The same flash writes and erases in the same order as the C code
 * (copy buffer 1,024 bytes, as built for Zephyr and for the simulator), so that a cut before
 * operation N means the same in both.
 *
 * Lets pass what flash and hooks throw: `PowerLoss`, a reset.
 * @throws {UsageError} mcuboot/config, mcuboot/unsupported-mode, mcuboot/slots
 * @see MCUboot, boot/zephyr/main.c, boot/bootutil/src/loader.c (boot_go, context_boot_go)
 */
export function bootGo(options: BootOptions): BootResult {
  const state = createLoaderState(options);
  if (state.hooks.boot_go_hook?.() === FihResult.FIH_FAILURE) {
    tell(state, 0, "boot_go_hook", { reason: "refused-by-boot-go-hook" });
    return ends(state);
  }
  try {
    const slot = contextBootGo(state);
    return slot === null ? ends(state) : starts(state, slot);
  } catch (error) {
    if (!(error instanceof BootStop)) throw error;
    const reason = error.kind === "assert" ? "assertion" : "hang";
    tell(state, state.current, error.where, { reason, what: error.what });
    return ends(state);
  }
}

/** `context_boot_go` of the build; null when nothing may start. */
function contextBootGo(state: LoaderState): LoaderSlot | null {
  const { mode } = state.config;
  switch (mode) {
    case "single":
      return singleBootGo(state);
    case "overwrite":
    case "scratch":
    case "move":
    case "offset":
      return upgradeBootGo(state);
    case "direct-xip":
    case "direct-xip-revert":
      return xipBootGo(state);
    default:
      return mode satisfies never;
  }
}

/** `fill_rsp`. */
function starts(state: LoaderState, { slot, area, header }: LoaderSlot): BootResult {
  const name = slot === 0 ? "primary" : "secondary";
  return {
    kind: "boot",
    slot: name,
    area,
    header,
    decisions: decisions(state),
    steps: state.steps,
  };
}

function ends(state: LoaderState): BootResult {
  const { steps } = state;
  const nothing: BootStep = { image: 0, source: "boot_go", reason: "no-slot" };
  return { kind: "none", why: steps.at(-1) ?? nothing, decisions: decisions(state), steps };
}

function decisions({ images }: LoaderState): readonly ImageDecision[] {
  return images.map(({ index, requested, decided, resumed }) => ({
    image: index,
    requested: requested === null ? null : swapTypeName(requested),
    decided: swapTypeName(decided),
    resumed: resumed === null ? null : swapTypeName(resumed),
  }));
}
