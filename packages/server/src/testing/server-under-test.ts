// SPDX-License-Identifier: Apache-2.0
import { createReleaseServer } from "../release-server.js";
import type { ReleaseServer, ReleaseServerOptions, ServerEvent } from "../release-server.js";
import { ReleaseRoot, TLS } from "./release-root.js";

export function failingCheck(): never {
  throw new RangeError("out of bounds");
}

/** Servers over one temporary root, with what they logged. */
export class ServerUnderTest implements AsyncDisposable {
  readonly root: ReleaseRoot;
  readonly events: ServerEvent[] = [];
  readonly #servers: ReleaseServer[] = [];

  private constructor(root: ReleaseRoot) {
    this.root = root;
  }

  static async prepare(): Promise<ServerUnderTest> {
    return new ServerUnderTest(await ReleaseRoot.create());
  }

  async create(changes: Partial<ReleaseServerOptions> = {}): Promise<ReleaseServer> {
    const server = await createReleaseServer({
      root: this.root.path,
      tls: TLS,
      publish: { check: () => [] },
      log: (event) => void this.events.push(event),
      ...changes,
    });
    this.#servers.push(server);
    return server;
  }

  /** The URL of a new server. */
  async start(changes: Partial<ReleaseServerOptions> = {}): Promise<string> {
    return await (await this.create(changes)).listen({ host: "127.0.0.1", port: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map(async (server) => await server.close()));
    await this.root[Symbol.asyncDispose]();
  }
}
