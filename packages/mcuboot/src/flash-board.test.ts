// SPDX-License-Identifier: Apache-2.0
import { UsageError, bytesEqual } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { PowerLoss } from "@tandem/flash";
import { describe, expect, it } from "vitest";

import { FlashBoard } from "./flash-board.js";
import { FihResult } from "./hooks.js";
import { createSweepBoard } from "./sweep/sweep-board.js";

/** Two images, updates of both marked. */
function pendingBoard(): FlashBoard {
  return createSweepBoard(
    {
      mode: "scratch",
      images: 2,
      size: 5000,
      slotSize: 0x8000,
      sectorSize: 4096,
      align: 8,
      deps: "none",
      pending: "test",
      from: "install",
      flip: null,
    },
    nodeCrypto,
  );
}

function bytesOf(board: FlashBoard): Uint8Array {
  return board.devices.get("flash")?.bytes.slice() ?? new Uint8Array(0);
}

describe("FlashBoard", () => {
  it("has forks that share nothing with it", () => {
    const board = pendingBoard();
    const before = bytesOf(board);
    const fork = board.fork();
    expect(bytesEqual(bytesOf(fork), before)).toBe(true);
    fork.boot();
    expect(bytesEqual(bytesOf(board), before)).toBe(true);
    expect(bytesEqual(bytesOf(fork), before)).toBe(false);
    board.copyFrom(fork);
    expect(bytesEqual(bytesOf(board), bytesOf(fork))).toBe(true);
  });

  it("counts operations from 0 at every boot, and cuts before the one that it is told", () => {
    const board = pendingBoard();
    const whole = board.fork();
    whole.boot();
    expect(whole.operations.count).toBeGreaterThan(50);
    const last = whole.operations.count - 1;
    expect(() => board.boot(last)).toThrow(PowerLoss);
    expect(board.operations.count).toBe(last);
    expect(board.boot().kind).toBe("boot");
    expect(board.operations.count).toBeLessThan(last);
  });

  it("makes hooks for itself and for each fork", () => {
    const seen: FlashBoard[] = [];
    const area = { device: "flash", offset: 0, size: 8192 };
    const geometry = { size: 8192, sectorSize: 4096, align: 4, erasedValue: 0xff } as const;
    const board = new FlashBoard({
      config: { mode: "single" },
      devices: [{ name: "flash", ...geometry }],
      images: [{ primary: area }],
      crypto: nodeCrypto,
      makeHooks: (owner) => {
        seen.push(owner);
        return { boot_go_hook: () => FihResult.FIH_FAILURE };
      },
    });
    const fork = board.fork();
    expect(seen).toEqual([board, fork]);
    expect(fork.boot()).toMatchObject({ why: { reason: "refused-by-boot-go-hook" } });
  });

  it("refuses areas of devices that it does not have", () => {
    const area = { device: "qspi", offset: 0, size: 8192 };
    const make = (): FlashBoard =>
      new FlashBoard({
        config: { mode: "single" },
        devices: [],
        images: [{ primary: area }],
        crypto: nodeCrypto,
      });
    expect(make).toThrow(UsageError);
    expect(make).toThrow(/no device qspi/);
  });
});
