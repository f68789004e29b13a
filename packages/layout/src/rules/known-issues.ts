// SPDX-License-Identifier: Apache-2.0
import type { Place } from "../place.js";
import type { CheckContext, Rule, Severity } from "./rule.js";

/** One entry of Nordic's list that concerns updates of the nRF5340. */
interface KnownIssue {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly severity: Severity;
  readonly title: string;
  readonly workaround: string;
  /** The line that makes the project one that is affected; null when it is not. */
  readonly trigger: (context: CheckContext) => Place | null;
}

const FIH = [
  "CONFIG_BOOT_FIH_PROFILE_LOW",
  "CONFIG_BOOT_FIH_PROFILE_MEDIUM",
  "CONFIG_BOOT_FIH_PROFILE_HIGH",
];

const KNOWN_ISSUES: readonly KnownIssue[] = [
  {
    id: "NCSDK-34106",
    from: "v2.6.0",
    to: "v3.4.0",
    severity: "warning",
    title: "MCUboot skips the network core update when the application image is activated first",
    workaround: "Mark image 1 for test or confirm it first, then image 0, then reset.",
    trigger: (context) => (isMultiImage(context) ? placeOf(context, "app", MCUMGR) : null),
  },
  {
    id: "NCSDK-24305",
    from: "v2.5.0",
    to: "v2.6.4",
    severity: "warning",
    title: "fota_download reports FINISHED when it cannot connect",
    workaround: "Set CONFIG_FOTA_SOCKET_RETRIES=0.",
    trigger: (context) => {
      if (context.config("app")?.number("CONFIG_FOTA_SOCKET_RETRIES") === 0) return null;
      return placeOf(context, "app", ["CONFIG_FOTA_DOWNLOAD"]);
    },
  },
  {
    id: "NCSDK-24203",
    from: "v2.5.0",
    to: "v2.5.3",
    severity: "error",
    title:
      "With fault injection hardening MCUboot cannot start the application of a multi-image build",
    workaround: "Set CONFIG_BOOT_FIH_PROFILE_OFF=y in MCUboot, or take sdk-nrf pull request 12846.",
    trigger: (context) => (isMultiImage(context) ? placeOf(context, "mcuboot", FIH) : null),
  },
  {
    id: "NCSDK-21379",
    from: "v2.3.0",
    to: "v2.5.3",
    severity: "error",
    title: "Network core updates through the application's slot are not applied",
    workaround:
      "Use the multi-image update with two secondary slots, or hooks that copy the image.",
    trigger: sequentialUpdate,
  },
  {
    id: "NCSIDB-1487",
    from: "v2.7.0",
    to: "v3.4.0",
    severity: "warning",
    title: "Sequential network core updates are installed again at every boot, or refused",
    workaround:
      "Take the fixes of sdk-mcuboot 6f5a54c3 and 0dedc5ce, or use the multi-image update.",
    trigger: sequentialUpdate,
  },
  {
    id: "NCSIDB-1950",
    from: "v3.4.0",
    to: "v3.4.0",
    severity: "warning",
    title: "Serial recovery cannot update the network core with a single application slot",
    workaround: "Take sdk-nrf pull request 31064.",
    trigger: (context) => {
      const isSingle =
        context.config("sysbuild")?.state("SB_CONFIG_MCUBOOT_MODE_SINGLE_APP") === "on";
      return isSingle && isNetUpdate(context)
        ? placeOf(context, "mcuboot", ["CONFIG_MCUBOOT_SERIAL"])
        : null;
    },
  },
  {
    id: "NCSDK-11308",
    from: "v1.7.0",
    to: "v3.1.1",
    severity: "warning",
    title: "Power loss right after serial recovery of the network core breaks it",
    workaround: "Wait 30 seconds after the tool reports success; upload again if it is broken.",
    trigger: (context) =>
      isNetUpdate(context) ? placeOf(context, "mcuboot", ["CONFIG_MCUBOOT_SERIAL"]) : null,
  },
  {
    id: "NCSDK-18422",
    from: "v1.7.0",
    to: "v2.1.4",
    severity: "warning",
    title: "Serial recovery of the network core, and to slots in QSPI flash, fails",
    workaround: "Use v2.2.0 or newer.",
    trigger: (context) =>
      isNetUpdate(context) ? placeOf(context, "mcuboot", ["CONFIG_MCUBOOT_SERIAL"]) : null,
  },
  {
    id: "NCSDK-21790",
    from: "v2.4.0",
    to: "v3.0.2",
    severity: "note",
    title: "nRF Connect for Mobile reports an error although both images are installed",
    workaround: "Ask the device for its versions after the reset.",
    trigger: (context) => (isNetUpdate(context) ? placeOf(context, "app", MCUMGR) : null),
  },
  {
    id: "NCSDK-11432",
    from: "v1.7.0",
    to: "v2.0.0",
    severity: "note",
    title: "Erasing a secondary slot over MCUmgr reports an error in multi-image builds",
    workaround: "Ignore it or use v2.1.0 or newer.",
    trigger: (context) => (isMultiImage(context) ? placeOf(context, "app", MCUMGR) : null),
  },
  {
    id: "NCSDK-11234",
    from: "v1.7.0",
    to: "v1.9.2",
    severity: "warning",
    title: "A static pcd_sram and the RAM of the devicetree can contradict each other",
    workaround: "Keep the application's RAM in devicetree off pcd_sram.",
    trigger: ({ layouts }) =>
      layouts.flatMap(({ partitions }) => partitions).find(({ name }) => name === "pcd_sram")
        ?.place ?? null,
  },
  {
    id: "NCSDK-28461",
    from: "v2.7.0",
    to: "v3.1.1",
    severity: "note",
    title: "Changes of pm_static.yml reach a build folder only after a pristine build",
    workaround: "Build with west build -p after each change.",
    trigger: ({ layouts }) =>
      layouts.find(({ source }) => source === "pm-static")?.partitions[0]?.place ?? null,
  },
  {
    id: "NCSDK-28462",
    from: "v2.7.0",
    to: "v2.7.0",
    severity: "note",
    title: "Changes of the signing options reach a build folder only after a pristine build",
    workaround: "Build with west build -p after each change.",
    trigger: (context) => placeOf(context, "sysbuild", ["SB_CONFIG_BOOT_SIGNATURE_KEY_FILE"], true),
  },
  {
    id: "NCSDK-23761",
    from: "v2.4.0",
    to: "v2.4.4",
    severity: "error",
    title: "Hardware downgrade prevention and the low FIH profile together do not boot",
    workaround: "Turn one of the two off.",
    trigger: (context) => {
      const counter = placeOf(context, "mcuboot", ["CONFIG_MCUBOOT_HW_DOWNGRADE_PREVENTION"]);
      return placeOf(context, "mcuboot", ["CONFIG_BOOT_FIH_PROFILE_LOW"]) === null ? null : counter;
    },
  },
  {
    id: "NCSDK-33173",
    from: "v2.7.0",
    to: "v3.0.2",
    severity: "warning",
    title: "MCUboot built with LTO may fail to start the application",
    workaround: "Set CONFIG_LTO=n in MCUboot.",
    trigger: (context) => placeOf(context, "mcuboot", ["CONFIG_LTO"]),
  },
  {
    id: "NCSDK-19265",
    from: "v1.6.0",
    to: "v3.1.1",
    severity: "note",
    title: "The build does not check the limit of NSIB's monotonic counter",
    workaround: "Keep the firmware version within SB_CONFIG_SECURE_BOOT_NUM_VER_COUNTER_SLOTS.",
    trigger: (context) => placeOf(context, "sysbuild", ["SB_CONFIG_SECURE_BOOT_MONOTONIC_COUNTER"]),
  },
  {
    id: "NCSDK-31918",
    from: "v1.6.0",
    to: "v3.1.1",
    severity: "note",
    title: "The query for NSIB's active slot can be wrong",
    workaround: "Do not decide by it which slot to update.",
    trigger: (context) => placeOf(context, "sysbuild", ["SB_CONFIG_SECURE_BOOT_APPCORE"]),
  },
  {
    id: "NCSIDB-1194",
    from: "v1.6.0",
    to: "v3.1.1",
    severity: "note",
    title: "MCUboot leaves its UART on, which costs 400 µA",
    workaround: "Set CONFIG_SERIAL=n in MCUboot, or turn the UART off in the application.",
    trigger: (context) => placeOf(context, "mcuboot", ["CONFIG_SERIAL", "CONFIG_UART_CONSOLE"]),
  },
];

/** One rule for each known issue; they need to know the SDK version. */
export const knownIssues: readonly Rule[] = KNOWN_ISSUES.map((issue) => ({
  id: `known/${issue.id}`,
  severity: issue.severity,
  title: issue.title,
  reason: `Known issue ${issue.id} of nRF Connect SDK ${issue.from} to ${issue.to}.`,
  source: "sdk-nrf doc/nrf/releases_and_maturity/known_issues.rst",
  affects: { from: issue.from, to: issue.to },
  needsSdk: true,
  fix: issue.workaround,
  *check(context) {
    const place = issue.trigger(context);
    if (place !== null) yield { message: issue.title, place };
  },
}));

const MCUMGR = ["CONFIG_MCUMGR_GRP_IMG", "CONFIG_NCS_SAMPLE_MCUMGR_BT_OTA_DFU"];

/** Where one of these options is switched on. */
function placeOf(
  { config }: CheckContext,
  role: "app" | "mcuboot" | "sysbuild",
  symbols: readonly string[],
  isString = false,
): Place | null {
  const configuration = config(role);
  for (const symbol of symbols) {
    const assignment = configuration?.get(symbol);
    if (assignment === null || assignment === undefined) continue;
    if (isString ? assignment.value !== "" : assignment.value === "y") return assignment.place;
  }
  return null;
}

/** MCUboot takes the network core image out of the application's slot. */
function sequentialUpdate({ scheme, config }: CheckContext): Place | null {
  // With a single slot MCUboot installs nothing itself.
  if (config("sysbuild")?.state("SB_CONFIG_MCUBOOT_MODE_SINGLE_APP") === "on") return null;
  const { netUpdate, multiImage } = scheme;
  return netUpdate.state === "yes" && multiImage.state === "no" ? netUpdate.place : null;
}

function isNetUpdate({ scheme }: CheckContext): boolean {
  return scheme.netUpdate.state === "yes";
}

function isMultiImage({ scheme }: CheckContext): boolean {
  return scheme.netUpdate.state === "yes" && scheme.multiImage.state === "yes";
}
