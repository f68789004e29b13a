// SPDX-License-Identifier: Apache-2.0
import { FormatError, hex, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import {
  IMAGE_HEADER_SIZE,
  TLV_INFO_LAYOUT,
  TLV_LAYOUT,
  bytesSource,
  findFwInfo,
  flagNames,
  formatVersion,
  inspectImage,
  parseImage,
  readVectorTable,
  tlvName,
} from "@tandem/image";
import type { Image, ImageContents, ImageProblem, Tlv } from "@tandem/image";

/** One TLV as `image info` shows it. */
interface TlvDescription {
  readonly area: "protected" | "unprotected";
  readonly offset: number;
  readonly type: number;
  readonly name: string;
  readonly length: number;
  /** Hex. */
  readonly value: string;
}

/** What `image info --json` prints. Offsets and sizes are bytes. */
export interface ImageDescription {
  readonly file: string;
  readonly size: number;
  readonly version: string;
  readonly headerSize: number;
  readonly payloadSize: number;
  readonly flags: readonly string[];
  readonly loadAddress: number;
  readonly stackPointer: number | null;
  readonly resetVector: number | null;
  /** The network core's own header; null when there is none. */
  readonly fwInfo: {
    readonly address: number;
    readonly version: number;
    readonly offset: number;
  } | null;
  readonly tlvs: readonly TlvDescription[];
  readonly trailingBytes: number;
  /** Null when nothing but the signature is left to check. */
  readonly problem: ImageProblem | null;
  /** Null when there is a problem. */
  readonly contents: {
    readonly hash: string;
    readonly securityCounter: number | null;
    readonly manifest: readonly string[] | null;
    readonly dependencies: readonly { readonly image: number; readonly minVersion: string }[];
    /** Of header and payload, hex; null when the image carries none. */
    readonly blockDigests: {
      readonly blockBytes: number;
      readonly digests: readonly string[];
    } | null;
  } | null;
}

/**
 * Describes an image, also one whose hash is wrong.
 * @throws {FormatError} image/bad-magic and others, naming the file, when it cannot be taken apart
 */
export function describeImage(bytes: Uint8Array, file: string): ImageDescription {
  const image = parse(bytes, file);
  const inspection = inspectImage(bytesSource(bytes), { crypto: nodeCrypto });
  const vectors = readVectorTable(image.payload);
  const fwInfo = findFwInfo(image.payload);
  return {
    file,
    size: bytes.length,
    version: formatVersion(image.header.version),
    headerSize: image.header.headerSize,
    payloadSize: image.payload.length,
    flags: flagNames(image.header.flags),
    loadAddress: image.header.loadAddress,
    stackPointer: vectors?.stackPointer ?? null,
    resetVector: vectors?.resetVector ?? null,
    fwInfo:
      fwInfo === null
        ? null
        : { address: fwInfo.address, version: fwInfo.version, offset: fwInfo.offsetBytes },
    tlvs: describeTlvs(image),
    trailingBytes: image.trailing.length,
    problem: inspection.ok ? null : inspection.problem,
    contents: inspection.ok ? describeContents(inspection.contents) : null,
  };
}

/** The description for people. */
export function imageText(image: ImageDescription): string {
  const rows: [string, string][] = [
    ["size", `${image.size} bytes`],
    ["version", image.version],
    ["header", `${image.headerSize} bytes`],
    ["payload", `${image.payloadSize} bytes at ${hex(image.headerSize)}`],
  ];
  if (image.resetVector !== null) rows.push(["reset vector", hex(image.resetVector, 8)]);
  if (image.fwInfo !== null) {
    const { address, version, offset } = image.fwInfo;
    rows.push(["fw_info", `version ${version}, address ${hex(address, 8)}, at ${hex(offset)}`]);
  }
  if (image.flags.length > 0) rows.push(["flags", image.flags.join(", ")]);
  if (image.loadAddress !== 0) rows.push(["load address", hex(image.loadAddress, 8)]);
  const { contents } = image;
  rows.push(["hash", contents?.hash ?? image.problem?.message ?? ""]);
  if (contents !== null) {
    rows.push(["security counter", String(contents.securityCounter ?? "none")]);
    for (const [i, hash] of (contents.manifest ?? []).entries()) {
      rows.push([i === 0 ? "manifest" : "", `image ${i + 1}: ${hash}`]);
    }
    for (const { image: index, minVersion } of contents.dependencies) {
      rows.push(["depends on", `image ${index}, at least ${minVersion}`]);
    }
    if (contents.blockDigests !== null) {
      const { blockBytes, digests } = contents.blockDigests;
      rows.push(["block digests", `${digests.length}, one for every ${blockBytes} bytes`]);
    }
  }
  for (const { area, offset, type, name, length } of image.tlvs) {
    rows.push(["TLV", `${hex(offset)}  ${hex(type, 2)} ${name}, ${length} bytes, ${area}`]);
  }
  if (image.trailingBytes > 0) rows.push(["behind it", `${image.trailingBytes} bytes`]);
  return `${image.file}\n${rows.map(([key, value]) => `  ${key.padEnd(17)}${value}\n`).join("")}`;
}

function parse(bytes: Uint8Array, file: string): Image {
  try {
    return parseImage(bytes);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new FormatError(cause.code, `${file}: ${cause.message}`, {
      cause,
      details: { ...cause.details, file },
    });
  }
}

function describeTlvs(image: Image): readonly TlvDescription[] {
  const tlvs: TlvDescription[] = [];
  let offset = IMAGE_HEADER_SIZE + image.headerPadding.length + image.payload.length;
  const addArea = (area: TlvDescription["area"], records: readonly Tlv[]): void => {
    offset += TLV_INFO_LAYOUT.size;
    for (const { type, value } of records) {
      const length = value.length;
      tlvs.push({ area, offset, type, name: tlvName(type), length, value: toHex(value) });
      offset += TLV_LAYOUT.size + length;
    }
  };
  if (image.protectedTlvs.length > 0) addArea("protected", image.protectedTlvs);
  addArea("unprotected", image.tlvs);
  return tlvs;
}

function describeContents(contents: ImageContents): ImageDescription["contents"] {
  const { blockDigests } = contents;
  return {
    hash: toHex(contents.hash),
    securityCounter: contents.securityCounter,
    manifest: contents.manifest?.imageHashes.map(toHex) ?? null,
    dependencies: contents.dependencies.map(({ imageIndex, minVersion }) => ({
      image: imageIndex,
      minVersion: formatVersion(minVersion),
    })),
    blockDigests:
      blockDigests === null
        ? null
        : { blockBytes: blockDigests.blockBytes, digests: blockDigests.digests.map(toHex) },
  };
}
