// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import { MCUBOOT_HEADER_SIZE } from "../model/nrf5340.js";
import type { LayoutPlan, PlannedPartition } from "./layout-plan.js";
import { PCD_SRAM, codeAddress } from "./plan-layout.js";

/** pm_static.yml of a plan. A store on NAND is not in it: Partition Manager knows NOR only. */
export function emitPmStatic(plan: LayoutPlan): string {
  const entries = plan.internal.flatMap((partition) =>
    partition.name === "mcuboot_primary" ? primaryEntries(partition) : [entry(partition)],
  );
  entries.push(
    entry(
      { ...PCD_SRAM, reason: "b0n looks for its command here for the life of the device" },
      "sram_primary",
    ),
  );
  if (plan.options.chip.kind === "nor") {
    const device = plan.options.chip.name;
    entries.push(
      ...plan.external.map((partition) => entry(partition, "external_flash", { device })),
    );
  }
  return `${entries.join("\n")}\n`;
}

/** Pad and application, and the two spans over them that the build refers to. */
function primaryEntries(slot: PlannedPartition): string[] {
  const { address, size, reason } = slot;
  const code = { address: codeAddress(slot), size: size - MCUBOOT_HEADER_SIZE };
  const pad = {
    name: "mcuboot_pad",
    address,
    size: MCUBOOT_HEADER_SIZE,
    reason: "the image header",
  };
  return [
    entry(pad),
    entry({ name: "app", ...code, reason: "the application behind it" }),
    entry({ name: "mcuboot_primary_app", ...code, reason: "" }, "flash_primary", { span: "[app]" }),
    entry({ name: "mcuboot_primary", address, size, reason }, "flash_primary", {
      span: "[mcuboot_pad, app]",
    }),
  ];
}

function entry(
  { name, address, size, reason }: Pick<PlannedPartition, "name" | "address" | "size" | "reason">,
  region = "flash_primary",
  fields: Readonly<Record<string, string>> = {},
): string {
  const lines = [
    ...(reason === "" ? [] : [`# ${reason}`]),
    `${name}:`,
    `  address: ${hex(address)}`,
    `  size: ${hex(size)}`,
    `  region: ${region}`,
    ...Object.entries(fields).map(([key, value]) => `  ${key}: ${value}`),
  ];
  return lines.join("\n");
}
