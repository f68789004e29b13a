// SPDX-License-Identifier: Apache-2.0
import { Readable } from "node:stream";

import type { ReleaseServer } from "@tandem/server";

import type { PlannedDrop } from "./story.js";

/** Makes a server drop connections in the middle of the fragments that a plan names. */
export class FlakyConnection {
  #drops: readonly PlannedDrop[] = [];
  #requests = 0;

  /** Begins to count fragment requests anew. */
  plan(drops: readonly PlannedDrop[]): void {
    this.#drops = drops;
    this.#requests = 0;
  }

  attachTo(server: ReleaseServer["app"]): void {
    server.addHook("onSend", (request, _reply, payload, done) => {
      if (request.headers.range === undefined || !(payload instanceof Readable)) {
        done(null, payload);
        return;
      }
      this.#requests += 1;
      const drop = this.#drops.find((planned) => planned.request === this.#requests);
      const socket = request.raw.socket;
      done(
        null,
        drop === undefined
          ? payload
          : Readable.from(cutShort(payload, drop.afterBytes, () => socket.destroy())),
      );
    });
  }
}

/** Yields so many bytes of a stream, then drops the connection. */
export async function* cutShort(
  stream: AsyncIterable<Uint8Array>,
  bytes: number,
  drop: () => void,
): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of stream) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) {
      drop();
      return;
    }
  }
}
