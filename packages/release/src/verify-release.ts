// SPDX-License-Identifier: Apache-2.0
import { bytesEqual, fromHex, hex, toHex } from "@tandem/base";
import type { Crypto, PublicKey } from "@tandem/base";
import { formatVersion, verifyImage } from "@tandem/image";
import type { ImageFacts, ImageProblem, ImageSource } from "@tandem/image";

import { checkBinding } from "./binding.js";
import type { ReleaseImage, ReleaseManifest } from "./release-json.js";

/**
 * What can be wrong with a release:
 * - `missing`: there is no source for the image
 * - `size`: the file is larger or smaller than release.json says
 * - `file-digest`: the file is another than release.json says
 * - `image`: the image is not whole and genuine; `problem` says why
 * - `security-counter`: not that of release.json
 * - `version`: not that of release.json
 * - `manifest-binding`: the images are not one set
 * - `release-id`: release.json's id is not the hash of image 0
 */
export type FindingCode =
  | "missing"
  | "size"
  | "file-digest"
  | "image"
  | "security-counter"
  | "version"
  | "manifest-binding"
  | "release-id";

export interface Finding {
  readonly code: FindingCode;
  /** Index of the image; null when it is about the whole release. */
  readonly image: number | null;
  /** What, expected and found; begins with the file name. */
  readonly message: string;
  /** For `image`. */
  readonly problem?: ImageProblem;
}

/** Everything that is wrong, and the facts of the images when nothing is. */
export interface ReleaseVerdict {
  readonly findings: readonly Finding[];
  /** By index; complete only without findings. */
  readonly facts: readonly ImageFacts[];
}

/**
 * Verifies a release from its files, each read once.
 * @param sources by image index
 */
export function verifyRelease(
  manifest: ReleaseManifest,
  sources: readonly ImageSource[],
  options: { readonly crypto: Crypto; readonly keys: readonly PublicKey[] },
): ReleaseVerdict {
  const findings: Finding[] = [];
  const facts: ImageFacts[] = [];
  for (const image of manifest.images) {
    const found = verifyOne(manifest, image, sources[image.index], options);
    findings.push(...found.findings);
    if (found.facts !== null) facts.push(found.facts);
  }
  if (facts.length !== manifest.images.length) return { findings, facts };
  const unbound = checkBinding(facts);
  if (unbound !== null) {
    findings.push({ code: "manifest-binding", image: unbound.image, message: unbound.message });
  }
  const id = toHex(facts[0]?.hash ?? new Uint8Array(0));
  if (id !== manifest.id) {
    const message = `id ${manifest.id}, expected ${id} as the hash of image 0`;
    findings.push({ code: "release-id", image: null, message });
  }
  return { findings, facts };
}

function verifyOne(
  manifest: ReleaseManifest,
  image: ReleaseImage,
  source: ImageSource | undefined,
  options: { readonly crypto: Crypto; readonly keys: readonly PublicKey[] },
): { readonly findings: readonly Finding[]; readonly facts: ImageFacts | null } {
  const findings: Finding[] = [];
  const add = (code: FindingCode, message: string, problem?: ImageProblem): void => {
    const finding = { code, image: image.index, message: `${image.file}: ${message}` };
    findings.push(problem === undefined ? finding : { ...finding, problem });
  };
  if (source === undefined) {
    add("missing", "no file, expected one");
    return { findings, facts: null };
  }
  if (source.size !== image.size) {
    add("size", `${source.size} bytes, expected ${image.size}`);
    return { findings, facts: null };
  }
  const verdict = verifyImage(source, { ...options, wholeFile: true, exactSize: true });
  if (!verdict.ok) {
    add("image", verdict.problem.message, verdict.problem);
    return { findings, facts: null };
  }
  const { facts } = verdict;
  const digest = facts.fileDigest ?? new Uint8Array(0);
  if (!bytesEqual(digest, fromHex(image.sha256))) {
    add("file-digest", `SHA-256 ${toHex(digest)}, expected ${image.sha256}`);
  }
  if (facts.securityCounter !== manifest.securityCounter) {
    const found = facts.securityCounter === null ? "missing" : hex(facts.securityCounter);
    add("security-counter", `security counter ${found}, expected ${hex(manifest.securityCounter)}`);
  }
  const version = formatVersion(facts.header.version);
  if (version !== image.version) add("version", `version ${version}, expected ${image.version}`);
  return { findings, facts };
}
