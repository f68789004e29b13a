// SPDX-License-Identifier: Apache-2.0
import { UsageError, hex } from "@tandem/base";
import { NRF5340_NET } from "@tandem/release";

import { MCUBOOT_HEADER_SIZE, NRF5340_MEMORIES, SPU_RAM_BLOCK } from "../model/nrf5340.js";
import { compareSdkVersions, formatSdkVersion, parseSdkVersion } from "../model/sdk-version.js";
import type { LayoutPlan, PlanOptions, PlannedPartition } from "./layout-plan.js";
import { grownBytes, sizeStore } from "./store-size.js";

/** MCUboot with the coordinator: four SPU blocks, as on the Thingy:53. */
const MCUBOOT_BYTES = 0x10000;

/** Two pages that tell whether the installed images are whole when the store cannot be read. */
const MARKER_BYTES = 0x2000;

/** Header, hash, key hash, signature and manifest around the application's code. */
const IMAGE_OVERHEAD_BYTES = 0x200 + 0x200;

/** b0n and its provisioned data, in front of the network core's firmware. */
const B0N_BYTES = 0x8580;
const PROVISION_BYTES = 0x280;

/** First release whose MCUboot has `boot_go_hook` (sdk-mcuboot tag v2.1.0-ncs5). */
const FIRST_WITH_GO_HOOK = "v3.0.0";

/**
 * Divides the flash of an nRF5340 product that installs both cores from a store.
 * @throws {UsageError} layout/no-room when an image, now or grown, does not fit
 */
export function planLayout(options: PlanOptions): LayoutPlan {
  const internal = internalPartitions(options);
  const slot = internal.find(({ name }) => name === "mcuboot_primary");
  const { slot: netSlot, flash: netFlash, maxImageBytes } = NRF5340_NET;
  const netBytes = Math.min(netSlot.end - netSlot.start, maxImageBytes);
  const slots = { appBytes: slot?.size ?? 0, netBytes };
  checkFits("application", options.appBytes + IMAGE_OVERHEAD_BYTES, slots.appBytes);
  checkFits("network core image", options.netBytes, slots.netBytes);
  const store = sizeStore(options, slots);
  return {
    options,
    internal,
    network: [
      {
        name: "b0n_container",
        label: "b0n_partition",
        address: 0,
        size: B0N_BYTES,
        reason: "b0n's default size: it stays what it is for the life of the device",
      },
      {
        name: "provision",
        label: "provision_partition",
        address: B0N_BYTES,
        size: PROVISION_BYTES,
        reason: "keys and counters of b0n",
      },
      {
        name: "s0",
        label: "s0_partition",
        address: netSlot.start - netFlash.start,
        size: netSlot.end - netSlot.start,
        reason: `the rest: ${options.netBytes} bytes now, ${grownBytes(options.netBytes, options.growthPercent)} grown`,
      },
    ],
    external: [
      {
        name: "tandem_store",
        label: "tandem_store",
        address: 0,
        size: store.blocks * store.blockBytes,
        reason: store.reason,
      },
    ],
    externalBytes: chipBytes(options),
    store,
    remarks: [...growthRemarks(options, slots), ...remarksOf(options)],
  };
}

/** The command word for b0n, which every build must have at the same place. */
export const PCD_SRAM: Readonly<Pick<PlannedPartition, "name" | "address" | "size">> = {
  name: "pcd_sram",
  address: NRF5340_MEMORIES["app-ram"].base,
  size: SPU_RAM_BLOCK,
};

function internalPartitions({
  internalBytes,
  settingsBytes,
  ...options
}: PlanOptions): PlannedPartition[] {
  const { eraseBytes } = NRF5340_MEMORIES["app-flash"];
  if (settingsBytes % eraseBytes !== 0) {
    throw new UsageError(
      "layout/bad-size",
      `settings of ${hex(settingsBytes)} bytes, expected a multiple of ${hex(eraseBytes)}`,
    );
  }
  const settings = internalBytes - settingsBytes;
  const marker = settings - MARKER_BYTES;
  const slotBytes = marker - MCUBOOT_BYTES;
  checkFits(
    "bootloader, marker and settings",
    MCUBOOT_BYTES + MARKER_BYTES + settingsBytes,
    internalBytes - eraseBytes,
  );
  const grown = grownBytes(options.appBytes, options.growthPercent);
  return [
    {
      name: "mcuboot",
      label: "boot_partition",
      address: 0,
      size: MCUBOOT_BYTES,
      reason:
        "MCUboot with the coordinator, whole SPU blocks of 16 KiB so that FPROTECT can lock it",
    },
    {
      name: "mcuboot_primary",
      label: "slot0_partition",
      address: MCUBOOT_BYTES,
      size: slotBytes,
      reason: `one slot: the candidate waits in the store, so nothing else needs the flash; ${options.appBytes} bytes now, ${grown} grown`,
    },
    {
      name: "tandem_marker",
      label: "tandem_marker",
      address: marker,
      size: MARKER_BYTES,
      reason:
        "two pages that tell whether the installed images are whole when the store cannot be read",
    },
    {
      name: "settings_storage",
      label: "storage_partition",
      address: settings,
      size: settingsBytes,
      reason: "settings of the application, outside of everything that an update erases",
    },
  ];
}

/** Address of the application's code. */
export function codeAddress(slot: PlannedPartition): number {
  return slot.address + MCUBOOT_HEADER_SIZE;
}

function chipBytes({ chip }: PlanOptions): number {
  if (chip.kind === "nor") return chip.profile.sizeBytes;
  const { pageBytes, pagesPerBlock, blockCount } = chip.profile;
  return pageBytes * pagesPerBlock * blockCount;
}

function remarksOf({ chip, sdk, way }: PlanOptions): string[] {
  const remarks: string[] = [];
  const isBefore = (version: string): boolean =>
    sdk !== null && compareSdkVersions(sdk, parseSdkVersion(version)) < 0;
  if (sdk !== null && isBefore(FIRST_WITH_GO_HOOK)) {
    remarks.push(
      `MCUboot of ${formatSdkVersion(sdk)} has no BOOT_GO_HOOKS (since ${FIRST_WITH_GO_HOOK}): take mcuboot pull request 2161 into it.`,
    );
  }
  if (chip.kind === "nand") {
    remarks.push(
      "The node of the NAND uses Zephyr's binding jedec,spi-nand, new in Zephyr 4.4; older ones need a driver of your own. It belongs on SPIM4 (32 MHz), never on QSPI, which speaks NOR only.",
    );
  }
  if (way === "devicetree" && isBefore("v3.3.0")) {
    remarks.push(
      "Before v3.3.0 MCUboot and b0n need Partition Manager: plan with --partitions pm.",
    );
  }
  remarks.push(
    "Devices in the field keep their bootloader and partitions: change addresses only with a new MCUboot that is flashed by wire.",
  );
  return remarks;
}

/** The network core's flash is small: growth that has no room is told, not refused. */
function growthRemarks(
  { growthPercent, ...options }: PlanOptions,
  slots: { readonly appBytes: number; readonly netBytes: number },
): string[] {
  const images = [
    ["application", options.appBytes, slots.appBytes - IMAGE_OVERHEAD_BYTES],
    ["network core image", options.netBytes, slots.netBytes],
  ] as const;
  return images.flatMap(([what, bytes, room]) => {
    if (grownBytes(bytes, growthPercent) <= room) return [];
    const percent = Math.floor((room / bytes - 1) * 100);
    return [`The ${what} can grow by ${percent} % only, to ${room} bytes: its flash has no more.`];
  });
}

function checkFits(what: string, bytes: number, room: number): void {
  if (bytes <= room) return;
  throw new UsageError(
    "layout/no-room",
    `${what} of ${hex(bytes)} bytes, expected at most ${hex(Math.max(0, room))}`,
  );
}
