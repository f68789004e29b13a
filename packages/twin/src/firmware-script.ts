// SPDX-License-Identifier: Apache-2.0

/** How an application image behaves once it is started. */
export type AppScript =
  | { readonly kind: "boots" }
  | { readonly kind: "hangs" }
  | { readonly kind: "crashes"; readonly afterMs: number }
  | { readonly kind: "self-test-fails" };

/** How a network core image behaves once b0n has started it. */
export type NetScript =
  | { readonly kind: "boots" }
  | { readonly kind: "silent" }
  | { readonly kind: "wrong-version" };

/** Behaviours by image hash (lower-case hex). Images that are not listed boot. */
export interface FirmwareScripts {
  readonly app: ReadonlyMap<string, AppScript>;
  readonly net: ReadonlyMap<string, NetScript>;
}

/** Every image boots. */
export const ALL_BOOT: FirmwareScripts = { app: new Map(), net: new Map() };
