// SPDX-License-Identifier: Apache-2.0
import { toHex } from "@tandem/base";
import type { Crypto, PublicKey } from "@tandem/base";
import { formatVersion, inspectImage, verifyImage } from "@tandem/image";
import type { ImageContents, ImageFacts, ImageProblem, ImageSource } from "@tandem/image";

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

/** Everything that is wrong, and what the images say of themselves. */
export interface ReleaseVerdict<T extends ImageContents = ImageFacts> {
  readonly findings: readonly Finding[];
  /** Of the images that could be read, in ascending order; of all when nothing is wrong. */
  readonly facts: readonly T[];
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
  return examine(manifest, sources, (source) => {
    const verdict = verifyImage(source, { ...options, wholeFile: true, exactSize: true });
    return verdict.ok ? verdict.facts : verdict.problem;
  });
}

/**
 * As {@link verifyRelease} but for the signatures: to look at a release without its key. Says
 * nothing of where the release comes from.
 */
export function inspectRelease(
  manifest: ReleaseManifest,
  sources: readonly ImageSource[],
  options: { readonly crypto: Crypto },
): ReleaseVerdict<ImageContents> {
  return examine(manifest, sources, (source) => {
    const verdict = inspectImage(source, { ...options, wholeFile: true, exactSize: true });
    return verdict.ok ? verdict.contents : verdict.problem;
  });
}

type Examination<T> = (source: ImageSource) => T | ImageProblem;

function examine<T extends ImageContents>(
  manifest: ReleaseManifest,
  sources: readonly ImageSource[],
  read: Examination<T>,
): ReleaseVerdict<T> {
  const findings: Finding[] = [];
  const facts: T[] = [];
  for (const image of manifest.images) {
    const found = examineImage(manifest, image, sources[image.index], read);
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

function examineImage<T extends ImageContents>(
  manifest: ReleaseManifest,
  image: ReleaseImage,
  source: ImageSource | undefined,
  read: Examination<T>,
): { readonly findings: readonly Finding[]; readonly facts: T | null } {
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
  const facts = read(source);
  if ("code" in facts) {
    add("image", facts.message, facts);
    return { findings, facts: null };
  }
  const digest = facts.fileDigest ?? new Uint8Array(0);
  if (toHex(digest) !== image.sha256) {
    add("file-digest", `SHA-256 ${toHex(digest)}, expected ${image.sha256}`);
  }
  if (facts.securityCounter !== manifest.securityCounter) {
    const found = facts.securityCounter ?? "missing";
    add("security-counter", `security counter ${found}, expected ${manifest.securityCounter}`);
  }
  const version = formatVersion(facts.header.version);
  if (version !== image.version) add("version", `version ${version}, expected ${image.version}`);
  return { findings, facts };
}
