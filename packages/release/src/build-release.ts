// SPDX-License-Identifier: Apache-2.0
import { FormatError, UsageError, digestOf, toHex } from "@tandem/base";
import type { Crypto, Signer } from "@tandem/base";
import {
  IMAGE_TLV_UUID_CID,
  IMAGE_TLV_UUID_VID,
  TANDEM_TLV_BLOCK_DIGESTS,
  bytesSource,
  inspectImage,
  isBlockDigests,
  parseVersion,
  signImage,
} from "@tandem/image";
import type { Tlv } from "@tandem/image";

import { checkLinks } from "./check-links.js";
import type { LinkProblem } from "./check-links.js";
import { describeRelease } from "./describe-release.js";
import type { SignedFile } from "./describe-release.js";
import { NRF5340_LAYOUT } from "./layout.js";
import type { CoreLayout } from "./layout.js";
import { encodeMultiImage } from "./multi-image.js";
import type { ReleaseInput } from "./release-input.js";
import { MAX_IMAGES } from "./release-json.js";
import type { ReleaseManifest } from "./release-json.js";

/** MCUboot's header as NCS pads it, bytes. */
export const DEFAULT_HEADER_SIZE = 0x200;

/** Name of the bundle in a release directory, as NCS calls it. */
export const BUNDLE_FILE = "dfu_multi_image.bin";

/** Hardware that a release is for unless told otherwise: the development kit. */
export const DEFAULT_HARDWARE = "nrf5340dk";

/** A release in memory. */
export interface Release {
  readonly manifest: ReleaseManifest;
  /** Image files, and the bundle if there is one, by name; without release.json. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A release that was just built. */
export interface BuiltRelease extends Release {
  /** Link problems that `unlinked` allowed. */
  readonly warnings: readonly LinkProblem[];
}

interface BuildOptions {
  /** `major.minor.revision[+build]`, for the release and for every image that is signed. */
  readonly version: string;
  /** 32 bits; goes into every image. */
  readonly securityCounter: number;
  readonly crypto: Crypto;
  /** Null: the inputs are signed images that already form a set, and are kept as they are. */
  readonly signer: Signer | null;
  /** Default {@link DEFAULT_HARDWARE}. */
  readonly hardware?: string;
  /** Header of images that were not signed before; default {@link DEFAULT_HEADER_SIZE}. */
  readonly headerSize?: number;
  /** Default {@link NRF5340_LAYOUT}. */
  readonly layout?: readonly CoreLayout[];
  /** Turns wrong link addresses and missing fw_info into warnings. */
  readonly unlinked?: boolean;
  /**
   * Sign digests of the images' blocks with them, by which lost bytes are judged that were
   * downloaded again. Default true; images that are kept as they are have what they have.
   */
  readonly blockDigests?: boolean;
}

export interface BuildReleaseOptions extends BuildOptions {
  readonly app: ReleaseInput;
  readonly net: ReleaseInput;
}

export interface BuildImagesOptions extends BuildOptions {
  /** 1 to 4, by index; image 0 carries the manifest. */
  readonly images: readonly { readonly core: string; readonly input: ReleaseInput }[];
}

/**
 * A release for the nRF5340: the network core's image is signed first, then its hash goes into
 * the manifest TLV of the application core's image, so that one signature covers both.
 * @throws {FormatError} release/link when firmware does not fit its core
 * @throws {UsageError} release/no-key when the inputs have to be signed and there is no signer
 */
export function buildRelease(options: BuildReleaseOptions): BuiltRelease {
  const { app, net, ...rest } = options;
  return buildReleaseOf({
    ...rest,
    images: [
      { core: "app", input: app },
      { core: "net", input: net },
    ],
  });
}

/**
 * As {@link buildRelease}, for any set of one to four images.
 * @throws {FormatError} release/link, release/kept-set
 * @throws {UsageError} release/no-key, release/image-count
 */
export function buildReleaseOf(options: BuildImagesOptions): BuiltRelease {
  const { images, crypto } = options;
  if (images.length === 0 || images.length > MAX_IMAGES) {
    const found = `${images.length} images`;
    throw new UsageError("release/image-count", `${found}, expected 1 to ${MAX_IMAGES}`);
  }
  const layout = options.layout ?? NRF5340_LAYOUT;
  refuseProblems(linkProblems(options, layout, null), options.unlinked === true);
  const signed =
    options.signer === null ? keepImages(options) : signImages(options, options.signer);
  const problems = linkProblems(options, layout, signed);
  refuseProblems(problems, options.unlinked === true);
  const manifest = describeRelease(signed, {
    crypto,
    hardware: options.hardware ?? DEFAULT_HARDWARE,
    version: options.version,
  });
  if (manifest.securityCounter !== options.securityCounter) {
    throw new FormatError(
      "release/kept-set",
      `security counter ${manifest.securityCounter} in the signed images, ` +
        `expected ${options.securityCounter} as asked for`,
    );
  }
  return {
    manifest,
    files: new Map(signed.map(({ file, bytes }) => [file, bytes])),
    warnings: problems,
  };
}

/** The release with all its images in one more file, listed as its bundle. */
export function withBundle(release: Release, crypto: Crypto, file: string = BUNDLE_FILE): Release {
  const parts = release.manifest.images.map((image) => ({
    id: image.index,
    bytes: release.files.get(image.file) ?? new Uint8Array(0),
  }));
  const bytes = encodeMultiImage(parts);
  const bundle = { file, size: bytes.length, sha256: toHex(digestOf(crypto, bytes)) };
  return {
    manifest: { ...release.manifest, bundle },
    files: new Map([...release.files, [file, bytes]]),
  };
}

function signImages(options: BuildImagesOptions, signer: Signer): readonly SignedFile[] {
  const hashes: Uint8Array[] = [];
  const files: SignedFile[] = [];
  for (const [index, { core, input }] of [...options.images.entries()].toReversed()) {
    const isCarrier = index === 0 && options.images.length > 1;
    const bytes = signImage({
      payload: input.payload,
      version: parseVersion(options.version),
      headerSize: headerSizeOf(input, options),
      signer,
      crypto: options.crypto,
      securityCounter: options.securityCounter,
      blockDigests: options.blockDigests ?? true,
      ...placeOf(input),
      ...(isCarrier ? { manifest: { format: 1, imageHashes: hashes.toReversed() } } : {}),
      extraProtectedTlvs: keptTlvs(input),
    });
    hashes.push(imageHash(bytes, input.name, options.crypto));
    files.push({ core, file: `${core}.bin`, bytes });
  }
  return files.toReversed();
}

function keepImages(options: BuildImagesOptions): readonly SignedFile[] {
  return options.images.map(({ core, input }) => {
    if (input.signed === null) {
      throw new UsageError(
        "release/no-key",
        `${input.name}: not signed, expected a key to sign it`,
      );
    }
    const { image, bytes } = input.signed;
    // A file padded to its slot would not be the image that its digest is of elsewhere.
    const end = bytes.length - image.trailing.length;
    return { core, file: `${core}.bin`, bytes: bytes.slice(0, end) };
  });
}

/** The firmware is linked for the header that it had. */
function headerSizeOf(input: ReleaseInput, options: BuildImagesOptions): number {
  return input.signed?.image.header.headerSize ?? options.headerSize ?? DEFAULT_HEADER_SIZE;
}

function placeOf(input: ReleaseInput): { readonly loadAddress?: number; readonly flags?: number } {
  if (input.signed === null) return {};
  const { loadAddress, flags } = input.signed.image.header;
  return { loadAddress, flags };
}

/**
 * What survives signing again: identifiers and vendors' own TLVs. Counter, manifest and block
 * digests are set anew; dependencies belong to the set that the image came from.
 */
function keptTlvs(input: ReleaseInput): readonly Tlv[] {
  const tlvs = input.signed?.image.protectedTlvs ?? [];
  return tlvs.filter(
    ({ type, value }) =>
      type === IMAGE_TLV_UUID_VID ||
      type === IMAGE_TLV_UUID_CID ||
      ((type & 0xff) >= 0xa0 && !(type === TANDEM_TLV_BLOCK_DIGESTS && isBlockDigests(value))),
  );
}

function imageHash(bytes: Uint8Array, name: string, crypto: Crypto): Uint8Array {
  const inspection = inspectImage(bytesSource(bytes), { crypto });
  if (inspection.ok) return inspection.contents.hash;
  throw new FormatError("release/bad-input", `${name}: ${inspection.problem.message}`);
}

function linkProblems(
  options: BuildImagesOptions,
  layout: readonly CoreLayout[],
  signed: readonly SignedFile[] | null,
): readonly LinkProblem[] {
  const firmware = options.images.map(({ input }, index) => ({
    name: input.name,
    payload: input.payload,
    baseAddress: input.baseAddress,
    headerSize: headerSizeOf(input, options),
    imageBytes: signed?.[index]?.bytes.length ?? null,
  }));
  return checkLinks(firmware, layout, options.crypto);
}

/** What does not fit its slot can never be installed, linked or not. */
function refuseProblems(problems: readonly LinkProblem[], unlinked: boolean): void {
  const refused = problems.filter(({ code }) => !unlinked || code === "too-large");
  const first = refused[0];
  if (first === undefined) return;
  throw new FormatError("release/link", refused.map(({ message }) => message).join("; "), {
    details: { problems: refused },
  });
}
