// SPDX-License-Identifier: Apache-2.0
import { InternalError, UsageError } from "@tandem/base";
import type { UpdateService } from "@tandem/update";

import type { TransportFault } from "./faults.js";
import type { World } from "./world.js";

/** What brings a release to the application in one session, with at most one fault. */
export class Transport {
  #fault: TransportFault | null;
  #wasUsed = false;

  constructor(fault: TransportFault | null = null) {
    this.#fault = fault;
  }

  /** Something was downloaded. */
  get wasUsed(): boolean {
    return this.#wasUsed;
  }

  /** The next download has a fault. */
  get isAboutToFail(): boolean {
    return this.#fault !== null;
  }

  /** The fault, the first time that anything is downloaded. */
  use(): TransportFault | null {
    this.#wasUsed = true;
    const fault = this.#fault;
    this.#fault = null;
    return fault;
  }
}

/** An image that is not there yet, or not all of it. */
interface Missing {
  readonly index: number;
  readonly image: Uint8Array;
  /** First byte that is missing. */
  readonly from: number;
  /** Some byte behind it. */
  readonly middle: number;
}

/** Downloads what is missing, and has it verified; a refused download is begun again by the caller. */
export function receive(
  world: World,
  service: UpdateService,
  transport: Transport = new Transport(),
): void {
  const missing = firstMissing(world, service);
  if (missing !== null) {
    const fault = transport.use();
    if (fault !== null) suffer(world, service, missing, fault);
    if (service.query().state !== "WRITING") return;
  }
  fetchRest(world, service);
  service.finish();
}

function firstMissing(world: World, service: UpdateService): Missing | null {
  for (const [index, image] of world.next.images.entries()) {
    const from = service.receivedBytes(index);
    if (from >= image.length) continue;
    return { index, image, from, middle: from + Math.ceil((image.length - from) / 2) };
  }
  return null;
}

function fetchRest(world: World, service: UpdateService): void {
  for (const [index, image] of world.next.images.entries())
    fetchImage(world, service, index, image);
}

function fetchImage(
  { geometry }: World,
  service: UpdateService,
  index: number,
  image: Uint8Array,
): void {
  const { fragmentBytes } = geometry;
  for (let at = service.receivedBytes(index); at < image.length; at += fragmentBytes) {
    service.write(index, at, image.subarray(at, at + fragmentBytes));
  }
}

/** What comes of one fault of the transport, up to where the application sees that it was one. */
function suffer(
  world: World,
  service: UpdateService,
  missing: Missing,
  fault: TransportFault,
): void {
  const { index, image, from, middle } = missing;
  if (fault === "other-release") {
    const [other = image] = world.other.images;
    service.start(world.other.manifest);
    service.write(0, service.receivedBytes(0), other.subarray(0, other.length / 2));
    service.start(world.next.manifest);
    return;
  }
  service.write(index, from, image.subarray(from, middle));
  switch (fault) {
    case "dropped":
      return;
    case "truncated":
      expectRefusal("update/incomplete", () => service.finish());
      return;
    case "stale-etag":
      expectRefusal("store/write-offset", () => service.write(index, 0, image.subarray(0, middle)));
      return;
    case "wrong-content": {
      const changed = image.slice();
      changed[middle] = (changed[middle] ?? 0) ^ 1;
      finishWith(world, service, index, changed);
      return;
    }
    case "exchanged": {
      const mixed = image.slice();
      const other = world.other.images[index] ?? image;
      mixed.set(other.subarray(middle, image.length), middle);
      finishWith(world, service, index, mixed);
      return;
    }
    default:
      fault satisfies never;
  }
}

/** Goes on with other bytes for one of the images: they must not be taken. */
function finishWith(world: World, service: UpdateService, index: number, image: Uint8Array): void {
  fetchImage(world, service, index, image);
  fetchRest(world, service);
  if (service.finish().ok) {
    throw new InternalError("explore/transport", `image ${index} was taken with other bytes`);
  }
}

function expectRefusal(code: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (error instanceof UsageError && error.code === code) return;
    throw error;
  }
  throw new InternalError("explore/transport", `expected ${code}`);
}
