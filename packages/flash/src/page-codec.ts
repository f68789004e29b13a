// SPDX-License-Identifier: Apache-2.0
import { createBch } from "./bch.js";
import type { SectorCode } from "./bch.js";
import { WINBOND_ECC, winbondSpare } from "./nand-profile.js";
import type { NandEcc, NandProfile, SpareLayout } from "./nand-profile.js";
import { ECC_SECTOR_BYTES, HAMMING } from "./sector-ecc.js";

/** ECC of the pages of one part. */
export interface PageCodec {
  readonly ecc: NandEcc;
  readonly spare: SpareLayout;
  /** Writes the codes of the main area to the spare area of a raw page. */
  encode(page: Uint8Array): void;
  /**
   * Corrects `data`, the main area, against the codes in the raw page.
   * @returns most bits that were wrong in a sector; -1 when a sector cannot be corrected
   */
  decode(data: Uint8Array, page: Uint8Array): number;
}

const CODES = new Map<number, SectorCode>();
const CODECS = new WeakMap<NandProfile, PageCodec>();

/** Computed once per strength: the tables are large. */
function codeOf(strengthBits: number): SectorCode {
  if (strengthBits === 1) return HAMMING;
  const known = CODES.get(strengthBits);
  if (known !== undefined) return known;
  const code = createBch(strengthBits);
  CODES.set(strengthBits, code);
  return code;
}

/** The codec of a part; the same one each time. */
export function pageCodecOf(profile: NandProfile): PageCodec {
  const known = CODECS.get(profile);
  if (known !== undefined) return known;
  const codec = createPageCodec(profile);
  CODECS.set(profile, codec);
  return codec;
}

function createPageCodec(profile: NandProfile): PageCodec {
  const { pageBytes } = profile;
  const sectors = pageBytes / ECC_SECTOR_BYTES;
  const ecc = profile.ecc ?? WINBOND_ECC;
  // A profile made from another by changing its page size may have kept a layout that is too small.
  const fits = profile.spare !== undefined && profile.spare.ecc.length >= sectors;
  const spare = fits && profile.spare ? profile.spare : winbondSpare(sectors);
  const code = codeOf(ecc.strengthBits);
  const offsets = spare.ecc.map((region) => pageBytes + region.offset);
  return {
    ecc,
    spare,
    encode: (page) => {
      for (let sector = 0; sector < sectors; sector++) {
        code.encode(page, sector * ECC_SECTOR_BYTES, offsets[sector] ?? 0);
      }
    },
    decode: (data, page) => {
      let worst = 0;
      for (let sector = 0; sector < sectors; sector++) {
        const bits = code.decode(data, sector * ECC_SECTOR_BYTES, page, offsets[sector] ?? 0);
        worst = bits < 0 || worst < 0 ? -1 : Math.max(worst, bits);
      }
      return worst;
    },
  };
}
