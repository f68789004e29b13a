// SPDX-License-Identifier: Apache-2.0

/** The part of release.json that publishing needs. */
export interface ReleaseManifest {
  readonly format: 1;
  readonly version: string;
  readonly id: string;
  readonly hardware: string;
  readonly securityCounter: number;
  readonly images: readonly {
    readonly index: number;
    readonly core: string;
    readonly file: string;
    readonly size: number;
    readonly sha256: string;
    readonly version: string;
  }[];
  readonly bundle?: { readonly file: string; readonly size: number; readonly sha256: string };
}
