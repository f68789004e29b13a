// SPDX-License-Identifier: Apache-2.0
import { compareSdkVersions, parseSdkVersion } from "./sdk-version.js";

/**
 * What some releases of the SDK do and others do not:
 *
 * - `loses-mark-after-application`: a mark that MCUmgr is told to set on the network core's image
 *   after the application's has no effect
 * - `fih-refuses-images`: with fault injection hardening, every image but the faked one is refused
 * - `swap-size-from-faked-header`: a swap of the network core's image asks the faked header of its
 *   RAM slot for a size, and MCUboot's assertion fails
 * - `counter-after-resumed-test`: a trial whose swap was cut and resumed raises the security counter
 *   although nothing has confirmed it
 * - `ignores-swap-room`: with swap using move and offset, an image that leaves no room for the swap
 *   is valid, and is never installed
 * - `network-image-needs-counter`: MCUboot wants security counters in the network core's image too
 * - `keeps-sequential-candidate`: a sequential update leaves its candidate marked where it should
 *   not, and knows no downgrade check of its own
 */
export type SdkBehaviour =
  | "loses-mark-after-application"
  | "fih-refuses-images"
  | "swap-size-from-faked-header"
  | "counter-after-resumed-test"
  | "ignores-swap-room"
  | "network-image-needs-counter"
  | "keeps-sequential-candidate";

/** Which releases behave so, and where that is written. */
export interface SdkBehaviourRow {
  readonly behaviour: SdkBehaviour;
  /** First and last release that behave so. */
  readonly first: string;
  readonly last: string;
  /** Nordic's number of a known issue, where there is one. */
  readonly issue: string | null;
  readonly source: string;
}

/**
 * Releases before v2.5.0 are not in the model. Where a fix was read on a branch only, `last` is the
 * newest release without it.
 */
export const SDK_BEHAVIOURS: readonly SdkBehaviourRow[] = [
  {
    behaviour: "loses-mark-after-application",
    first: "v2.6.0",
    last: "v3.4.0",
    issue: "NCSDK-34106",
    source: "sdk-nrf, doc/nrf/releases_and_maturity/known_issues.rst (pull request 30274)",
  },
  {
    behaviour: "fih-refuses-images",
    first: "v2.5.0",
    last: "v2.5.3",
    issue: "NCSDK-24203",
    source: "sdk-nrf, known_issues.rst; modules/mcuboot/hooks/nrf53_hooks.c @e3c65cec",
  },
  {
    behaviour: "swap-size-from-faked-header",
    first: "v2.5.0",
    last: "v3.2.5",
    issue: null,
    source: "sdk-mcuboot, boot_swap_image before 977324e9; DevZone 128430, configuration A",
  },
  {
    behaviour: "counter-after-resumed-test",
    first: "v2.5.0",
    last: "v3.0.2",
    issue: null,
    source: "MCUboot, boot_update_hw_rollback_protection before 0eaf6668",
  },
  {
    behaviour: "ignores-swap-room",
    first: "v2.5.0",
    last: "v3.0.2",
    issue: "NCSDK-20567",
    source: "sdk-nrf, known_issues.rst; MCUboot, bootutil_max_image_size before 2.2",
  },
  {
    behaviour: "network-image-needs-counter",
    first: "v2.5.0",
    last: "v2.9.3",
    issue: null,
    source: "sdk-mcuboot, tags before v2.1.0-ncs5: no boot_nv_image_should_have_security_counter",
  },
  {
    behaviour: "keeps-sequential-candidate",
    first: "v2.5.0",
    last: "v3.4.0",
    issue: "NCSIDB-1487",
    source: "sdk-mcuboot, boot_validated_swap_type before 6f5a54c3 and 910d0b6a",
  },
];

/**
 * How a release of the SDK behaves.
 * @param sdk e.g. `v2.9.2`
 * @throws {UsageError} twin/sdk-version
 */
export function behavioursOf(sdk: string): ReadonlySet<SdkBehaviour> {
  const version = parseSdkVersion(sdk);
  const isAffected = ({ first, last }: SdkBehaviourRow): boolean =>
    compareSdkVersions(version, parseSdkVersion(first)) >= 0 &&
    compareSdkVersions(version, parseSdkVersion(last)) <= 0;
  return new Set(SDK_BEHAVIOURS.filter(isAffected).map(({ behaviour }) => behaviour));
}
