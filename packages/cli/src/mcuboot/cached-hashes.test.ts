// SPDX-License-Identifier: Apache-2.0
import { digestOf } from "@tandem/base";
import type { Crypto } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { withCachedHashes } from "./cached-hashes.js";

/** Counts the hashes that are really computed. */
function countingCrypto(): { readonly crypto: Crypto; readonly computed: () => number } {
  let count = 0;
  const crypto: Crypto = {
    ...nodeCrypto,
    createHash: (algorithm) => {
      count += 1;
      return nodeCrypto.createHash(algorithm);
    },
  };
  return { crypto, computed: () => count };
}

describe("withCachedHashes", () => {
  it("gives the digests of the original, in any number of pieces, however often", () => {
    const cached = withCachedHashes(nodeCrypto);
    const piece = fc.uint8Array({ maxLength: 4 });
    const algorithm = fc.constantFrom("sha256" as const, "sha512" as const);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 3 }), algorithm, (pieces, name) => {
        const plain = nodeCrypto.createHash(name);
        const hasher = cached.createHash(name);
        for (const bytes of pieces) {
          plain.update(bytes);
          hasher.update(bytes);
        }
        expect(hasher.digest()).toEqual(plain.digest());
      }),
    );
  });

  it("computes each once, and sees a change of one bit in the same memory", () => {
    const { crypto, computed } = countingCrypto();
    const cached = withCachedHashes(crypto);
    const message = new Uint8Array(1000);
    const first = digestOf(cached, message);
    expect(digestOf(cached, message)).toEqual(first);
    expect(computed()).toBe(1);
    message[500] = 1;
    expect(digestOf(cached, message)).toEqual(digestOf(nodeCrypto, message));
    expect(computed()).toBe(2);
    message[500] = 0;
    expect(digestOf(cached, message)).toEqual(first);
    expect(computed()).toBe(2);
  });

  it("keeps the digests that it has, whatever callers do to theirs", () => {
    const cached = withCachedHashes(nodeCrypto);
    const message = new Uint8Array([1, 2, 3]);
    digestOf(cached, message).fill(0);
    digestOf(cached, message).fill(0);
    expect(digestOf(cached, message)).toEqual(digestOf(nodeCrypto, message));
  });
});
