// SPDX-License-Identifier: Apache-2.0
import { bootGo } from "./boot-go.js";
import type { BootFlashArea } from "./boot-flash-area.js";
import type { BootOptions, ImageAreas } from "./boot-options.js";
import type { BootResult } from "./boot-result.js";
import { FlashOperations, SimpleFlash } from "./simple-flash.js";

/** What a boot would do. */
export interface DryRun {
  readonly result: BootResult;
  /** Flash operations that the boot would take. */
  readonly operations: number;
  /**
   * The same device as the boot would leave it, in memory: to look at, to confirm on, or to boot
   * again. Security counter and hooks are those that were given.
   */
  readonly after: BootOptions;
}

/**
 * What MCUboot would decide and do, without writing: the boot runs on copies of all areas. Hooks
 * are called; a security counter is read, and what would raise it is kept in the copy.
 */
export function dryRunBoot(options: BootOptions): DryRun {
  const operations = new FlashOperations();
  const after = copyOf(options, operations);
  const result = bootGo(after);
  return { result, operations: operations.count, after };
}

function copyOf(options: BootOptions, operations: FlashOperations): BootOptions {
  const { scratch, securityCounter } = options;
  const counters = new Map<number, number>();
  return {
    ...options,
    images: options.images.map(({ primary, secondary }): ImageAreas => ({
      primary: copyArea(primary, operations),
      ...(secondary && { secondary: copyArea(secondary, operations) }),
    })),
    ...(scratch && { scratch: copyArea(scratch, operations) }),
    ...(securityCounter && {
      securityCounter: {
        isRequired: (image) => securityCounter.isRequired?.(image) ?? true,
        read: (image) => counters.get(image) ?? securityCounter.read(image),
        update: (image, counter) => {
          const stored = counters.get(image) ?? securityCounter.read(image) ?? 0;
          counters.set(image, Math.max(stored, counter));
          return true;
        },
      },
    }),
  };
}

/** The area alone on a device of its own, under the name and at the offset of the original. */
function copyArea(area: BootFlashArea, operations: FlashOperations): BootFlashArea {
  const flash = new SimpleFlash({
    name: area.device,
    size: area.size,
    sectorSize: area.sectors.map((sector) => sector.size),
    align: area.align,
    erasedValue: area.erasedValue === 0 ? 0x00 : 0xff,
    bytes: area.read(0, area.size),
    operations,
  });
  return { ...flash.area(0, area.size), offset: area.offset };
}
