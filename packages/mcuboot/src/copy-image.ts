// SPDX-License-Identifier: Apache-2.0
import { bootAssert } from "./boot-stop.js";
import { bootCopyRegion } from "./copy-region.js";
import { bootEraseRegion, bootScrambleRegion } from "./erase.js";
import { bootReadImageSize } from "./image-size.js";
import { tell } from "./loader-state.js";
import type { LoaderImage, LoaderState } from "./loader-state.js";
import { bootUpdateSecurityCounter } from "./rollback-protection.js";
import { firstTrailerSector, sectorOf } from "./sectors.js";
import { bootWriteMagic } from "./trailer.js";
import { alignDown, trailerSize } from "./trailer-format.js";

/**
 * `boot_copy_image`: the secondary goes over the primary, from its start, however often it is cut.
 * False when a copy, a hook or the security counter fails, which stops the boot.
 * @see MCUboot, boot/bootutil/src/loader.c
 */
export function bootCopyImage(state: LoaderState, image: LoaderImage): boolean {
  const where = "boot_copy_image";
  const { config, hooks } = state;
  const [primary, secondary] = image.slots;
  const isFast = config.overwriteOnlyFast;
  let imageSize: number | null = null;
  if (isFast) {
    imageSize = bootReadImageSize(image, secondary);
    bootAssert(imageSize !== null, where, "the secondary image has a size");
  }
  const erasedSize = erasePrimary(image, imageSize);
  // The primary of swap using move has a sector that the secondary has not.
  const size =
    config.mode === "move" ? copySize(image, secondary.area.sectors, imageSize) : erasedSize;
  if (isFast) eraseTrailer(state, image);
  const inSecondary = config.mode === "offset" ? sectorOf(secondary, 0).size : 0;
  const from = { area: secondary.area, offset: inSecondary };
  if (!bootCopyRegion(from, { area: primary.area, offset: 0 }, size)) return false;
  tell(state, image.index, where, { reason: "overwritten", size });
  if (isFast && !bootWriteMagic(primary.trailer)) return false;
  if ((hooks.boot_copy_region_post_hook?.(image.index, primary.area, size) ?? 0) !== 0)
    return false;
  if (!bootUpdateSecurityCounter(state, image, primary, secondary)) return false;
  eraseSecondaryEnds(state, image);
  return true;
}

/** Erases the primary's sectors as far as the image goes; returns how much is to be copied. */
function erasePrimary(image: LoaderImage, imageSize: number | null): number {
  const [{ area }] = image.slots;
  let size = 0;
  for (const sector of area.sectors) {
    const erased = bootEraseRegion(area, size, sector.size, false);
    bootAssert(erased, "boot_copy_image", "primary erased");
    if (imageSize !== null && size + sector.size >= imageSize) {
      return roundedUp(imageSize, image.writeSize);
    }
    size += sector.size;
  }
  return size;
}

function copySize(
  image: LoaderImage,
  sectors: readonly { readonly size: number }[],
  imageSize: number | null,
): number {
  const size = sectors.reduce((sum, sector) => sum + sector.size, 0);
  return imageSize !== null && imageSize <= size ? roundedUp(imageSize, image.writeSize) : size;
}

/** To the next write unit; a whole one more when there is nothing to round, as in C. */
function roundedUp(size: number, writeSize: number): number {
  return alignDown(size, writeSize) + writeSize;
}

function eraseTrailer({ format }: LoaderState, image: LoaderImage): void {
  const [primary] = image.slots;
  const first = sectorOf(
    primary,
    firstTrailerSector(primary, trailerSize(format, image.writeSize)),
  );
  const erased = bootEraseRegion(
    primary.area,
    first.offset,
    primary.area.size - first.offset,
    false,
  );
  bootAssert(erased, "boot_copy_image", "primary trailer erased");
}

/** Header and trailer of the secondary go, so that its image is not installed again. */
function eraseSecondaryEnds({ config }: LoaderState, image: LoaderImage): void {
  const [, secondary] = image.slots;
  const { area } = secondary;
  const last = sectorOf(secondary, area.sectors.length - 1);
  const ends = config.overwriteOnlyKeepBackup ? [last] : [sectorOf(secondary, 0), last];
  for (const { offset, size } of ends) {
    const erased = bootScrambleRegion(area, offset, size, false);
    bootAssert(erased, "boot_copy_image", "secondary header and trailer erased");
  }
}
