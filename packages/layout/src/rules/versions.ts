// SPDX-License-Identifier: Apache-2.0
import { ALL_SDKS } from "../model/sdk-version.js";
import type { Rule } from "./rule.js";

/** The network core's version is only read on one side. */
export const networkVersionReader: Rule = {
  id: "version/network-reader",
  severity: "error",
  title: "MCUboot and b0n both read the network core's version",
  reason:
    "MCUboot asks b0n for the running version. If only one of them is built for it, the answer never " +
    "comes or the comparison is left out: network core downgrades are not prevented, or MCUboot waits.",
  source: "sdk-nrf subsys/pcd/Kconfig, PCD_READ_NETCORE_APP_VERSION",
  affects: ALL_SDKS,
  fix: "Set CONFIG_PCD_READ_NETCORE_APP_VERSION=y in MCUboot and in b0n, or in neither.",
  *check({ config }) {
    const symbol = "CONFIG_PCD_READ_NETCORE_APP_VERSION";
    const mcuboot = config("mcuboot");
    const b0n = config("b0n");
    for (const [one, other, name] of [
      [mcuboot, b0n, "b0n"],
      [b0n, mcuboot, "MCUboot"],
    ] as const) {
      const assignment = one?.get(symbol);
      if (assignment?.value !== "y" || other?.state(symbol) === "on") continue;
      const isKnown = other !== undefined && (other.complete || other.state(symbol) === "off");
      yield {
        severity: isKnown ? "error" : "warning",
        message: `${symbol}=y here, not in ${name}`,
        place: assignment.place,
      };
    }
  },
};

/** Downgrade prevention that can cost the network core. */
export const networkDowngrade: Rule = {
  id: "version/network-downgrade",
  severity: "warning",
  title: "An interrupted network core update can be repeated",
  reason:
    "If power is lost while b0n writes, the network core has no valid fw_info. Reading its version then " +
    "fails with -EFAULT, which counts as too old: MCUboot erases the candidate, and the network core " +
    "stays broken until the next download.",
  source:
    "sdk-nrf modules/mcuboot/hooks/nrf53_hooks.c, pcd_version_cmp_net; sdk-mcuboot loader.c (inferred from the source, not run)",
  affects: ALL_SDKS,
  fix: "Keep a second copy of the network core image that can be installed again, or prevent downgrades on the server.",
  *check({ config }) {
    const mcuboot = config("mcuboot");
    if (mcuboot?.state("CONFIG_MCUBOOT_DOWNGRADE_PREVENTION") !== "on") return;
    const reader = mcuboot.get("CONFIG_PCD_READ_NETCORE_APP_VERSION");
    if (reader?.value !== "y") return;
    yield {
      message: "network core downgrades are prevented by reading its version",
      place: reader.place,
    };
  },
};

/** The network core image keeps its default version for ever. */
export const networkVersionDefault: Rule = {
  id: "version/network-default",
  severity: "note",
  title: "The network core's firmware version is raised",
  reason:
    "fw_info carries the only version that the network core knows. It is 1 unless set, so an " +
    "application cannot tell which of two builds runs.",
  source:
    "sdk-nrf subsys/fw_info/Kconfig, FW_INFO_FIRMWARE_VERSION; cmake/sysbuild/b0_mcuboot_signing.cmake",
  affects: ALL_SDKS,
  fix: "Set CONFIG_FW_INFO_FIRMWARE_VERSION in the network core image and raise it with every release.",
  *check({ scheme, config }) {
    const net = config("net");
    if (net === undefined || scheme.netUpdate.state !== "yes") return;
    const version = net.get("CONFIG_FW_INFO_FIRMWARE_VERSION");
    if (version !== null && version.value !== "1" && version.value !== "0") return;
    const place = version?.place ?? scheme.netUpdate.place;
    if (place !== null)
      yield { message: "the network core image has the default firmware version", place };
  },
};
