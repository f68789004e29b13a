// SPDX-License-Identifier: Apache-2.0

/** Beginnings of part names of serial NAND. */
const NAND_NAMES = /(w25n|w35n|mt29f|gd5f|tc58c|mx35|xt26|as5f|fs35|ds35|emm?nand|\bnand)/i;

/**
 * First two bytes of JEDEC ids of serial NAND: manufacturer and device family.
 * @see Linux drivers/mtd/nand/spi, one file per manufacturer
 */
const NAND_IDS: readonly (readonly [number, readonly number[]])[] = [
  // Winbond W25N and W35N; its NOR are 40, 60, 70.
  [0xef, [0xaa, 0xab, 0xae, 0xba, 0xbb, 0xbc, 0xbf]],
  // Micron MT29F; its NOR are 20, ba, bb.
  [0x2c, [0x14, 0x15, 0x24, 0x25, 0x34, 0x35, 0x36, 0x37, 0x46, 0x47]],
  // GigaDevice GD5F; its NOR are 40, 60, 64, 65.
  [
    0xc8,
    [
      0x31, 0x32, 0x41, 0x42, 0x48, 0x51, 0x52, 0x55, 0x91, 0x92, 0x95, 0xb1, 0xb2, 0xb4, 0xd1,
      0xd2, 0xd4, 0xf1, 0xf2, 0xf4,
    ],
  ],
  // Kioxia TC58C.
  [0x98, [0xc2, 0xcb, 0xcd, 0xd2, 0xdb, 0xdd, 0xe2, 0xeb, 0xed]],
  // Macronix MX35; its NOR are 20, 23, 25, 28, 80 and others.
  [0xc2, [0x12, 0x14, 0x15, 0x22, 0x26, 0x90, 0x92, 0x96, 0xa2, 0xa6]],
];

/** True when a device or node name is that of a NAND part. */
export function namesNand(name: string): boolean {
  return NAND_NAMES.test(name);
}

/** True when a JEDEC id is that of a serial NAND. */
export function isNandId(bytes: readonly number[]): boolean {
  const [maker, device] = bytes;
  return NAND_IDS.some(
    ([id, devices]) => id === maker && device !== undefined && devices.includes(device),
  );
}
