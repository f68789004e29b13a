// SPDX-License-Identifier: Apache-2.0
export { bytesEqual, concatBytes, fromHex, hex, isErased, toHex } from "./bytes.js";
export { crc32c } from "./crc32c.js";
export { digestOf } from "./crypto.js";
export type { Crypto, Hasher, HashAlgorithm, KeyType, PublicKey, Signer } from "./crypto.js";
export {
  FormatError,
  InternalError,
  PeerError,
  TandemError,
  TimeoutError,
  TransportError,
  UsageError,
} from "./errors.js";
export { array, bytes, struct, u16, u32, u64, u8 } from "./layout.js";
export type { Layout, LayoutField, StructLayout } from "./layout.js";
export { createRandom } from "./random.js";
export type { Random } from "./random.js";
