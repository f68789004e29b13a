// SPDX-License-Identifier: Apache-2.0
// `npx tsx --conditions=source scripts/compare-mcuboot.ts [all] [PATTERN]`: boots every scenario
// (the core matrix, or all) whose name holds PATTERN with MCUboot's C code and with Tandem's, and
// prints what differs. Needs TANDEM_MCUBOOT_REF; packages/mcuboot/vectors/SOURCE.md says how.
import { compareScenario } from "../packages/mcuboot/src/testing/differential/compare.js";
import { allScenarios, coreMatrix } from "../packages/mcuboot/src/testing/differential/matrix.js";
import { referenceDirectory } from "../packages/mcuboot/src/testing/differential/reference.js";
import { scenarioName } from "../packages/mcuboot/src/testing/differential/scenario.js";

const directory = referenceDirectory();
if (directory === null) {
  process.stderr.write("TANDEM_MCUBOOT_REF is not set: see packages/mcuboot/vectors/SOURCE.md\n");
  process.exit(2);
}
const words = process.argv.slice(2);
const chosen = words[0] === "all" ? allScenarios() : coreMatrix();
const pattern = words.find((word) => word !== "all") ?? "";
const total = { scenarios: 0, boots: 0, different: 0, undefinedRuns: 0 };
for (const scenario of chosen) {
  if (!scenarioName(scenario).includes(pattern)) continue;
  const { boots, difference, undefinedRuns } = compareScenario(directory, scenario);
  total.scenarios++;
  total.boots += boots;
  total.undefinedRuns += undefinedRuns;
  if (difference === null) continue;
  total.different++;
  process.stdout.write(`${difference}\n\n`);
}
process.stdout.write(
  `${total.scenarios} scenarios, ${total.boots} boots compared, ${total.different} different; ` +
    `${total.undefinedRuns} runs in which MCUboot's C code leaves its arrays\n`,
);
process.exitCode = total.different === 0 ? 0 : 1;
