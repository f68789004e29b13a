// SPDX-License-Identifier: Apache-2.0
import { FormatError, hex } from "@tandem/base";
import {
  flagNames,
  hasImageMagic,
  isCompressed,
  isEncrypted,
  looksLikeIntelHex,
  parseImage,
  parseIntelHex,
} from "@tandem/image";
import type { Image } from "@tandem/image";

/** Firmware to make a release of: raw, or taken out of a signed image. */
export interface ReleaseInput {
  /** File name, for messages. */
  readonly name: string;
  /** What the core runs. */
  readonly payload: Uint8Array;
  /** Address of the payload by its HEX file; null when the file does not say. */
  readonly baseAddress: number | null;
  /** The signed image that the payload was in. */
  readonly signed: { readonly image: Image; readonly bytes: Uint8Array } | null;
}

/** Raw firmware that is already in memory. */
export function payloadInput(name: string, payload: Uint8Array): ReleaseInput {
  return { name, payload, baseAddress: null, signed: null };
}

/**
 * Firmware from the bytes of a file: Intel HEX, a signed MCUboot image, or raw; told apart by
 * content.
 * @param options.name file name for messages
 * @throws {FormatError} image/bad-hex; release/empty-input; release/bad-input for a signed image
 * that is malformed, encrypted or compressed
 */
export function parseReleaseInput(
  bytes: Uint8Array,
  options: { readonly name: string },
): ReleaseInput {
  const { name } = options;
  if (bytes.length === 0) {
    throw new FormatError("release/empty-input", `${name}: 0 bytes, expected firmware`, {
      details: { file: name },
    });
  }
  if (!looksLikeIntelHex(bytes)) return binaryInput(name, bytes, null);
  const firmware = parseIntelHex(new TextDecoder("latin1").decode(bytes), { name });
  return binaryInput(name, firmware.bytes, firmware.baseAddress);
}

function binaryInput(name: string, bytes: Uint8Array, base: number | null): ReleaseInput {
  if (!hasImageMagic(bytes)) return { name, payload: bytes, baseAddress: base, signed: null };
  const image = parseSigned(name, bytes);
  const { flags, headerSize } = image.header;
  if (isEncrypted(flags) || isCompressed(flags)) {
    throw new FormatError(
      "release/bad-input",
      `${name}: image header at 0x10: flags ${hex(flags)} (${flagNames(flags).join(", ")}), ` +
        "expected an image that is neither encrypted nor compressed",
      { details: { file: name, offset: 16 } },
    );
  }
  const baseAddress = base === null ? null : base + headerSize;
  return { name, payload: image.payload, baseAddress, signed: { image, bytes } };
}

function parseSigned(name: string, bytes: Uint8Array): Image {
  try {
    return parseImage(bytes);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new FormatError("release/bad-input", `${name}: ${cause.message}`, {
      cause,
      details: { ...cause.details, file: name },
    });
  }
}
