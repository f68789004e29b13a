// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { Option } from "@commander-js/extra-typings";
import type { Command } from "@commander-js/extra-typings";
import { hex } from "@tandem/base";
import {
  drawMemoryMap,
  drawMemorySvg,
  emitFiles,
  parseSdkVersion,
  planLayout,
  sizeText,
  updateCost,
} from "@tandem/layout";
import type { LayoutPlan, PartitionWay, PlanOptions, UpdateCost } from "@tandem/layout";

import type { Context } from "../context.js";
import { parsePercent, parseInternalFlash, parseSize, storeChip } from "../layout/plan-options.js";
import { parseWholeNumber } from "../option-parsers.js";
import { createFile } from "../write-file.js";

const WAYS: Readonly<Record<string, PartitionWay>> = {
  pm: "partition-manager",
  devicetree: "devicetree",
};

/** `tandem layout`: partitions for a product with a store. */
export function registerLayoutCommands(program: Command, context: Context): void {
  const layout = program
    .command("layout")
    .description("Partition layouts with a store for both cores");
  layout
    .command("plan")
    .description("Divide the flash of an nRF5340 product, and write the files that say so")
    .option("--flash <memory>", "flash of the application core", parseInternalFlash, 0x100000)
    .addOption(new Option("--nand <part>", "NAND that holds the store").conflicts("nor"))
    .option("--nor <label[=size]>", "NOR that holds the store, by its node label, e.g. MX25R64=8M")
    .requiredOption("--app <size>", "signed application image as it is now", parseSize)
    .requiredOption("--net <size>", "network core firmware as it is now", parseSize)
    .option("--growth <percent>", "how much both may grow", parsePercent, 50)
    .addOption(
      new Option("--banks <n>", "releases that the store keeps; default: as many as fit").choices([
        "2",
        "3",
      ]),
    )
    .option("--settings <size>", "settings of the application", parseSize, 0x10000)
    .addOption(
      new Option(
        "--partitions <way>",
        "who places partitions; default: what the SDK prefers",
      ).choices(["pm", "devicetree"]),
    )
    .option("--sdk <version>", "nRF Connect SDK, such as v2.9.2")
    .option("--key <file>", "private key for images, as sysbuild finds it", "/path/to/key.pem")
    .option(
      "--updates-per-year <n>",
      "for the years that flash lasts",
      parseWholeNumber(1, 100_000),
      12,
    )
    .option("--out <folder>", "write the files there; the folder must not have them yet")
    .option("--svg <file>", "write the memory map as a picture")
    .option("--json", "print one JSON document on standard output")
    .action(async (options) => {
      const sdk = options.sdk === undefined ? null : parseSdkVersion(options.sdk);
      // Partition Manager is deprecated since v3.3.
      const isOld = sdk !== null && (sdk.major < 3 || (sdk.major === 3 && sdk.minor < 3));
      const planned: PlanOptions = {
        internalBytes: options.flash,
        chip: storeChip({
          ...(options.nand === undefined ? {} : { nand: options.nand }),
          ...(options.nor === undefined ? {} : { nor: options.nor }),
        }),
        appBytes: options.app,
        netBytes: options.net,
        growthPercent: options.growth,
        banks: options.banks === undefined ? null : options.banks === "2" ? 2 : 3,
        settingsBytes: options.settings,
        way: WAYS[options.partitions ?? (isOld ? "pm" : "devicetree")] ?? "devicetree",
        sdk,
        keyFile: options.key,
        updatesPerYear: options.updatesPerYear,
      };
      const plan = planLayout(planned);
      const files = emitFiles(plan);
      const cost = updateCost(plan);
      if (options.out !== undefined) await writeFiles(options.out, files);
      if (options.svg !== undefined)
        await createFile(options.svg, new TextEncoder().encode(drawMemorySvg(plan)));
      if (options.json === true) {
        const { internal, network, external, store, remarks } = plan;
        const document = {
          internal,
          network,
          external,
          store,
          cost,
          remarks,
          files: Object.fromEntries(files),
        };
        context.out(`${JSON.stringify(document, null, 2)}\n`);
      } else
        context.out(
          `${planText(plan, cost, options.out === undefined ? files : null, options.out).join("\n")}\n`,
        );
    });
}

/** All files, or an error before the first one: nothing is overwritten. */
async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, text] of files) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    // oxlint-disable-next-line no-await-in-loop -- one after the other, so that the first failure is the last write
    await createFile(path, new TextEncoder().encode(text));
  }
}

function planText(
  plan: LayoutPlan,
  cost: UpdateCost,
  files: ReadonlyMap<string, string> | null,
  folder: string | undefined,
): readonly string[] {
  const reasons = [...plan.internal, ...plan.network, ...plan.external].map(
    ({ name, reason }) => `  ${name}: ${reason}`,
  );
  const shown = [...(files ?? [])].flatMap(([name, text]) => [`--- ${name}`, text]);
  return [
    ...drawMemoryMap(plan),
    "why",
    ...reasons,
    "",
    ...costText(plan, cost),
    "",
    ...plan.remarks,
    "",
    ...(folder === undefined
      ? shown
      : [`Written to ${folder}; check with: tandem check ${folder}`]),
  ];
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function costText({ options, store }: LayoutPlan, cost: UpdateCost): readonly string[] {
  const images = `application up to ${sizeText(store.appBytes)}, network core up to ${sizeText(store.netBytes)}`;
  return [
    `one update of today's images, ${options.updatesPerYear} times a year (model: typical times of the chips)`,
    `  download          ${cost.downloadBytes} bytes`,
    `  store             ${cost.storedBytes} bytes in two copies, ${cost.storeErases} erases, ${seconds(cost.storeSeconds)}`,
    `  verify            ${seconds(cost.verifySeconds)} of reading`,
    `  install           ${seconds(cost.installSeconds)}, the device is away; the same again for a rollback`,
    `  store holds       ${store.banks} releases: ${images}; block of ${hex(store.blockBytes)}`,
    ...cost.wear.map(
      ({ memory, cyclesPerUpdate, enduranceCycles, years }) =>
        `  wear              ${memory}: ${cyclesPerUpdate.toFixed(2)} of ${enduranceCycles} cycles, ${Math.floor(years)} years`,
    ),
  ];
}
