// SPDX-License-Identifier: Apache-2.0
import { FormatError, UsageError, hex } from "@tandem/base";
import { BOOT_MODES, UNSUPPORTED_MODES } from "@tandem/mcuboot";
import type { BoardArea, BootConfig } from "@tandem/mcuboot";
import { parseJsonDocument } from "@tandem/release";
import { z } from "zod";

const MAX_CONFIG_CHARACTERS = 1 << 20;
const MAX_DEVICE_BYTES = 1 << 28;
const MAX_IMAGES = 4;

/** A message is what was expected; `parseJsonDocument` puts the field and what was found before it. */
function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.number(expected).int(expected).min(min, expected).max(max, expected);
}

const offsetBytes = wholeNumber(0, MAX_DEVICE_BYTES);
const sizeBytes = wholeNumber(1, MAX_DEVICE_BYTES);
const flag = z.boolean("true or false");

const areaSchema = z.strictObject(
  { device: z.string("the name of a device"), offset: offsetBytes, size: sizeBytes },
  'an object with "device", "offset" and "size"',
);

const deviceSchema = z.strictObject(
  {
    size: sizeBytes,
    sectorSize: wholeNumber(1, MAX_DEVICE_BYTES),
    align: z.literal([1, 2, 4, 8, 16, 32], "1, 2, 4, 8, 16 or 32"),
    erasedValue: z.literal([0xff, 0], "255 or 0").default(0xff),
  },
  'an object with "size", "sectorSize" and "align"',
);

/** What MCUboot is built with, in the words of `BootConfig`. */
const buildFields = {
  maxAlign: z.literal([8, 16, 32], "8, 16 or 32").exactOptional(),
  maxImgSectors: wholeNumber(1, 65_535).exactOptional(),
  validatePrimary: flag.exactOptional(),
  downgradePrevention: z
    .union([z.boolean(), z.enum(["none", "version", "security-counter"])], {
      error: 'true, false, "none", "version" or "security-counter"',
    })
    .transform((value) => (value === true ? "version" : value === false ? "none" : value))
    .exactOptional(),
  downgradeExempt: z.array(wholeNumber(0, 3), "a list of image indexes").exactOptional(),
  compareBuildNumber: flag.exactOptional(),
  bootstrap: flag.exactOptional(),
  minimalScramble: flag.exactOptional(),
  overwriteOnlyKeepBackup: flag.exactOptional(),
  tlvAllowList: flag.exactOptional(),
  imageAddressCheck: z
    .enum(["none", "vector", "header"], '"none", "vector" or "header"')
    .exactOptional(),
};

const setupSchema = z.strictObject({
  mode: z
    .string(`one of ${BOOT_MODES.join(", ")}`)
    .refine((mode) => [...BOOT_MODES, ...UNSUPPORTED_MODES].some((known) => known === mode), {
      error: `one of ${BOOT_MODES.join(", ")}`,
    }),
  images: z
    .array(
      z.strictObject(
        { primary: areaSchema, secondary: areaSchema.exactOptional() },
        'an object with "primary" and "secondary"',
      ),
      `a list of 1 to ${MAX_IMAGES} images`,
    )
    .min(1, `1 to ${MAX_IMAGES} images`)
    .max(MAX_IMAGES, `1 to ${MAX_IMAGES} images`),
  scratch: areaSchema.exactOptional(),
  devices: z.record(z.string(), deviceSchema, "an object with a device per name"),
  ...buildFields,
  securityCounters: z.array(wholeNumber(0, 0xffff_ffff), "a list of counters").exactOptional(),
  keys: z.array(z.string("the path of a PEM file"), "a list of paths of PEM files").default([]),
  hooks: z.enum(["none", "nrf5340"], '"none" or "nrf5340"').default("none"),
  sdk: z
    .string('a release of the nRF Connect SDK, such as "v2.9.2"')
    .regex(/^v\d+\.\d+\.\d+$/, 'a release of the nRF Connect SDK, such as "v2.9.2"')
    .exactOptional(),
});

/** A device; all numbers bytes. */
interface DeviceSetup {
  readonly size: number;
  readonly sectorSize: number;
  readonly align: number;
  readonly erasedValue: 0xff | 0;
}

/** The configuration file of `tandem mcuboot`: a build of MCUboot and the flash that it runs on. */
export interface BootSetup {
  /** Where it was read from, for messages. */
  readonly file: string;
  readonly build: BootConfig;
  readonly devices: Readonly<Record<string, DeviceSetup>>;
  readonly images: readonly { readonly primary: BoardArea; readonly secondary?: BoardArea }[];
  readonly scratch?: BoardArea;
  /** The device's, per image; present: MCUBOOT_HW_ROLLBACK_PROT. */
  readonly securityCounters?: readonly number[];
  /** Paths of PEM files, from the directory of the configuration. */
  readonly keys: readonly string[];
  readonly hooks: "none" | "nrf5340";
  /** Release of the nRF Connect SDK whose behaviour the hooks have. */
  readonly sdk?: string;
}

/**
 * Configuration from the text of its file.
 * @throws {FormatError} cli/mcuboot-config, naming file, field, found and expected
 * @throws {UsageError} mcuboot/unsupported-mode for modes of MCUboot that the model does not have
 */
export function parseBootSetup(text: string, file: string): BootSetup {
  const document = parseJsonDocument(text, setupSchema, {
    name: file,
    code: "cli/mcuboot-config",
    maxCharacters: MAX_CONFIG_CHARACTERS,
  });
  const { mode, devices, images, scratch, securityCounters, keys, hooks, sdk } = document;
  const known = BOOT_MODES.find((name) => name === mode);
  if (known === undefined) {
    throw new UsageError(
      "mcuboot/unsupported-mode",
      `${file}: mode: "${mode}", a mode of MCUboot that is not supported, ` +
        `expected one of ${BOOT_MODES.join(", ")}`,
    );
  }
  const setup: BootSetup = {
    file,
    build: { ...z.object(buildFields).parse(document), mode: known },
    devices,
    images,
    keys,
    hooks,
    ...(scratch && { scratch }),
    ...(securityCounters && { securityCounters }),
    ...(sdk !== undefined && { sdk }),
  };
  checkSetup(setup);
  return setup;
}

/** What fields of one kind cannot say: that areas lie on devices, on sectors, and beside each other. */
function checkSetup(setup: BootSetup): void {
  const { file, build, images, scratch, devices } = setup;
  const places = images.flatMap(({ primary, secondary }, i) => [
    { field: `images[${i}].primary`, area: primary },
    ...(secondary === undefined ? [] : [{ field: `images[${i}].secondary`, area: secondary }]),
  ]);
  if (scratch !== undefined) places.push({ field: "scratch", area: scratch });
  for (const [name, device] of Object.entries(devices)) checkDevice(file, name, device);
  for (const { field, area } of places) checkArea(setup, field, area);
  checkOverlaps(file, places);
  const missing = images.findIndex(({ secondary }) => secondary === undefined);
  if (build.mode === "single" && images.length > 1) {
    throw refused(file, "images", `${images.length} images`, "one in mode single");
  }
  if (build.mode !== "single" && missing >= 0) {
    throw refused(file, `images[${missing}].secondary`, "missing", `one in mode ${build.mode}`);
  }
  checkRamDevice(setup, places);
  if (build.mode === "scratch" && scratch === undefined) {
    throw refused(file, "scratch", "missing", "one in mode scratch");
  }
}

function checkDevice(file: string, name: string, device: DeviceSetup): void {
  const { size, sectorSize, align } = device;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw refused(file, "devices", JSON.stringify(name), "letters, digits, dots and dashes");
  }
  if (sectorSize % align !== 0) {
    const expected = `a multiple of align, ${align}`;
    throw refused(file, `devices.${name}.sectorSize`, String(sectorSize), expected);
  }
  if (size % sectorSize !== 0) {
    const expected = `a multiple of sectorSize, ${sectorSize}`;
    throw refused(file, `devices.${name}.size`, String(size), expected);
  }
}

function checkArea({ file, devices, build }: BootSetup, field: string, area: BoardArea): void {
  const device = new Map(Object.entries(devices)).get(area.device);
  if (device === undefined) {
    const expected = `one of ${Object.keys(devices).join(", ")}`;
    throw refused(file, `${field}.device`, JSON.stringify(area.device), expected);
  }
  const { size, sectorSize, align } = device;
  const maxAlign = build.maxAlign ?? 8;
  if (align > maxAlign) {
    const name = `devices.${area.device}.align`;
    throw refused(file, name, String(align), `at most maxAlign, ${maxAlign}`);
  }
  if (area.offset % sectorSize !== 0) {
    const expected = `a multiple of ${sectorSize}, the sector size of ${area.device}`;
    throw refused(file, `${field}.offset`, hex(area.offset), expected);
  }
  if (area.size % sectorSize !== 0) {
    const expected = `a multiple of ${sectorSize}, the sector size of ${area.device}`;
    throw refused(file, `${field}.size`, hex(area.size), expected);
  }
  if (area.offset + area.size > size) {
    const found = `ends at ${hex(area.offset + area.size)}`;
    throw refused(file, field, found, `an end within ${area.device}, ${hex(size)}`);
  }
}

/** NCS keeps the primary slot of the network core in RAM: nothing else can be on that device. */
function checkRamDevice(setup: BootSetup, places: readonly Place[]): void {
  const { file, hooks, images } = setup;
  if (hooks === "none") return;
  const ram = images[1]?.primary.device;
  if (ram === undefined) throw refused(file, "images", "1 image", 'two with hooks "nrf5340"');
  const others = places.filter(({ area }) => area.device === ram);
  if (others.length > 1) {
    throw refused(
      file,
      "images[1].primary.device",
      `"${ram}"`,
      "a device of its own, which is RAM",
    );
  }
}

interface Place {
  readonly field: string;
  readonly area: BoardArea;
}

function checkOverlaps(file: string, places: readonly Place[]): void {
  for (const [i, { field, area }] of places.entries()) {
    const other = places
      .slice(0, i)
      .find(
        ({ area: before }) =>
          before.device === area.device &&
          before.offset < area.offset + area.size &&
          area.offset < before.offset + before.size,
      );
    if (other !== undefined) {
      const found = `${hex(area.offset)} to ${hex(area.offset + area.size)}`;
      throw refused(file, field, found, `no overlap with ${other.field}`);
    }
  }
}

function refused(file: string, field: string, found: string, expected: string): FormatError {
  return new FormatError(
    "cli/mcuboot-config",
    `${file}: ${field}: ${found}, expected ${expected}`,
    {
      details: { file, field, found, expected },
    },
  );
}
