// SPDX-License-Identifier: Apache-2.0

/**
 * How an application image behaves once it is started. What ends it (a hang, a lockup, a reset of
 * its own) comes `afterMs`, at once by default; until then it feeds the watchdog.
 */
export type AppScript =
  | { readonly kind: "boots" }
  | { readonly kind: "hangs" | "crashes" | "resets"; readonly afterMs?: number }
  | { readonly kind: "self-test-fails" }
  /** Accepts itself without any self-test, then locks up. */
  | { readonly kind: "accepts-then-crashes" };

/**
 * How a network core image behaves: `silent` and `wrong-version` once b0n has started it;
 * `refused` and `busy` are b0n's own, when it is asked to copy the image: it answers FAIL, or
 * never gets done.
 */
export interface NetScript {
  readonly kind: "boots" | "silent" | "wrong-version" | "refused" | "busy";
}

/** Behaviours by image hash (lower-case hex). Images that are not listed boot. */
export interface FirmwareScripts {
  readonly app: Pick<ReadonlyMap<string, AppScript>, "get">;
  readonly net: Pick<ReadonlyMap<string, NetScript>, "get">;
}

/** Every image boots. */
export const ALL_BOOT: FirmwareScripts = { app: new Map(), net: new Map() };
