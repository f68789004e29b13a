// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";

import { digestOf, toHex } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import type { BootResult, FlashBoard, SimpleFlash } from "@tandem/mcuboot";
import { describe, expect, it } from "vitest";

import type { Situation } from "../packages/cli/src/testing/mcuboot/situation.js";
import { SITUATIONS } from "../packages/cli/src/testing/mcuboot/situations.js";
import {
  parseBoots,
  referenceDirectory,
} from "../packages/mcuboot/src/testing/differential/reference.js";
import { TemporaryDirectory } from "./support/temporary.js";

const directory = referenceDirectory();
/** What the reference programs are built with and without; their keys are none. */
const KNOWN_FIELDS = ["mode", "validatePrimary", "bootstrap", "downgradePrevention"];

/** The programs have no keys; and with slots of two sizes, the C code leaves its arrays. */
const INCOMPARABLE = ["signed-by-stranger", "unequal-slots"];

/** The program that is built like this board; null when there is none. */
function programOf({ bootOptions }: FlashBoard): string | null {
  const { config, images, securityCounter, hooks } = bootOptions;
  const isKnown = Object.keys(config).every((field) => KNOWN_FIELDS.includes(field));
  const isPlain = isKnown && securityCounter === undefined && hooks === undefined;
  if (directory === null || !isPlain || config.downgradePrevention === "security-counter") {
    return null;
  }
  const variants = [
    ...(config.validatePrimary === false ? ["-novalidate"] : []),
    ...(config.bootstrap === true ? ["-bootstrap"] : []),
    ...(config.downgradePrevention === "version" ? ["-downgrade"] : []),
  ];
  const program = path.join(directory, `${config.mode}-${images.length}${variants.join("")}`);
  return existsSync(program) ? program : null;
}

/** Commands that bring up a board in the reference driver and boot it twice. */
function commandsFor({ bootOptions }: FlashBoard, flash: SimpleFlash, dump: string): string {
  const areas = bootOptions.images.flatMap(({ primary, secondary }, i) => [
    { name: `p${i}`, area: primary },
    { name: `s${i}`, area: secondary },
  ]);
  areas.push({ name: "scratch", area: bootOptions.scratch });
  return [
    `device 0 ${flash.align} ${flash.erasedValue} ${flash.size / 4096}x4096`,
    ...areas.flatMap(({ name, area }) =>
      area === undefined ? [] : [`area ${name} 0 ${area.offset} ${area.size}`],
    ),
    `load 0 ${dump}`,
    "boot 0",
    "boot 0",
    "",
  ].join("\n");
}

function outcomeOf(result: BootResult): string {
  if (result.kind === "boot") return "start";
  return result.why.reason === "assertion" ? "assert" : "none";
}

describe.skipIf(directory === null)(
  "situations beside MCUboot's C code (TANDEM_MCUBOOT_REF)",
  () => {
    const comparable: readonly Situation[] = SITUATIONS.filter(
      ({ id, board }) => !INCOMPARABLE.includes(id) && programOf(board()) !== null,
    );

    it("has most of them", () => {
      expect(comparable.length).toBeGreaterThan(55);
    });

    it.each(comparable)("boots $id twice to the same bytes", ({ board: build }) => {
      using files = new TemporaryDirectory();
      const board = build();
      const flash = board.devices.get("flash");
      const program = programOf(board);
      if (flash === undefined || program === null) throw new RangeError("not comparable");
      const dump = files.file("dump.bin");
      writeFileSync(dump, flash.bytes);
      const input = commandsFor(board, flash, dump);
      const { stdout } = spawnSync(program, [], { input, encoding: "utf8" });
      const expected = parseBoots(stdout).map(({ outcome, operations, digest }) => [
        outcome.split(":")[0],
        operations,
        digest,
      ]);
      const found = [1, 2].map(() => {
        const outcome = outcomeOf(board.boot());
        return [outcome, board.operations.count, toHex(digestOf(nodeCrypto, flash.bytes))];
      });
      expect(found).toEqual(expected);
    });
  },
);
