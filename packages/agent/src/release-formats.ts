// SPDX-License-Identifier: Apache-2.0

/** The part of release.json that downloading needs. */
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

/** Header of a dfu_multi_image.bin. */
export interface MultiImageHeader {
  /** Bytes before the first image. */
  readonly headerSize: number;
  readonly images: readonly { readonly id: number; readonly size: number }[];
}

/** The parsers of the release package. */
export interface ReleaseFormats {
  parseReleaseJson(text: string, where: { readonly name: string }): ReleaseManifest;
  parseMultiImageHeader(firstBytes: Uint8Array): MultiImageHeader;
}
