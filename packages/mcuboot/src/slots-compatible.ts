// SPDX-License-Identifier: Apache-2.0
import type { IncompatibleSlots } from "./boot-result.js";
import type { LoaderImage } from "./loader-state.js";

/** How the sectors of two slots go together: the walk that both functions below make in C. */
export interface SectorMatch {
  readonly problem: IncompatibleSlots | null;
  /** Bytes up to the last boundary that both slots have in common. */
  readonly commonSize: number;
}

/**
 * `boot_slots_compatible` of swap using scratch and of overwrite-only: every sector of one slot
 * must be made up of sectors of the other, and fit into scratch.
 * @param scratchSize null in overwrite mode, where boundaries inside the slots do not matter
 * @see MCUboot, boot/bootutil/src/swap_scratch.c
 */
export function matchSectors({ slots }: LoaderImage, scratchSize: number | null): SectorMatch {
  const [primary, secondary] = [slots[0].area.sectors, slots[1].area.sectors];
  let [i, j, sizePrimary, sizeSecondary, commonSize] = [0, 0, 0, 0, 0];
  let smaller: "none" | "primary" | "secondary" = "none";
  while (i < primary.length || j < secondary.length) {
    if (sizePrimary === sizeSecondary) {
      sizePrimary += primary[i++]?.size ?? 0;
      sizeSecondary += secondary[j++]?.size ?? 0;
    } else if (sizePrimary < sizeSecondary) {
      if (i >= primary.length) return refuse("different-slot-sizes");
      if (smaller === "secondary") return refuse("different-sector-sizes");
      smaller = "primary";
      sizePrimary += primary[i++]?.size ?? 0;
    } else {
      if (j >= secondary.length) return refuse("different-slot-sizes");
      if (smaller === "primary") return refuse("different-sector-sizes");
      smaller = "secondary";
      sizeSecondary += secondary[j++]?.size ?? 0;
    }
    if (scratchSize === null || sizePrimary !== sizeSecondary) continue;
    if (sizePrimary > scratchSize) return refuse("scratch-too-small");
    commonSize += sizePrimary;
    smaller = "none";
    sizePrimary = sizeSecondary = 0;
  }
  const isWhole = i === primary.length && j === secondary.length;
  return { problem: isWhole ? null : "different-slot-sizes", commonSize };
}

/**
 * `boot_slots_compatible` of swap using move and offset: equal sectors, and equally many, or one
 * more in the slot that needs it.
 * @see MCUboot, boot/bootutil/src/swap_move.c, swap_offset.c
 */
export function matchEqualSectors(
  { slots }: LoaderImage,
  options: { readonly mode: "move" | "offset"; readonly maxSectors: number },
): IncompatibleSlots | null {
  const [primary, secondary] = [slots[0].area.sectors, slots[1].area.sectors];
  const spare = options.mode === "move" ? 1 : -1;
  const difference = primary.length - secondary.length;
  if (difference !== 0 && difference !== spare) return "different-sector-count";
  const { maxSectors } = options;
  if (primary.length > maxSectors || secondary.length > maxSectors) return "too-many-sectors";
  // Swap using offset leaves the last sector of the secondary unchecked.
  const checked = options.mode === "move" ? secondary.length : secondary.length - 1;
  for (let i = 0; i < checked; i++) {
    if (primary[i]?.size !== secondary[i]?.size) return "different-sector-sizes";
  }
  if (difference <= 0) return null;
  const last = primary[checked - 1]?.size;
  return primary[checked]?.size === last ? null : "different-sector-sizes";
}

function refuse(problem: IncompatibleSlots): SectorMatch {
  return { problem, commonSize: 0 };
}
