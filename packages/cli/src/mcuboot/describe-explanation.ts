// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";
import type { ExplainedBoot, Explanation, Finding, SlotFacts } from "@tandem/mcuboot";

import { describeDecision } from "./run-boot.js";

/** The explanation in lines for people. */
export function describeExplanation(explanation: Explanation): string[] {
  const { slots, boots, outlook } = explanation;
  return [
    ...describeVerdict(explanation),
    "",
    "FLASH",
    ...slots.flatMap(describeSlot),
    "",
    ...boots.flatMap((boot, i) => [...describeNextBoot(boot, i), ""]),
    ...describeOutlook(outlook),
    ...describeChanges([...boots[0].findings, ...outlook]),
  ];
}

/** What people want to know first: what starts, and the worst of the reasons. */
function describeVerdict({ boots, outlook }: Explanation): string[] {
  const [first, second] = boots.map(({ starts }) => starts?.version ?? "nothing");
  const findings = [...boots[0].findings, ...outlook];
  const worst =
    findings.find(({ severity }) => severity === "error") ??
    findings.find(({ severity }) => severity === "warning");
  const lines = ["IN SHORT", `  the next boot starts ${first}, the one after that ${second}`];
  if (worst !== undefined) {
    lines.push(`  image ${worst.image}: ${worst.does}`, `    because: ${worst.why}`);
  }
  return lines;
}

function describeSlot(facts: SlotFacts): string[] {
  const { slot, image, device, offset, size, isBlank } = facts;
  const name = slot === "scratch" ? "scratch area" : `image ${image} ${slot}`;
  const place = `${device} ${hex(offset)}, ${size} bytes`;
  if (isBlank) return [`  ${name} (${place}): blank`];
  return [
    `  ${name} (${place})`,
    ...(slot === "scratch" ? [] : describeHeader(facts)),
    ...describeTrailer(facts),
  ];
}

function describeHeader({ header, magic, tlvs, hasImageInFirstSector }: SlotFacts): string[] {
  const stray = hasImageInFirstSector ? ["    an image begins in the first sector"] : [];
  if (header === null) return [`    no image: begins with ${hex(magic, 8)}`, ...stray];
  const { version, headerSize, imageSize, flags } = header;
  const flagText = flags.length === 0 ? "" : `, flags ${flags.join(" ")}`;
  const names = tlvs.map(({ name, type, value }) => {
    const shown = name === "unknown" || name === "vendor" ? hex(type, 2) : name;
    return value === null ? shown : `${shown} (${value})`;
  });
  return [
    `    version ${version}: header ${headerSize}, payload ${imageSize} bytes${flagText}`,
    `    TLVs: ${names.length === 0 ? "none that can be read" : names.join(", ")}`,
    ...stray,
  ];
}

function describeTrailer({ trailer }: SlotFacts): string[] {
  const { magic, copyDone, imageOk, swapType, swapInfo, imageNum, swapSize, foreignMagic } =
    trailer;
  const isBlank =
    magic === "unset" && copyDone === "unset" && imageOk === "unset" && swapInfo === null;
  if (isBlank) return ["    trailer: blank"];
  const parts = [
    `magic ${magic}${foreignMagic === null ? "" : ` (of BOOT_MAX_ALIGN ${foreignMagic})`}`,
    `copy_done ${copyDone}`,
    `image_ok ${imageOk}`,
    ...(swapInfo === null
      ? []
      : [`swap info ${hex(swapInfo, 2)} (${swapType}, image ${imageNum})`]),
    ...(swapSize === null ? [] : [`swap size ${swapSize}`]),
  ];
  return [`    trailer: ${parts.join(", ")}`];
}

function describeNextBoot(boot: ExplainedBoot, index: number): string[] {
  const title = index === 0 ? "NEXT BOOT" : "BOOT AFTER THAT, if the application changes nothing";
  const lines = [title, ...boot.decisions.map((decision) => `  ${describeDecision(decision)}`)];
  // The second boot repeats most of the first: its outcome is what people ask for.
  const shown = boot.findings.filter(({ severity }) => index === 0 || severity !== "info");
  for (const { image, does, why, where } of shown) {
    lines.push(`  image ${image}: ${does}`, `    because: ${why}`, `    in: ${where}`);
  }
  lines.push(
    boot.starts === null
      ? "  => starts nothing"
      : `  => starts ${boot.starts.version} from the ${boot.starts.slot} slot`,
    `     (${boot.operations} flash operations)`,
  );
  return lines;
}

function describeOutlook(outlook: readonly Finding[]): string[] {
  if (outlook.length === 0) return [];
  const lines = ["TAKE CARE"];
  for (const { image, does, why, where } of outlook) {
    lines.push(`  image ${image}: ${does}`, `    because: ${why}`, `    in: ${where}`);
  }
  return [...lines, ""];
}

function describeChanges(findings: readonly Finding[]): string[] {
  const changes = findings.flatMap(({ image, change }) =>
    change === null ? [] : [`  image ${image}: ${change}`],
  );
  const unique = [...new Set(changes)];
  return ["WHAT TO CHANGE", ...(unique.length === 0 ? ["  nothing"] : unique)];
}
