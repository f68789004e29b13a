// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { runCommand } from "../testing/run-command.js";

const ALONE = ["--scenario", "damaged", "--workers", "0"];

describe("tandem explore --faults", () => {
  it("makes the faults that it is told to, and no others", async () => {
    const { status, out } = await runCommand(["explore", ...ALONE, "--faults", "transport,decay"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^faults: cuts 0, resets 0, decay [1-9]\d*, bad-blocks 0, transport 6$/m);
  });

  it("refuses kinds of fault that there are not", async () => {
    const { status, err } = await runCommand(["explore", ...ALONE, "--faults", "cuts,rust"]);
    expect(status).toBe(2);
    expect(err).toContain("rust: expected some of cuts,resets,decay,bad-blocks,transport");
  });
});

describe("tandem explore replay", () => {
  it("tells each fault of a line in words", async () => {
    const line = "small/nand-1bit/good w40,x7,exchanged,@60s:mixed d41,-";
    const { status, out } = await runCommand(["explore", "replay", line]);
    expect(status).toBe(0);
    expect(out).toContain(
      "page 40 of the store has decayed: as many bits are wrong as ECC corrects",
    );
    expect(out).toContain("transport: the server exchanges the file in the middle");
    expect(out).toMatch(/^ {4}7 program nand \S+ \+ 1024, which fails: the block goes bad$/m);
    expect(out).toMatch(/^ {2}reset \(soft\) during \w+ nand \S+ \+ \d+, which leaves: mixed$/m);
    expect(out).toContain("page 41 of the store has decayed: ECC cannot correct it any more");
  });

  it.each(["y7,-", "d1,", "x,-", "@3s:gone"])("refuses %s", async (word) => {
    const { status } = await runCommand(["explore", "replay", `small/nand-1bit/good ${word}`]);
    expect(status).toBe(2);
  });

  it.each(["small/nor/good d40,-", "small/nand-1bit/good d132,-"])(
    "refuses to let a page decay that cannot: %s",
    async (line) => {
      const { status, err } = await runCommand(["explore", "replay", line]);
      expect(status).toBe(2);
      expect(err).toMatch(/page \d+ of (NOR|the store), expected/);
    },
  );
});
