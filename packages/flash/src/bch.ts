// SPDX-License-Identifier: Apache-2.0

// Binary BCH code over GF(2^13), shortened to one 512-byte sector: 13 parity bits per correctable
// bit. Parity is stored XOR a mask that makes an erased sector with erased parity a code word.

const FIELD_BITS = 13;
const PRIMITIVE_POLYNOMIAL = 0x201b;
/** Order of the multiplicative group. */
const ORDER = (1 << FIELD_BITS) - 1;
const SECTOR_BYTES = 512;
/** 32-bit words of the shift register: up to 9 correctable bits. */
const WORDS = 4;

/** A code that corrects `strengthBits` flipped bits in a sector and its parity. */
export interface SectorCode {
  /** Bytes of the spare area that the parity of one sector takes. */
  readonly parityBytes: number;
  /** Writes the parity of the 512 bytes at `start` to `bytes[parityAt ..]`. */
  encode(bytes: Uint8Array, start: number, parityAt: number): void;
  /**
   * Corrects the sector at `start` of `data` against the parity in `stored`.
   * @returns how many bits were wrong, parity included; -1 when they are too many
   */
  decode(data: Uint8Array, start: number, stored: Uint8Array, parityAt: number): number;
}

interface Field {
  /** Powers of the generator, twice over. */
  readonly exp: Uint16Array;
  readonly log: Uint16Array;
}

function createField(): Field {
  const exp = new Uint16Array(2 * ORDER + 2);
  const log = new Uint16Array(ORDER + 1);
  let value = 1;
  for (let power = 0; power < ORDER; power++) {
    exp[power] = value;
    exp[power + ORDER] = value;
    log[value] = power;
    value <<= 1;
    if (value > ORDER) value ^= PRIMITIVE_POLYNOMIAL;
  }
  return { exp, log };
}

/** Coefficients, lowest first, of the product of (x - a^i) over the conjugates of odd i < 2t. */
function generatorPolynomial({ exp, log }: Field, strengthBits: number): number[] {
  const roots = new Set<number>();
  for (let odd = 1; odd < 2 * strengthBits; odd += 2) {
    for (let i = 0, root = odd; i < FIELD_BITS; i++, root = (2 * root) % ORDER) roots.add(root);
  }
  let product = [1];
  for (const root of roots) {
    const next = [0, ...product];
    for (const [i, coefficient] of product.entries()) {
      if (coefficient === 0) continue;
      next[i] = (next[i] ?? 0) ^ (exp[(log[coefficient] ?? 0) + root] ?? 0);
    }
    product = next;
  }
  return product;
}

/** For each byte: its remainder by the generator, left-aligned in the shift register. */
function remainderTable(generator: readonly number[]): Int32Array {
  const degree = generator.length - 1;
  const taps = new Int32Array(WORDS);
  for (let i = 0; i < degree; i++) {
    if (generator[degree - 1 - i] === 1)
      taps[i >> 5] = (taps[i >> 5] ?? 0) | (1 << (31 - (i & 31)));
  }
  const table = new Int32Array(256 * WORDS);
  for (let byte = 0; byte < 256; byte++) {
    const row = table.subarray(byte * WORDS, (byte + 1) * WORDS);
    row[0] = byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      const carry = (row[0] ?? 0) < 0;
      for (let w = 0; w < WORDS; w++) {
        const shifted = ((row[w] ?? 0) << 1) | ((row[w + 1] ?? 0) >>> 31);
        row[w] = carry ? shifted ^ (taps[w] ?? 0) : shifted;
      }
    }
  }
  return table;
}

/** The BCH code that corrects `strengthBits` (2 to 9) bits per 512 bytes. */
export function createBch(strengthBits: number): SectorCode {
  const field = createField();
  const generator = generatorPolynomial(field, strengthBits);
  const degree = generator.length - 1;
  const table = remainderTable(generator);
  const parityBytes = Math.ceil(degree / 8);
  const register = new Int32Array(WORDS);

  const divide = (bytes: Uint8Array, start: number): void => {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = start; i < start + SECTOR_BYTES; i++) {
      const row = ((a >>> 24) ^ (bytes[i] ?? 0)) << 2;
      a = ((a << 8) | (b >>> 24)) ^ (table[row] ?? 0);
      b = ((b << 8) | (c >>> 24)) ^ (table[row + 1] ?? 0);
      c = ((c << 8) | (d >>> 24)) ^ (table[row + 2] ?? 0);
      d = (d << 8) ^ (table[row + 3] ?? 0);
    }
    register[0] = a;
    register[1] = b;
    register[2] = c;
    register[3] = d;
  };
  const parityByte = (i: number): number => ((register[i >> 2] ?? 0) >>> (24 - 8 * (i & 3))) & 0xff;

  divide(new Uint8Array(SECTOR_BYTES).fill(0xff), 0);
  const mask = Uint8Array.from({ length: parityBytes }, (_, i) => parityByte(i) ^ 0xff);
  /** Bits of the last byte that belong to the code. */
  const lastMask = (0xff << (8 * parityBytes - degree)) & 0xff;

  return {
    parityBytes,
    encode: (bytes, start, parityAt) => {
      divide(bytes, start);
      for (let i = 0; i < parityBytes; i++) bytes[parityAt + i] = parityByte(i) ^ (mask[i] ?? 0);
    },
    decode: (data, start, stored, parityAt) => {
      divide(data, start);
      const difference = new Uint8Array(parityBytes);
      let any = 0;
      for (let i = 0; i < parityBytes; i++) {
        const byte = parityByte(i) ^ (mask[i] ?? 0) ^ (stored[parityAt + i] ?? 0);
        difference[i] = i === parityBytes - 1 ? byte & lastMask : byte;
        any |= difference[i] ?? 0;
      }
      if (any === 0) return 0;
      return correct(field, { strengthBits, degree, difference }, data, start);
    },
  };
}

interface Remainder {
  readonly strengthBits: number;
  readonly degree: number;
  /** What was received modulo the generator, highest power first. */
  readonly difference: Uint8Array;
}

function correct(field: Field, remainder: Remainder, data: Uint8Array, start: number): number {
  const locator = errorLocator(field, syndromes(field, remainder), remainder.strengthBits);
  const powers = locator === null ? null : errorPowers(field, locator, remainder.degree);
  if (powers === null) return -1;
  for (const power of powers) {
    if (power < remainder.degree) continue;
    const bit = SECTOR_BYTES * 8 - 1 - (power - remainder.degree);
    const at = start + (bit >> 3);
    data[at] = (data[at] ?? 0) ^ (0x80 >> (bit & 7));
  }
  return powers.length;
}

/** The remainder evaluated at a^1 .. a^2t; index 0 is a^1. */
function syndromes({ exp }: Field, { strengthBits, degree, difference }: Remainder): number[] {
  const result = Array.from({ length: 2 * strengthBits }, () => 0);
  for (let i = 0; i < degree; i++) {
    if (((difference[i >> 3] ?? 0) & (0x80 >> (i & 7))) === 0) continue;
    const power = degree - 1 - i;
    for (const j of result.keys()) {
      result[j] = (result[j] ?? 0) ^ (exp[((j + 1) * power) % ORDER] ?? 0);
    }
  }
  return result;
}

/** Berlekamp-Massey: the polynomial whose roots tell where the errors are; null when too many. */
function errorLocator(
  { exp, log }: Field,
  syndrome: readonly number[],
  strengthBits: number,
): number[] | null {
  const multiply = (a: number, b: number): number =>
    a === 0 || b === 0 ? 0 : (exp[(log[a] ?? 0) + (log[b] ?? 0)] ?? 0);
  let locator = [1];
  let previous = [1];
  let previousDiscrepancy = 1;
  let errors = 0;
  let shift = 1;
  for (let n = 0; n < syndrome.length; n++, shift++) {
    let discrepancy = syndrome[n] ?? 0;
    for (let i = 1; i <= errors; i++) {
      discrepancy ^= multiply(locator[i] ?? 0, syndrome[n - i] ?? 0);
    }
    if (discrepancy === 0) continue;
    const factor = exp[(log[discrepancy] ?? 0) + ORDER - (log[previousDiscrepancy] ?? 0)] ?? 0;
    const next = locator.slice();
    for (const [i, coefficient] of previous.entries()) {
      next[i + shift] = (next[i + shift] ?? 0) ^ multiply(factor, coefficient);
    }
    for (let i = 0; i < next.length; i++) next[i] ??= 0;
    if (2 * errors <= n) {
      previous = locator;
      previousDiscrepancy = discrepancy;
      errors = n + 1 - errors;
      shift = 0;
    }
    locator = next;
  }
  while (locator.at(-1) === 0) locator.pop();
  return errors <= strengthBits && locator.length - 1 === errors ? locator : null;
}

/** Chien search: the powers of x that are wrong; null when they are fewer than the locator says. */
function errorPowers(
  { exp, log }: Field,
  locator: readonly number[],
  degree: number,
): number[] | null {
  const errors = locator.length - 1;
  const steps: number[] = [];
  const terms: number[] = [];
  for (const [i, coefficient] of locator.entries()) {
    if (i === 0 || coefficient === 0) continue;
    steps.push(i);
    terms.push(log[coefficient] ?? 0);
  }
  const powers: number[] = [];
  for (let power = 0; power < degree + SECTOR_BYTES * 8 && powers.length < errors; power++) {
    let sum = 1;
    for (let i = 0; i < terms.length; i++) {
      const term = terms[i] ?? 0;
      sum ^= exp[term] ?? 0;
      const next = term - (steps[i] ?? 0);
      terms[i] = next < 0 ? next + ORDER : next;
    }
    if (sum === 0) powers.push(power);
  }
  return powers.length === errors ? powers : null;
}
