// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import type { BootConfig } from "./boot-config.js";
import type { BootResult } from "./boot-result.js";
import { bootSetConfirmed, readSwapState } from "./bootutil-public.js";
import type { SecurityCounterPort } from "./security-counter.js";
import { TestBoard, testImage } from "./testing/board.js";
import type { BoardOptions } from "./testing/board.js";

const SWAPS = ["scratch", "move", "offset"] as const;

function reasons(result: BootResult): readonly string[] {
  return result.steps.map(({ reason }) => reason);
}

function pendingBoard(
  options: BoardOptions,
  images: {
    readonly primary: Parameters<typeof testImage>[0];
    readonly secondary: Parameters<typeof testImage>[0];
  },
  permanent = false,
): TestBoard {
  const board = new TestBoard(options);
  board.install(0, "primary", testImage(images.primary));
  board.install(0, "secondary", testImage(images.secondary));
  board.pend(0, permanent);
  return board;
}

const OLD = { version: "1.0.0", size: 9000 };
const NEW = { version: "2.0.0", size: 9500 };

function isErased(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0xff);
}

describe.each(SWAPS)("bootGo with swap using %s", (mode) => {
  it("erases a secondary that does not validate, and keeps what runs", () => {
    const board = pendingBoard({ config: { mode } }, { primary: OLD, secondary: NEW });
    const area = board.options.images[0]?.secondary;
    board.flash.program((area?.offset ?? 0) + 4096 + 3000, new Uint8Array(4));
    const result = board.boot();
    expect(result.kind).toBe("boot");
    expect(result.decisions).toEqual([
      { image: 0, requested: "test", decided: "none", resumed: null },
    ]);
    expect(result.steps.find(({ reason }) => reason === "image-invalid")).toMatchObject({
      slot: "secondary",
      why: "hash-mismatch",
      source: "boot_validate_slot",
    });
    expect(isErased(area?.read(0, area.size) ?? new Uint8Array(1))).toBe(true);
    expect(board.running()).toBe(1);
  });

  it("clears the trailer that a cut erase has left in an empty secondary", () => {
    const board = new TestBoard({ config: { mode } });
    board.install(0, "primary", testImage(OLD));
    board.pend(0);
    const result = board.boot();
    expect(reasons(result)).toEqual(expect.arrayContaining(["slot-empty", "trailer-erased"]));
    const { secondary } = board.options.images[0] ?? {};
    expect(secondary && readSwapState(board.options.config, secondary).magic).toBe("unset");
  });

  it("refuses a downgrade and erases the candidate, by version and by counter", () => {
    const byVersion = { mode, downgradePrevention: "version" } as const;
    const older = pendingBoard({ config: byVersion }, { primary: NEW, secondary: OLD }, true);
    expect(older.boot().steps).toContainEqual(
      expect.objectContaining({
        reason: "downgrade-refused",
        by: "version",
        primary: "2.0.0",
        secondary: "1.0.0",
      }),
    );
    expect(older.running()).toBe(2);
    const exempt = { ...byVersion, downgradeExempt: [0] };
    const allowed = pendingBoard({ config: exempt }, { primary: NEW, secondary: OLD }, true);
    allowed.boot();
    expect(allowed.running()).toBe(1);

    const byCounter = { mode, downgradePrevention: "security-counter" } as const;
    const [five, four] = [
      { ...OLD, counter: 5 },
      { ...NEW, counter: 4 },
    ];
    const lower = pendingBoard({ config: byCounter }, { primary: five, secondary: four }, true);
    expect(reasons(lower.boot())).toContain("downgrade-refused");
    expect(lower.running()).toBe(1);
    const higher = pendingBoard({ config: byCounter }, { primary: four, secondary: five }, true);
    higher.boot();
    expect(higher.running()).toBe(1);
    expect(higher.options.images[0]?.primary.read(20, 1)[0]).toBe(1);
  });

  it("raises the security counter of a trial only when it is confirmed", () => {
    const counter = counterPort(1);
    const more = { securityCounter: counter };
    const images = { primary: { ...OLD, counter: 1 }, secondary: { ...NEW, counter: 2 } };
    const board = pendingBoard({ config: { mode }, more }, images);
    expect(reasons(board.boot())).toContain("security-counter-waits");
    expect(counter.value).toBe(1);
    const { primary } = board.options.images[0] ?? {};
    expect(primary && bootSetConfirmed(board.options.config, primary)).toBe(0);
    expect(reasons(board.boot())).toContain("security-counter-updated");
    expect(counter.value).toBe(2);
  });

  it("raises the security counter at once when the swap is permanent, and bars older images", () => {
    const counter = counterPort(1);
    const more = { securityCounter: counter };
    const images = { primary: { ...OLD, counter: 1 }, secondary: { ...NEW, counter: 7 } };
    const board = pendingBoard({ config: { mode }, more }, images, true);
    board.boot();
    expect(counter.value).toBe(7);
    board.pend(0, true);
    const back = board.boot();
    // With offset, the old image stands in the first sector, where no new one is looked for.
    const refused =
      mode === "offset"
        ? { why: "wrong-upload-address" }
        : { why: "security-counter-too-low", expected: 7, found: 1 };
    expect(back.steps).toContainEqual(expect.objectContaining(refused));
    expect(board.running()).toBe(2);
  });

  it("calls hooks where MCUboot does and ignores what the copy hook returns", () => {
    const calls: string[] = [];
    const hooks = {
      boot_copy_region_post_hook: (image: number, _area: unknown, size: number) => {
        calls.push(`copied ${image} ${size > 9500}`);
        return 22;
      },
      boot_perform_update_hook: (image: number) => {
        calls.push(`update ${image}`);
        return 1;
      },
    };
    const board = pendingBoard(
      { config: { mode }, more: { hooks } },
      { primary: OLD, secondary: NEW },
    );
    expect(board.boot().kind).toBe("boot");
    expect(calls).toEqual(["update 0", "copied 0 true"]);
  });
});

it("leaves out a swap that has no room, but writes its flag", () => {
  // Larger than what fits beside the spare sector: only a hook lets it pass.
  const hooks = { boot_image_check_hook: () => "FIH_SUCCESS" as const };
  const tall = { version: "2.0.0", size: 15 * 4096 - 2000 };
  const board = pendingBoard(
    { config: { mode: "move" }, more: { hooks } },
    { primary: OLD, secondary: tall },
  );
  const told = reasons(board.boot());
  expect(told).toEqual(expect.arrayContaining(["no-room", "marked"]));
  expect(board.running()).toBe(1);
});

/** A counter that rises only. */
function counterPort(start: number): SecurityCounterPort & { value: number } {
  const port = {
    value: start,
    read: () => port.value,
    update: (_image: number, counter: number) => {
      port.value = Math.max(port.value, counter);
      return true;
    },
  };
  return port;
}

/** After a boot that was asked for an image 0 that needs build 9 of image 1, which has build 0. */
function boardNeedingBuild9(compareBuildNumber: boolean): TestBoard {
  const board = new TestBoard({ config: { mode: "scratch", compareBuildNumber }, images: 2 });
  board.install(0, "primary", testImage(OLD));
  board.install(0, "secondary", testImage({ ...NEW, needs: { image: 1, version: "1.0.0+9" } }));
  board.install(1, "primary", testImage(OLD));
  board.pend(0);
  board.boot();
  return board;
}

describe("bootGo with two images", () => {
  const config: BootConfig = { mode: "scratch" };

  function mutual(installed: readonly number[], secondVersion = "2.0.0"): TestBoard {
    const board = new TestBoard({ config, images: 2 });
    for (const image of [0, 1]) {
      board.install(image, "primary", testImage(OLD));
      const needs = { image: 1 - image, version: "2.0.0" };
      const version = image === 1 ? secondVersion : "2.0.0";
      board.install(image, "secondary", testImage({ ...NEW, version, needs }));
      if (installed.includes(image)) board.pend(image);
    }
    return board;
  }

  it("installs images that need each other together", () => {
    const board = mutual([0, 1]);
    board.boot();
    expect([board.running(0), board.running(1)]).toEqual([2, 2]);
  });

  it("installs none when one of them is missing, and says which", () => {
    const board = mutual([0]);
    const result = board.boot();
    expect(result.steps).toContainEqual({
      image: 0,
      source: "boot_verify_slot_dependencies",
      reason: "dependency-unmet",
      slot: "secondary",
      needs: { image: 1, atLeast: "2.0.0" },
      found: "1.0.0",
    });
    expect(result.decisions.map(({ decided }) => decided)).toEqual(["none", "none"]);
    expect([board.running(0), board.running(1)]).toEqual([1, 1]);
  });

  it("compares without the build number unless built to", () => {
    expect(boardNeedingBuild9(false).running(0)).toBe(2);
    expect(boardNeedingBuild9(true).running(0)).toBe(1);
  });

  it("takes a revert back that only a cut between the images had pretended", () => {
    const board = mutual([0, 1]);
    const start = board.snapshot();
    board.boot();
    const operations = board.operations.count;
    let reviewed = 0;
    for (let cut = 0; cut < operations; cut++) {
      board.restore(start);
      expect(() => board.boot(cut)).toThrow("power lost");
      if (reasons(board.boot()).includes("revert-reviewed")) reviewed++;
    }
    expect(reviewed).toBeGreaterThan(operations / 3);
  });
});

describe("bootGo in overwrite mode", () => {
  const config: BootConfig = { mode: "overwrite" };

  it("copies the image and not the slot, unless built to", () => {
    const fast = pendingBoard({ config }, { primary: OLD, secondary: NEW });
    fast.boot();
    expect(fast.operations.count).toBeLessThan(25);
    const whole = { ...config, overwriteOnlyFast: false };
    const slow = pendingBoard({ config: whole }, { primary: OLD, secondary: NEW });
    slow.boot();
    expect(slow.operations.count).toBe(16 + 64 + 2);
  });

  it("stops for ever when the hook after the copy fails, with the primary replaced", () => {
    const hooks = { boot_copy_region_post_hook: () => -1 };
    const board = pendingBoard({ config, more: { hooks } }, { primary: OLD, secondary: NEW });
    for (let boots = 0; boots < 3; boots++) {
      const result = board.boot();
      expect(result).toMatchObject({ kind: "none", why: { reason: "assertion" } });
      expect(board.running()).toBe(2);
    }
  });

  it("erases an older candidate with downgrade prevention", () => {
    const prevents = { ...config, downgradePrevention: "version" } as const;
    const board = pendingBoard({ config: prevents }, { primary: NEW, secondary: OLD });
    expect(reasons(board.boot())).toEqual(
      expect.arrayContaining(["downgrade-refused", "slot-erased"]),
    );
    expect(board.running()).toBe(2);
  });

  it("starts from a header and a swap state that hooks supply", () => {
    const hooks = {
      boot_read_swap_state_primary_slot_hook: () => ({
        magic: "unset" as const,
        swapType: 1,
        copyDone: "unset" as const,
        imageOk: "unset" as const,
        imageNum: 0,
      }),
      boot_image_check_hook: (_image: number, slot: number) =>
        slot === 0 ? ("FIH_SUCCESS" as const) : ("FIH_BOOT_HOOK_REGULAR" as const),
    };
    const board = pendingBoard({ config, more: { hooks } }, { primary: OLD, secondary: NEW });
    const result = board.boot();
    expect(result.steps).toContainEqual(
      expect.objectContaining({ reason: "swap-type", hooked: true }),
    );
    expect(result.steps).toContainEqual(
      expect.objectContaining({ reason: "image-valid", slot: "primary", hooked: true }),
    );
  });

  it("refuses an image that is linked for somewhere else", () => {
    const checks = { ...config, imageAddressCheck: "header" } as const;
    const astray = { ...NEW, loadAddress: 0x80_0000 };
    const board = pendingBoard({ config: checks }, { primary: OLD, secondary: astray });
    expect(board.boot().steps).toContainEqual(
      expect.objectContaining({ reason: "wrong-image-address", found: 0x80_0000 }),
    );
    const home = pendingBoard({ config: checks }, { primary: OLD, secondary: NEW });
    home.boot();
    expect(home.running()).toBe(2);
  });
});

describe("bootGo with bootstrap", () => {
  it.each(["overwrite", "scratch", "move"] as const)("fills an empty primary, mode %s", (mode) => {
    const board = new TestBoard({ config: { mode, bootstrap: true, maxImgSectors: 16 } });
    board.install(0, "secondary", testImage(NEW));
    const result = board.boot();
    expect(reasons(result)).toContain("bootstrap");
    expect(result.kind).toBe("boot");
    expect(board.running()).toBe(2);
    const again = board.boot();
    expect(again.kind).toBe("boot");
    expect(board.operations.count).toBe(0);
  });
});

describe("bootGo with one slot", () => {
  const config: BootConfig = { mode: "single" };

  it("starts a valid image, and nothing else", () => {
    const board = new TestBoard({ config });
    expect(board.boot()).toMatchObject({ kind: "none", why: { reason: "primary-bad-magic" } });
    board.install(0, "primary", testImage(OLD));
    expect(board.boot()).toMatchObject({ kind: "boot", slot: "primary" });
    board.flash.program(5000, new Uint8Array(8));
    expect(board.boot()).toMatchObject({ kind: "none", why: { why: "hash-mismatch" } });
  });

  it("bars an image below the security counter and never raises it", () => {
    const counter = counterPort(3);
    const board = new TestBoard({ config, more: { securityCounter: counter } });
    board.install(0, "primary", testImage({ ...OLD, counter: 5 }));
    expect(board.boot().kind).toBe("boot");
    expect(counter.value).toBe(3);
    counter.value = 6;
    expect(board.boot()).toMatchObject({ kind: "none", why: { why: "security-counter-too-low" } });
  });

  it("leaves the decision to boot_go_hook when that fails", () => {
    const hooks = { boot_go_hook: () => "FIH_FAILURE" as const };
    const board = new TestBoard({ config, more: { hooks } });
    board.install(0, "primary", testImage(OLD));
    expect(board.boot()).toMatchObject({ kind: "none", why: { source: "boot_go_hook" } });
  });
});

function xipBoard(mode: "direct-xip" | "direct-xip-revert", second = NEW): TestBoard {
  const board = new TestBoard({ config: { mode } });
  board.install(0, "primary", testImage(OLD));
  board.install(0, "secondary", testImage(second));
  return board;
}

describe("bootGo with direct-xip", () => {
  it("starts the newer image where it is, the primary when both are equal", () => {
    expect(xipBoard("direct-xip").boot()).toMatchObject({ kind: "boot", slot: "secondary" });
    expect(xipBoard("direct-xip", { ...NEW, version: "1.0.0" }).boot()).toMatchObject({
      slot: "primary",
    });
  });

  it("erases a broken image and starts the other", () => {
    const board = xipBoard("direct-xip");
    board.flash.program(16 * 4096 + 2000, new Uint8Array(4));
    expect(board.boot()).toMatchObject({ kind: "boot", slot: "primary" });
    expect(isErased(board.flash.bytes.subarray(16 * 4096, 17 * 4096))).toBe(true);
  });

  it("passes over an image that is linked for another address", () => {
    const board = new TestBoard({ config: { mode: "direct-xip" } });
    board.install(0, "primary", testImage(OLD));
    const flags = 0x100;
    board.install(0, "secondary", testImage({ ...NEW, flags, loadAddress: 0x1234 }));
    const result = board.boot();
    expect(result).toMatchObject({ slot: "primary" });
    expect(reasons(result)).toContain("slot-wrong-address");
  });

  it("with revert, erases an image that has not confirmed itself", () => {
    const board = xipBoard("direct-xip-revert");
    const [{ primary, secondary } = {}] = board.options.images;
    if (primary === undefined || secondary === undefined) return;
    expect(bootSetConfirmed(board.options.config, primary)).toBe(0);
    expect(board.pend(0)).toBe(0);
    expect(board.boot()).toMatchObject({ slot: "secondary" });
    const second = board.boot();
    expect(second).toMatchObject({ slot: "primary" });
    expect(reasons(second)).toEqual(expect.arrayContaining(["slot-unconfirmed", "slot-erased"]));
  });

  it("with revert, keeps an image that has", () => {
    const board = xipBoard("direct-xip-revert");
    const { secondary } = board.options.images[0] ?? {};
    board.pend(0);
    board.boot();
    expect(secondary && bootSetConfirmed(board.options.config, secondary)).toBe(0);
    expect(board.boot()).toMatchObject({ slot: "secondary" });
    expect(board.operations.count).toBe(0);
  });

  it("tells a hook that insists on a bad slot from a boot", () => {
    const hooks = { boot_find_next_slot_hook: () => ({ activeSlot: 1 as const }) };
    const board = new TestBoard({ config: { mode: "direct-xip" }, more: { hooks } });
    board.install(0, "primary", testImage(OLD));
    expect(board.boot()).toMatchObject({ kind: "none", why: { reason: "hang" } });
  });
});

describe("bootGo", () => {
  it("refuses encrypted and compressed images by name", () => {
    for (const [flags, why] of [
      [0x4, "encrypted"],
      [0x200, "compressed"],
    ] as const) {
      const board = new TestBoard({ config: { mode: "overwrite" } });
      board.install(0, "primary", testImage({ ...OLD, flags }));
      expect(board.boot()).toMatchObject({ kind: "none", why: { reason: "image-invalid", why } });
    }
  });

  it.each([
    [{ mode: "ram-load" }, "mcuboot/unsupported-mode"],
    [{ mode: "move", maxAlign: 4 }, "mcuboot/config"],
    [{ mode: "overwrite", downgradePrevention: "security-counter" }, "mcuboot/config"],
    [{ mode: "move", maxImgSectors: 0 }, "mcuboot/config"],
  ])("refuses a build that cannot be: %o", (config, code) => {
    const good = new TestBoard({ config: { mode: "move" } });
    const build = (): unknown => {
      Object.assign(good.options, { config });
      return good.boot();
    };
    expect(build).toThrow(expect.objectContaining({ code }));
  });

  it("calls slots incompatible, and starts none of their images when it validates", () => {
    const config = { mode: "move", maxImgSectors: 8 } as const;
    const board = pendingBoard({ config }, { primary: OLD, secondary: NEW });
    const result = board.boot();
    expect(result.kind).toBe("none");
    expect(board.operations.count).toBe(0);
  });
});
