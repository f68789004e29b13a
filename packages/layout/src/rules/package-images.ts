// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";
import { compareVersions, formatVersion } from "@tandem/image";
import { NRF5340_LAYOUT } from "@tandem/release";

import { partitionOf, slotOf } from "../model/layout.js";
import { MCUBOOT_HEADER_SIZE } from "../model/nrf5340.js";
import { ALL_SDKS } from "../model/sdk-version.js";
import { packagePlace } from "../read/dfu-package.js";
import type { DfuPackage, PackageImage } from "../read/dfu-package.js";
import { appLayouts } from "./overlap.js";
import type { CheckContext, Rule, Violation } from "./rule.js";
import { NETWORK_CORE_IMAGE } from "./slots.js";

/** An image does not fit where it goes. */
export const imageTooLarge: Rule = {
  id: "image/too-large",
  severity: "error",
  title: "Images fit their slots",
  reason: "The device refuses the download, or MCUboot reads behind the slot and installs nothing.",
  source:
    "sdk-nrf subsys/dfu/dfu_target/src/dfu_target_mcuboot.c (EFBIG); sdk-mcuboot boot/bootutil/src/image_validate.c",
  affects: ALL_SDKS,
  fix: "Make the image smaller or both slots larger.",
  *check(context) {
    for (const [file, image] of packageImages(context)) {
      for (const layout of appLayouts(context)) {
        for (const kind of ["primary", "secondary"] as const) {
          const slot = slotOf(layout, kind, image.imageIndex);
          if (slot === null || slot.size === null || image.fileBytes <= slot.size) continue;
          yield {
            message: `${image.file} has ${hex(image.fileBytes)} bytes, expected at most ${hex(slot.size)} of ${slot.name}`,
            place: packagePlace(file),
            related: [{ place: slot.sizePlace, message: "the slot" }],
          };
        }
      }
      yield* tooLargeForNetworkCore(context, file, image);
    }
  },
};

/** A dependency that MCUboot can never find fulfilled. */
export const impossibleDependency: Rule = {
  id: "image/impossible-dependency",
  severity: "error",
  title: "Dependencies between images can hold",
  reason:
    "For an update of the application alone MCUboot compares with the faked header of the network " +
    "core's RAM slot, version 0.0.0: the dependency is unmet, and the update is dropped without a word.",
  source:
    "sdk-nrf modules/mcuboot/hooks/nrf53_hooks.c, boot_read_image_header_hook; sdk-mcuboot boot/bootutil/src/loader.c, boot_verify_dependencies",
  affects: ALL_SDKS,
  fix: "Sign without --dependencies and bind the images with a manifest (tandem release build), or send both images in every update.",
  *check(context) {
    for (const { file, images } of context.project.packages) {
      for (const image of images) {
        for (const { imageIndex, minVersion } of image.dependencies) {
          const needed = images.find((other) => other.imageIndex === imageIndex);
          const wanted = `${image.file} needs image ${imageIndex} of at least ${formatVersion(minVersion)}`;
          const place = packagePlace(file);
          if (needed === undefined) {
            const isNetwork = imageIndex === NETWORK_CORE_IMAGE;
            yield {
              message: `${wanted}, which is not in the package`,
              place,
              ...(isNetwork ? {} : { severity: "warning" as const }),
            };
          } else if (needed === image) {
            yield { message: `${wanted}, which is itself`, place };
          } else if (compareVersions(needed.version, minVersion) < 0) {
            yield { message: `${wanted}, the package has ${formatVersion(needed.version)}`, place };
          } else if (imageIndex === NETWORK_CORE_IMAGE) {
            yield {
              severity: "warning",
              message: `${wanted}: holds only when both are installed in one update`,
              place,
            };
          }
        }
      }
    }
    yield* dependencyOption(context);
  },
};

/** The header that imgtool made is not as long as the pad. */
export const headerSize: Rule = {
  id: "image/header-size",
  severity: "error",
  title: "The image header is as long as mcuboot_pad",
  reason: "MCUboot starts the application at slot + header size, where its code does not begin.",
  source: "sdk-nrf cmake/sysbuild/image_signing.cmake; sdk-mcuboot boot/zephyr/main.c, do_boot",
  affects: ALL_SDKS,
  fix: "Sign with --header-size 0x200, or make the pad as long as the header.",
  *check(context) {
    const pads = appLayouts(context).map((layout) => partitionOf(layout, "mcuboot_pad")?.size);
    const expected =
      pads.find((size) => size !== null && size !== undefined) ?? MCUBOOT_HEADER_SIZE;
    for (const [file, image] of packageImages(context)) {
      if (image.headerBytes === expected) continue;
      yield {
        message: `${image.file} has a header of ${hex(image.headerBytes)} bytes, expected ${hex(expected)}`,
        place: packagePlace(file),
      };
    }
  },
};

/** Firmware of one core under the number of the other. */
export const wrongCore: Rule = {
  id: "image/wrong-core",
  severity: "error",
  title: "Image 0 is for the application core, image 1 for the network core",
  reason:
    "MCUboot checks the reset vector against the core's flash and erases the slot when it does not fit.",
  source: "sdk-mcuboot boot/bootutil/src/loader.c, boot_validate_slot (reset address)",
  affects: ALL_SDKS,
  fix: "Swap the image_index values, or take the right file.",
  *check(context) {
    // Image 1 is something else where the network core is not updated (QSPI XIP).
    if (context.scheme.netUpdate.state === "no") return;
    for (const [file, { file: member, imageIndex, resetVector }] of packageImages(context)) {
      const core = NRF5340_LAYOUT[imageIndex];
      if (core === undefined || resetVector === null) continue;
      const { start, end } = core.flash;
      if (resetVector >= start && resetVector < end) continue;
      const other = NRF5340_LAYOUT.find(
        ({ flash }) => resetVector >= flash.start && resetVector < flash.end,
      );
      if (other === undefined) continue;
      yield {
        message: `${member} is image ${imageIndex} but starts at ${hex(resetVector, 8)}, in the flash of the ${other.core} core`,
        place: packagePlace(file),
      };
    }
  },
};

/** The network core image has no version of its own. */
export const networkVersion: Rule = {
  id: "image/network-version",
  severity: "note",
  title: "The network core image has a version",
  reason:
    "Every build signs the network core image as 0.0.0+0 unless told otherwise. Tools then show the " +
    "same version for all, and a comparison by version finds nothing new.",
  source:
    "sdk-nrf cmake/sysbuild/b0_mcuboot_signing.cmake; sysbuild/Kconfig.mcuboot, SECURE_BOOT_MCUBOOT_VERSION",
  affects: ALL_SDKS,
  fix: 'Set SB_CONFIG_SECURE_BOOT_MCUBOOT_VERSION="1.2.3" and raise CONFIG_FW_INFO_FIRMWARE_VERSION in the network core image.',
  *check(context) {
    for (const [file, image] of packageImages(context)) {
      const { major, minor, revision, build } = image.version;
      if (image.imageIndex !== NETWORK_CORE_IMAGE || major + minor + revision + build > 0) continue;
      yield { message: `${image.file} has version 0.0.0+0`, place: packagePlace(file) };
    }
  },
};

/** Swapping by moving needs a sector and the trailer beside the image. */
export const swapRoom: Rule = {
  id: "image/swap-room",
  severity: "error",
  title: "Swap using move has room beside the image",
  reason:
    "The image has to leave one sector, and 12 bytes for each sector and 80 for the trailer. The build does not " +
    "check it; MCUboot then cannot finish the swap.",
  source: "sdk-nrf known_issues.rst, NCSDK-20567",
  affects: { from: "v1.6.0", to: "v3.0.2" },
  fix: "Make the slot larger or the image smaller than primary - 80 - sectors * 12 - 4096.",
  *check(context) {
    const sysbuild = context.config("sysbuild");
    const isMove =
      sysbuild?.state("SB_CONFIG_MCUBOOT_MODE_SWAP_USING_MOVE") === "on" ||
      sysbuild?.state("SB_CONFIG_MCUBOOT_MODE_SWAP_WITHOUT_SCRATCH") === "on" ||
      context.config("mcuboot")?.state("CONFIG_BOOT_SWAP_USING_MOVE") === "on";
    if (!isMove) return;
    for (const [file, image] of packageImages(context)) {
      for (const layout of appLayouts(context)) {
        const primary = slotOf(layout, "primary", image.imageIndex);
        if (image.imageIndex !== 0 || primary === null || primary.size === null) continue;
        const { eraseBytes } = primary.memory;
        const room = primary.size - 80 - (primary.size / eraseBytes) * 12 - eraseBytes;
        if (image.fileBytes < room || image.fileBytes > primary.size) continue;
        yield {
          message: `${image.file} has ${hex(image.fileBytes)} bytes, expected less than ${hex(Math.floor(room))} for a swap`,
          place: packagePlace(file),
          related: [{ place: primary.sizePlace, message: "the slot" }],
        };
      }
    }
  },
};

function* packageImages({ project }: CheckContext): Generator<[string, PackageImage]> {
  for (const { file, images } of project.packages satisfies readonly DfuPackage[]) {
    for (const image of images) yield [file, image];
  }
}

/** b0n gets header-less firmware into the partition of the network core's application. */
function* tooLargeForNetworkCore(
  context: CheckContext,
  file: string,
  image: PackageImage,
): Generator<Violation> {
  if (image.imageIndex !== NETWORK_CORE_IMAGE) return;
  for (const layout of context.layouts) {
    if (layout.core !== "net") continue;
    const target = ["s0_image", "app", "s0_partition"]
      .map((name) => partitionOf(layout, name))
      .find((found) => found !== null);
    if (
      target === undefined ||
      target === null ||
      target.size === null ||
      image.payloadBytes <= target.size
    )
      continue;
    yield {
      message: `${image.file} has ${hex(image.payloadBytes)} bytes of firmware, expected at most ${hex(target.size)} of ${target.name}`,
      place: packagePlace(file),
      related: [{ place: target.sizePlace, message: "the network core's partition" }],
    };
  }
}

/** `-d` among the arguments of imgtool. */
function* dependencyOption({ config }: CheckContext): Generator<Violation> {
  const assignment = config("app")?.get("CONFIG_MCUBOOT_EXTRA_IMGTOOL_ARGS");
  const on = /(?:-d|--dependencies)[ =]?['"\\]*\(\s*(\d+)/.exec(assignment?.value ?? "")?.[1];
  if (assignment === null || assignment === undefined || Number(on) !== NETWORK_CORE_IMAGE) return;
  yield {
    message: "the application is signed with a dependency on image 1",
    place: assignment.place,
  };
}
