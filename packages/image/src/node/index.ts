// SPDX-License-Identifier: Apache-2.0
export { generateKeyPem, keyHash, loadPublicKey, loadSigner, signerFromSeed } from "./keys.js";
export type { KeyPem } from "./keys.js";
