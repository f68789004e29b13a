// SPDX-License-Identifier: Apache-2.0
import { compareVersions } from "@tandem/image";
import type { ImageVersion } from "@tandem/image";

import type { ResolvedBootConfig } from "./boot-config.js";

/** `boot_compare_version`: the build number counts only in builds that say so. */
export function bootCompareVersion(
  { compareBuildNumber }: Pick<ResolvedBootConfig, "compareBuildNumber">,
  a: ImageVersion,
  b: ImageVersion,
): number {
  return compareVersions(a, compareBuildNumber ? b : { ...b, build: a.build });
}
