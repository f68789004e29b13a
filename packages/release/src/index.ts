// SPDX-License-Identifier: Apache-2.0
export { checkBinding } from "./binding.js";
export type { BindingProblem, BindingProblemCode, BoundImage } from "./binding.js";
export {
  BUNDLE_FILE,
  DEFAULT_HARDWARE,
  DEFAULT_HEADER_SIZE,
  buildRelease,
  buildReleaseOf,
  withBundle,
} from "./build-release.js";
export type {
  BuildImagesOptions,
  BuildReleaseOptions,
  BuiltRelease,
  Release,
} from "./build-release.js";
export { checkLinks } from "./check-links.js";
export type { LinkProblem, LinkProblemCode, LinkedFirmware } from "./check-links.js";
export { claimRelease, describeRelease } from "./describe-release.js";
export type { DescribeReleaseOptions, SignedFile } from "./describe-release.js";
export { readDfuZip, writeDfuZip } from "./dfu-zip.js";
export type { DfuZipEntry, DfuZipImage } from "./dfu-zip.js";
export { parseJsonDocument } from "./json-document.js";
export { NRF5340_APP, NRF5340_LAYOUT, NRF5340_NET, firmwareStart } from "./layout.js";
export type { CoreLayout } from "./layout.js";
export {
  MAX_BUNDLE_HEADER_BYTES,
  MAX_BUNDLE_IMAGES,
  encodeMultiImage,
  parseMultiImage,
  parseMultiImageHeader,
} from "./multi-image.js";
export type { MultiImageHeader, MultiImagePart } from "./multi-image.js";
export { generatePayloads } from "./payloads.js";
export type { GeneratedPayloads } from "./payloads.js";
export { parseReleaseInput, payloadInput } from "./release-input.js";
export type { ReleaseInput } from "./release-input.js";
export {
  MAX_IMAGES,
  MAX_IMAGE_BYTES,
  MAX_RELEASE_JSON_CHARACTERS,
  RELEASE_JSON,
  encodeReleaseJson,
  parseReleaseJson,
} from "./release-json.js";
export type { ReleaseBundle, ReleaseImage, ReleaseManifest } from "./release-json.js";
export { inspectRelease, verifyRelease } from "./verify-release.js";
export type { Finding, FindingCode, ReleaseVerdict } from "./verify-release.js";
export { MAX_ZIP_CONTENT_BYTES, MAX_ZIP_MEMBERS, looksLikeZip } from "./zip-archive.js";
