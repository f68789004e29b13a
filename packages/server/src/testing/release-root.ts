// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createRandom } from "@tandem/base";
import type { ReleaseManifest } from "@tandem/release";

/** The agent's certificates for tests; their SOURCE.md tells how they were made. */
export function fixture(name: string): string {
  const directory = new URL("../../../agent/test/fixtures/tls/", import.meta.url);
  return readFileSync(new URL(name, directory), "utf8");
}

export const TLS = { cert: fixture("server.pem"), key: fixture("server-key.pem") };

export const APP = createRandom(1).bytes(5000);
export const NET = createRandom(2).bytes(3000);

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function manifestOf(
  version: string,
  changes: Partial<ReleaseManifest> = {},
): ReleaseManifest {
  const image = (index: number, core: string, file: string, bytes: Uint8Array) => ({
    index,
    core,
    file,
    size: bytes.length,
    sha256: sha256(bytes),
    version,
  });
  return {
    format: 1,
    version,
    id: sha256(Buffer.from(version)),
    hardware: "nrf5340dk",
    securityCounter: 1,
    images: [image(0, "app", "app.bin", APP), image(1, "net", "net.bin", NET)],
    ...changes,
  };
}

/** A directory of releases that is removed at the end. */
export class ReleaseRoot implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<ReleaseRoot> {
    return new ReleaseRoot(await mkdtemp(join(tmpdir(), "tandem-releases-")));
  }

  /** Writes a whole release; `document` in place of its release.json. */
  async add(name: string, manifest: ReleaseManifest, document?: string): Promise<void> {
    await this.write(`${name}/app.bin`, APP);
    await this.write(`${name}/net.bin`, NET);
    await this.write(`${name}/release.json`, document ?? JSON.stringify(manifest));
  }

  async write(file: string, content: Uint8Array | string): Promise<void> {
    const path = join(this.path, file);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One verified HTTPS request; the path is sent as it is. */
export async function ask(
  url: string,
  path: string,
  options: { headers?: Record<string, string>; method?: string } = {},
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const call = { host: hostname, port, path, agent: false, ca: fixture("ca.pem"), ...options };
    request(call, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const status = response.statusCode ?? 0;
        resolve({ status, headers: response.headers, body: Buffer.concat(chunks) });
      });
    })
      .once("error", reject)
      .end();
  });
}
