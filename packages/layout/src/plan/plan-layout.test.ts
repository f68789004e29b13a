// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { MX25R6435F, NAND_PROFILES, W25N01GV } from "@tandem/flash";
import { NRF5340_APP, NRF5340_NET } from "@tandem/release";
import { planStore } from "@tandem/store";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseSdkVersion } from "../model/sdk-version.js";
import { readKconfig } from "../read/kconfig.js";
import { SourceText } from "../read/source-text.js";
import { checkFiles } from "../testing/check-files.js";
import { emitFiles } from "./emit-files.js";
import { EMITTED_SYMBOLS } from "./kconfig-symbols.js";
import type { PlanOptions, StoreChip } from "./layout-plan.js";
import { drawMemoryMap, drawMemorySvg } from "./memory-map.js";
import { planLayout } from "./plan-layout.js";
import { geometryOf } from "./store-size.js";
import { updateCost } from "./update-cost.js";

const NAND: StoreChip = { kind: "nand", name: "W25N01GV", profile: W25N01GV };
const NOR: StoreChip = { kind: "nor", name: "MX25R64", profile: MX25R6435F };

const OPTIONS: PlanOptions = {
  internalBytes: 0x100000,
  chip: NAND,
  appBytes: 280 * 1024,
  netBytes: 173 * 1024,
  growthPercent: 50,
  banks: null,
  settingsBytes: 0x10000,
  way: "devicetree",
  sdk: null,
  keyFile: "/keys/product.pem",
  updatesPerYear: 12,
};

const COMBINATIONS = [
  ["NAND", "Partition Manager", { chip: NAND, way: "partition-manager" }],
  ["NAND", "devicetree", { chip: NAND, way: "devicetree" }],
  ["NOR", "Partition Manager", { chip: NOR, way: "partition-manager" }],
  ["NOR", "devicetree", { chip: NOR, way: "devicetree" }],
] as const;

const hasTools = ["dtc", "cpp"].every((tool) => spawnSync(tool, ["--version"]).status === 0);

describe.each(COMBINATIONS)("a plan for %s with %s", (_, __, combination) => {
  const plan = planLayout({ ...OPTIONS, ...combination });
  const files = emitFiles(plan);

  it("emits files that the check accepts without findings", () => {
    const { findings, unreadable, builds } = checkFiles(Object.fromEntries(files));
    expect([unreadable, findings, builds]).toEqual([[], [], ["."]]);
  });

  it.each(["v2.9.2", "v3.2.0", "v3.4.0", "v3.5.0"])(
    "has neither errors nor warnings in %s",
    (sdk) => {
      const own = emitFiles(planLayout({ ...OPTIONS, ...combination, sdk: parseSdkVersion(sdk) }));
      const { findings } = checkFiles(Object.fromEntries(own), { sdk, release: true });
      expect(findings.filter(({ severity }) => severity !== "note")).toEqual([]);
    },
  );

  it.skipIf(!hasTools)("emits overlays that preprocess and compile", () => {
    const overlays = [...files].filter(([name]) => name.endsWith(".overlay"));
    expect(overlays.length).toBeGreaterThanOrEqual(2);
    for (const [name, text] of overlays) {
      const isNet = /b0n|ipc_radio/.test(name);
      const base = new URL(
        `../../../../test/fixtures/layout/nrf5340-${isNet ? "net" : "app"}.dts`,
        import.meta.url,
      );
      const source = `${readFileSync(base, "utf8")}\n${text}`;
      const input = execFileSync("cpp", ["-nostdinc", "-undef", "-x", "assembler-with-cpp", "-P"], {
        input: source,
      });
      const { status, stderr } = spawnSync("dtc", ["-q", "-I", "dts", "-O", "dts"], { input });
      expect([name, status, stderr.toString()]).toEqual([name, 0, ""]);
    }
  });

  it("emits options that the SDK has, and no others", () => {
    for (const sdk of ["v2.7.0", "v2.9.2", "v3.4.0"]) {
      const own = emitFiles(planLayout({ ...OPTIONS, ...combination, sdk: parseSdkVersion(sdk) }));
      for (const [name, text] of own) {
        if (!name.endsWith(".conf")) continue;
        for (const { symbol } of readKconfig(new SourceText(name, text)).assignments) {
          const known = Object.entries(EMITTED_SYMBOLS).find(
            ([emitted]) => emitted === symbol,
          )?.[1];
          expect([symbol, known?.source.length ?? 0]).not.toEqual([symbol, 0]);
          expect((known?.since ?? "v2.7.0") <= sdk).toBe(true);
        }
      }
    }
  });

  it("is what the store and the release builder expect", () => {
    const { store, internal, network } = plan;
    const geometry = { ...geometryOf(plan.options.chip), blockCount: store.blocks };
    expect(planStore(geometry, store.limits).blockCount).toBe(store.blocks);
    const slot = internal.find(({ name }) => name === "mcuboot_primary");
    expect([slot?.address, (slot?.address ?? 0) + (slot?.size ?? 0)]).toEqual([
      NRF5340_APP.slot.start,
      NRF5340_APP.slot.end,
    ]);
    const net = network.find(({ name }) => name === "s0");
    expect(NRF5340_NET.flash.start + (net?.address ?? 0)).toBe(NRF5340_NET.slot.start);
  });
});

describe("planLayout", () => {
  it("gives whole slots in three banks on NAND, and less where less fits", () => {
    expect(planLayout(OPTIONS).store).toMatchObject({
      banks: 3,
      appBytes: 888 * 1024,
      netBytes: 222 * 1024,
      reserveBlocks: 20,
    });
    const nor = planLayout({ ...OPTIONS, chip: NOR }).store;
    expect(nor).toMatchObject({ banks: 3, appBytes: 420 * 1024, netBytes: 222 * 1024 });
    const small = { ...NOR, profile: { ...MX25R6435F, sizeBytes: 0x480000 } };
    expect(planLayout({ ...OPTIONS, chip: small }).store.banks).toBe(2);
    const tiny = { ...NOR, profile: { ...MX25R6435F, sizeBytes: 0x200000 } };
    expect(() => planLayout({ ...OPTIONS, chip: tiny })).toThrow(/MX25R64 has 32/);
  });

  it("tells how far an image can grow when its flash is too small for more", () => {
    expect(planLayout(OPTIONS).remarks[0]).toBe(
      "The network core image can grow by 28 % only, to 227328 bytes: its flash has no more.",
    );
    expect(planLayout({ ...OPTIONS, growthPercent: 20 }).remarks[0]).not.toContain("grow");
  });

  it.each([
    [{ appBytes: 0xe0000 }, "application of 0xe0400 bytes, expected at most 0xde000"],
    [{ netBytes: 0x38000 }, "network core image of 0x38000 bytes, expected at most 0x37800"],
    [{ settingsBytes: 0x1800 }, "settings of 0x1800 bytes, expected a multiple of 0x1000"],
    [{ settingsBytes: 0x100000 }, "bootloader, marker and settings"],
  ])("refuses %j", (changes, message) => {
    expect(() => planLayout({ ...OPTIONS, ...changes })).toThrow(message);
  });

  it("tells what the SDK lacks", () => {
    const plan = planLayout({ ...OPTIONS, sdk: parseSdkVersion("v2.9.2") });
    expect(plan.remarks.join(" ")).toContain("no BOOT_GO_HOOKS");
    expect(emitFiles(plan).get("sysbuild/mcuboot.conf")).not.toContain("BOOT_GO_HOOKS");
  });

  it("fits every chip, size and way that it accepts, without findings", () => {
    const chips = [
      ...NAND_PROFILES.map((profile): StoreChip => ({ kind: "nand", name: profile.name, profile })),
      NOR,
    ];
    fc.assert(
      fc.property(
        fc.record({
          chip: fc.constantFrom(...chips),
          appBytes: fc.integer({ min: 1, max: 880 * 1024 }),
          netBytes: fc.integer({ min: 1, max: 222 * 1024 }),
          growthPercent: fc.integer({ min: 0, max: 200 }),
          banks: fc.constantFrom(null, 2 as const),
          settingsBytes: fc.integer({ min: 1, max: 4 }).map((pages) => pages * 4096),
          way: fc.constantFrom("devicetree" as const, "partition-manager" as const),
        }),
        (random) => {
          const plan = planLayout({ ...OPTIONS, ...random });
          expect(plan.store.blocks * plan.store.blockBytes).toBeLessThanOrEqual(plan.externalBytes);
          expect(plan.store.appBytes).toBeGreaterThanOrEqual(random.appBytes);
          expect(plan.store.netBytes).toBeGreaterThanOrEqual(random.netBytes);
          const { findings, unreadable } = checkFiles(Object.fromEntries(emitFiles(plan)));
          expect([unreadable, findings]).toEqual([[], []]);
        },
      ),
      { numRuns: 120 },
    );
  });
});

describe("updateCost", () => {
  it("counts both copies, the time of the chips, and the wear of one cycle", () => {
    const plan = planLayout(OPTIONS);
    const cost = updateCost(plan);
    expect(cost.downloadBytes).toBe(453 * 1024);
    // 140 and 87 pages, 3 and 2 blocks with header and summary each, twice.
    expect(cost.storedBytes).toBe(2 * (140 + 87 + 2 * 5) * 2048);
    expect(cost.storeErases).toBe(10);
    // 70 and 87 erases of 87.5 ms, 43 µs a word.
    expect(cost.installSeconds).toBeCloseTo((70 + 87) * 0.0875 + ((453 * 1024) / 4) * 43e-6, 0);
    expect(cost.wear.map(({ cyclesPerUpdate }) => cyclesPerUpdate)).toEqual([1, 1, 10 / 64, 1]);
    expect(cost.wear[0]?.years).toBeCloseTo(10_000 / 12);
  });
});

describe("the memory map", () => {
  it("shows every partition and what is free", () => {
    const plan = planLayout(OPTIONS);
    const text = drawMemoryMap(plan).join("\n");
    for (const { name } of [...plan.internal, ...plan.network, ...plan.external])
      expect(text).toContain(name);
    expect(text).toContain("112.5 MiB  free");
    const svg = drawMemorySvg(plan);
    expect(svg.match(/<rect /g)).toHaveLength(plan.internal.length + plan.network.length + 2);
    expect(svg).toMatch(/^<svg [^>]*>[^]*<\/svg>\n$/);
  });
});
