// SPDX-License-Identifier: Apache-2.0
export { nodeCrypto } from "./node-crypto.js";
export { threadFlags } from "./thread-flags.js";
