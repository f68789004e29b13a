// SPDX-License-Identifier: Apache-2.0
// `npx tsx --conditions=source scripts/generate-mcuboot-sweep.ts`: what MCUboot's own code answers
// to the sweeps in packages/mcuboot/vectors/sweep-k64f.json. Needs TANDEM_MCUBOOT_REF.
import { writeFileSync } from "node:fs";
import path from "node:path";

import { referenceDirectory } from "../packages/mcuboot/src/testing/differential/reference.js";
import type { Scenario } from "../packages/mcuboot/src/testing/differential/scenario.js";
import { payloadSeed } from "../packages/mcuboot/src/testing/differential/start-flash.js";
import {
  K64F_LAYOUT,
  K64F_PAYLOAD_BYTES,
  K64F_SECTOR_BYTES,
  K64F_SLOT_BYTES,
  sweepReference,
} from "../packages/mcuboot/src/testing/differential/sweep-reference.js";

const OUTPUT = path.join(import.meta.dirname, "../packages/mcuboot/vectors/sweep-k64f.json");

/** Early and late in the payload, and in both images. */
const FLIPS = [
  null,
  { image: 0, offset: 20_000 },
  { image: 1, offset: 20_000 },
  { image: 1, offset: 99_000 },
] as const;

function scenarios(): readonly Scenario[] {
  return (["scratch", "move", "offset", "overwrite"] as const).flatMap((mode) =>
    (["none", "mutual"] as const).flatMap((dependencies) =>
      (["test", "permanent", "first-only"] as const).flatMap((pending) =>
        (["install", "revert"] as const)
          .filter((from) => from === "install" || (mode !== "overwrite" && pending !== "permanent"))
          .map((from) => ({ ...K64F_LAYOUT, mode, dependencies, pending, from })),
      ),
    ),
  );
}

const directory = referenceDirectory();
if (directory === null) {
  process.stderr.write("TANDEM_MCUBOOT_REF is not set: see packages/mcuboot/vectors/SOURCE.md\n");
  process.exit(2);
}
const total = { points: 0, seconds: 0 };
const rows: string[] = [];
for (const scenario of scenarios()) {
  for (const flip of FLIPS) {
    const { counts, seconds } = sweepReference(directory, scenario, flip);
    total.points += counts.points;
    total.seconds += seconds;
    const { mode, dependencies, pending, from } = scenario;
    const afterCut = flip === null ? "none" : `flip:${flip.image}:${flip.offset}`;
    rows.push(JSON.stringify({ mode, deps: dependencies, pending, from, afterCut, counts }));
  }
}
const { images, align, seed } = K64F_LAYOUT;
const head = JSON.stringify({
  format: "tandem-mcuboot-sweep-1",
  mcuboot: "2.4.0",
  images,
  size: K64F_PAYLOAD_BYTES,
  slotSize: K64F_SLOT_BYTES,
  sectorSize: K64F_SECTOR_BYTES,
  align,
  payloadSeeds: [0, 1].map((image) => [payloadSeed(seed, image, 1), payloadSeed(seed, image, 2)]),
});
// One sweep per line, so that a change shows.
writeFileSync(OUTPUT, `${head.slice(0, -1)},"sweeps":[\n${rows.join(",\n")}\n]}\n`);
process.stderr.write(
  `${rows.length} sweeps, ${total.points} points in ${total.seconds.toFixed(1)} s: ` +
    `${(total.points / total.seconds).toFixed(0)} per second on one core\n`,
);
