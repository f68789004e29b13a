// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { PM_PROJECT } from "../testing/base-projects.js";
import { checkFiles } from "../testing/check-files.js";

const SECTOR = 0x1000;

/** One partition that is erased as a whole. */
interface Area {
  readonly name: string;
  readonly memory: "flash_primary" | "external_flash" | "ram_flash";
  readonly address: number;
  readonly size: number;
}

/** A layout of slots and data areas; sizes in bytes. */
interface Generated {
  readonly areas: readonly Area[];
  readonly externalSize: number;
}

/** MCUboot, slot, data areas; two slots and data outside; a RAM slot. Everything is tiled. */
const layouts: fc.Arbitrary<Generated> = fc
  .record({
    mcubootBlocks: fc.integer({ min: 3, max: 6 }),
    dataSectors: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
    netSectors: fc.integer({ min: 8, max: 64 }),
    outside: fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 4 }),
    isNetFirst: fc.boolean(),
  })
  .map(({ mcubootBlocks, dataSectors, netSectors, outside, isNetFirst }) => {
    const areas: Area[] = [
      { name: "mcuboot", memory: "flash_primary", address: 0, size: mcubootBlocks * 0x4000 },
    ];
    let top = 0x100000;
    for (const [i, sectors] of dataSectors.entries()) {
      top -= sectors * SECTOR;
      areas.push({
        name: `data_${i}`,
        memory: "flash_primary",
        address: top,
        size: sectors * SECTOR,
      });
    }
    const start = mcubootBlocks * 0x4000;
    const slot = { address: start, size: top - start };
    areas.push({ name: "mcuboot_primary", memory: "flash_primary", ...slot });
    const net = netSectors * SECTOR;
    areas.push({ name: "mcuboot_primary_1", memory: "ram_flash", address: 0, size: net });
    const external: [string, number][] = [
      ["mcuboot_secondary", slot.size],
      ["mcuboot_secondary_1", net],
    ];
    if (isNetFirst) external.reverse();
    outside.forEach((sectors, i) => external.push([`log_${i}`, sectors * SECTOR]));
    let at = 0;
    for (const [name, size] of external) {
      areas.push({ name, memory: "external_flash", address: at, size });
      at += size;
    }
    return { areas, externalSize: at };
  });

/** pm_static.yml: a primary slot is a span of pad and application. */
function pmStatic({ areas }: Generated): string {
  const entries = areas.map(({ name, memory, address, size }) => {
    const span = name === "mcuboot_primary" ? ", span: [mcuboot_pad, app]" : "";
    const own = `${name}: {address: ${hex(address)}, size: ${hex(size)}, region: ${memory}${span}}`;
    if (name !== "mcuboot_primary") return own;
    return [
      `mcuboot_pad: {address: ${hex(address)}, size: 0x200}`,
      `app: {address: ${hex(address + 0x200)}, size: ${hex(size - 0x200)}}`,
      own,
    ].join("\n");
  });
  return `${entries.join("\n")}\npcd_sram: {address: 0x20000000, size: 0x2000}\n`;
}

const LABELS: Readonly<Record<string, string>> = {
  mcuboot: "boot_partition",
  mcuboot_primary: "slot0_partition",
  mcuboot_secondary: "slot1_partition",
  mcuboot_primary_1: "slot2_partition",
  mcuboot_secondary_1: "slot3_partition",
};

/** The same as an overlay. */
function overlay({ areas, externalSize }: Generated): string {
  const chips = { flash_primary: "flash0", external_flash: "mx25r64", ram_flash: "flash_sim0" };
  return Object.entries(chips)
    .map(([memory, chip]) => {
      const nodes = areas
        .filter((area) => area.memory === memory)
        .map(({ name, address, size }) => {
          const label = LABELS[name] ?? `${name}_partition`;
          return `${label}: partition@${address.toString(16)} { reg = <${hex(address)} ${hex(size)}>; };`;
        });
      // The chip's size is in bits.
      const size = chip === "mx25r64" ? `size = <(${hex(externalSize)} * 8)>;` : "";
      return `&${chip} { ${size} partitions {\n${nodes.join("\n")}\n}; };`;
    })
    .join("\n");
}

function errorsOf(generated: Generated): readonly string[] {
  const files = [
    {
      "pm_static.yml": pmStatic(generated),
      "regions.yml": `external_flash: {base_address: 0, size: ${hex(generated.externalSize)}}\n`,
    },
    { "app.overlay": overlay(generated) },
  ];
  return files.map((own) => {
    const sysbuild = PM_PROJECT["sysbuild.conf"];
    const { findings, unreadable } = checkFiles({ ...own, "sysbuild.conf": sysbuild });
    expect(unreadable).toEqual([]);
    return findings
      .filter(({ severity }) => severity !== "note")
      .map(({ rule }) => rule)
      .join(" ");
  });
}

/** One change of one area that overlaps, misaligns or leaves the memory. */
const changes: fc.Arbitrary<
  readonly [string, (area: Area, areas: readonly Area[], end: number) => Area | null]
> = fc.constantFrom(
  ["moved by less than a sector", (area: Area) => ({ ...area, address: area.address + 0x200 })],
  ["grown by less than a sector", (area: Area) => ({ ...area, size: area.size + 0x400 })],
  ["shrunk by less than a sector", (area: Area) => ({ ...area, size: area.size - 0x100 })],
  [
    "grown into its neighbour or out of its memory",
    (area: Area) => ({ ...area, size: area.size + SECTOR }),
  ],
  [
    "moved down into its neighbour",
    (area: Area) => (area.address === 0 ? null : { ...area, address: area.address - SECTOR }),
  ],
  ["moved up", (area: Area) => ({ ...area, address: area.address + SECTOR })],
  [
    "moved onto another",
    (area: Area, areas: readonly Area[]) => {
      const other = areas.find(({ name, memory }) => name !== area.name && memory === area.memory);
      return other === undefined ? null : { ...area, address: other.address };
    },
  ],
  [
    "moved behind the end",
    (area: Area, _: readonly Area[], end: number) => ({ ...area, address: end }),
  ],
);

describe("generated layouts", () => {
  it("pass when they are valid, in both ways of writing them", () => {
    fc.assert(
      fc.property(layouts, (generated) => {
        expect(errorsOf(generated)).toEqual(["", ""]);
      }),
      { numRuns: 150 },
    );
  });

  it("are found out when one area overlaps, is misaligned or leaves its memory", () => {
    fc.assert(
      fc.property(layouts, changes, fc.nat(), (generated, [, change], pick) => {
        const area = generated.areas[pick % generated.areas.length];
        if (area === undefined) return;
        // RAM flash is larger than its slot may be: there is room behind it.
        fc.pre(area.memory !== "ram_flash");
        const end = area.memory === "flash_primary" ? 0x100000 : generated.externalSize;
        const changed = change(area, generated.areas, end);
        fc.pre(changed !== null);
        const areas = generated.areas.map((own) =>
          own === area && changed !== null ? changed : own,
        );
        const found = errorsOf({ ...generated, areas });
        expect(found.every((rules) => rules !== "")).toBe(true);
      }),
      { numRuns: 600 },
    );
  });
});
