// SPDX-License-Identifier: Apache-2.0
import { InternalError, createRandom, digestOf, toHex } from "@tandem/base";
import type { Signer } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { bytesSource, inspectImage } from "@tandem/image";
import { signerFromSeed } from "@tandem/image/node";
import { buildRelease, generatePayloads, payloadInput, withBundle } from "@tandem/release";
import type { LinkProblem, Release, ReleaseInput, ReleaseManifest } from "@tandem/release";
import type { AppScript, FirmwareScripts, NetScript } from "@tandem/twin";

import { FACTORY_RELEASE, STORY } from "./story.js";
import type { StoryStep } from "./story.js";

/** One release of the story, with its images in order. */
interface DemoRelease extends Release {
  readonly images: readonly Uint8Array[];
  readonly app: AppScript;
  readonly net: NetScript;
}

/** The releases of the story by version. */
export type DemoReleases = ReadonlyMap<string, DemoRelease>;

export interface DemoReleaseOptions {
  readonly seed: number;
  readonly signer: Signer;
  /** Firmware that takes the place of the generated payloads of 1.1.0. */
  readonly app: ReleaseInput | null;
  readonly net: ReleaseInput | null;
  readonly unlinked: boolean;
  readonly onWarning: (problem: LinkProblem) => void;
}

/** The release that one's own firmware is shipped in. */
const OWN_FIRMWARE_RELEASE = "1.1.0";

/**
 * Builds and signs every release of the story.
 * @throws {FormatError} release/link when firmware that was given does not fit its core
 */
export function buildDemoReleases(options: DemoReleaseOptions): DemoReleases {
  const releases = new Map<string, DemoRelease>();
  const factory = { ...FACTORY_RELEASE, release: FACTORY_RELEASE.version };
  for (const step of [factory, ...STORY]) {
    if (!releases.has(step.release)) releases.set(step.release, buildOne(step, options));
  }
  return releases;
}

/** How the images of all releases behave, by image hash. */
export function scriptsOf(releases: DemoReleases): FirmwareScripts {
  const app = new Map<string, AppScript>();
  const net = new Map<string, NetScript>();
  for (const release of releases.values()) {
    const [appHash = "", netHash = ""] = release.images.map(hashOf);
    app.set(appHash, release.app);
    net.set(netHash, release.net);
  }
  return { app, net };
}

type StepRelease = Pick<StoryStep, "release" | "securityCounter"> &
  Partial<Pick<StoryStep, "app" | "net" | "isNetSignatureWrong">>;

function buildOne(step: StepRelease, options: DemoReleaseOptions): DemoRelease {
  const generated = generatePayloads(options.seed, { version: step.release, crypto: nodeCrypto });
  const isOwn = step.release === OWN_FIRMWARE_RELEASE;
  const own = isOwn ? options : { app: null, net: null };
  const built = buildRelease({
    app: own.app ?? payloadInput("generated app", generated.app),
    net: own.net ?? payloadInput("generated net", generated.net),
    version: step.release,
    securityCounter: step.securityCounter,
    signer: options.signer,
    crypto: nodeCrypto,
    unlinked: options.unlinked,
  });
  built.warnings.forEach(options.onWarning);
  const files = new Map(built.files);
  let manifest = built.manifest;
  if (step.isNetSignatureWrong === true) manifest = spoilNetSignature(manifest, files);
  const release = withBundle({ manifest, files }, nodeCrypto);
  return {
    ...release,
    images: manifest.images.map((image) => files.get(image.file) ?? new Uint8Array(0)),
    app: step.app ?? { kind: "boots" },
    net: step.net ?? { kind: "boots" },
  };
}

/** Flips a bit in the last TLV of the network image, which is its signature. */
function spoilNetSignature(
  manifest: ReleaseManifest,
  files: Map<string, Uint8Array>,
): ReleaseManifest {
  const entry = manifest.images[1];
  const bytes = files.get(entry?.file ?? "")?.slice();
  if (entry === undefined || bytes === undefined) {
    throw new InternalError("demo/no-net-image", "the release has no network core image");
  }
  const last = bytes.length - 5;
  bytes[last] = (bytes[last] ?? 0) ^ 0x01;
  files.set(entry.file, bytes);
  const sha256 = toHex(digestOf(nodeCrypto, bytes));
  const images = manifest.images.map((image, i) => (i === 1 ? { ...image, sha256 } : image));
  return { ...manifest, images };
}

function hashOf(image: Uint8Array): string {
  const inspected = inspectImage(bytesSource(image), { crypto: nodeCrypto });
  return inspected.ok ? toHex(inspected.contents.hash) : "";
}

/** The key that signs the story unless one is given: made from the seed, so runs repeat. */
export function demoSigner(seed: number): Signer {
  return signerFromSeed(createRandom(seed).bytes(32));
}
