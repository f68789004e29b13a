// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import library from "nrf-intel-hex";

/** The one static method of nrf-intel-hex that is used. */
interface MemoryMapClass {
  fromHex(text: string): Iterable<readonly [number, Uint8Array]>;
}

/**
 * Contiguous blocks of a HEX file by address, ascending.
 * @throws {FormatError} image/bad-hex with the library's own words
 */
export function parseMemoryMap(
  text: string,
  name: string,
): Iterable<readonly [number, Uint8Array]> {
  try {
    return memoryMapClass().fromHex(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError("image/bad-hex", `${name}: ${reason}`, {
      cause,
      details: { file: name },
    });
  }
}

/**
 * The package's types declare a default export, but its CommonJS file exports the class itself
 * and its ES module, which bundlers take, has the default export.
 */
function memoryMapClass(): MemoryMapClass {
  const found: unknown = library;
  const inner: unknown =
    typeof found === "object" && found !== null && "default" in found ? found.default : found;
  // Neither form can be told apart by types; fromHex is the same in both.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return inner as MemoryMapClass;
}
