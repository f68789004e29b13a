// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "./errors.js";

/**
 * A fixed little-endian layout: the one description of some bytes from which parser, encoder,
 * documentation tables and C structs are made.
 */
export interface Layout<T> {
  /** Name of the type as C99 writes it, e.g. `uint32_t`. */
  readonly cType: string;
  /** Size in bytes. */
  readonly size: number;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

/** One named field of a struct, for tables and dumps. */
export interface LayoutField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly layout: Layout<unknown>;
}

export interface StructLayout<T> extends Layout<T> {
  readonly fields: readonly LayoutField[];
  /**
   * Reads the struct at `offset`.
   * @throws {FormatError} base/short when the bytes end before the struct does
   */
  parse(bytes: Uint8Array, offset?: number): T;
  /** New bytes, exactly `size` long. */
  encode(value: T): Uint8Array;
}

/** Unsigned 8-bit integer. */
export const u8: Layout<number> = {
  cType: "uint8_t",
  size: 1,
  read: (view, offset) => view.getUint8(offset),
  write: (view, offset, value) => view.setUint8(offset, value),
};

/** Unsigned 16-bit integer, little-endian. */
export const u16: Layout<number> = {
  cType: "uint16_t",
  size: 2,
  read: (view, offset) => view.getUint16(offset, true),
  write: (view, offset, value) => view.setUint16(offset, value, true),
};

/** Unsigned 32-bit integer, little-endian. */
export const u32: Layout<number> = {
  cType: "uint32_t",
  size: 4,
  read: (view, offset) => view.getUint32(offset, true),
  write: (view, offset, value) => view.setUint32(offset, value, true),
};

/** Unsigned 64-bit integer, little-endian. */
export const u64: Layout<bigint> = {
  cType: "uint64_t",
  size: 8,
  read: (view, offset) => view.getBigUint64(offset, true),
  write: (view, offset, value) => view.setBigUint64(offset, value, true),
};

/** Raw bytes; reading copies, writing demands exactly `size` bytes. */
export function bytes(size: number): Layout<Uint8Array> {
  return {
    cType: `uint8_t[${size}]`,
    size,
    read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, size).slice(),
    write: (view, offset, value) => {
      if (value.length !== size) {
        throw new FormatError("base/size", `${value.length} bytes for a field of ${size}`);
      }
      new Uint8Array(view.buffer, view.byteOffset + offset, size).set(value);
    },
  };
}

/** `count` elements of one layout, one after the other. */
export function array<T>(element: Layout<T>, count: number): Layout<readonly T[]> {
  return {
    cType: `${element.cType}[${count}]`,
    size: element.size * count,
    read: (view, offset) =>
      Array.from({ length: count }, (_, i) => element.read(view, offset + i * element.size)),
    write: (view, offset, value) => {
      if (value.length !== count) {
        throw new FormatError("base/size", `${value.length} elements for an array of ${count}`);
      }
      value.forEach((item, i) => element.write(view, offset + i * element.size, item));
    },
  };
}

/**
 * Fields one after the other, without padding.
 * @param cType name of the C struct
 */
export function struct<T extends object>(
  cType: string,
  shape: { readonly [K in keyof T]: Layout<T[K]> },
): StructLayout<T> {
  const fields: LayoutField[] = [];
  let size = 0;
  for (const [name, layout] of Object.entries<Layout<unknown>>(shape)) {
    fields.push({ name, offset: size, size: layout.size, layout });
    size += layout.size;
  }
  const read = (view: DataView, offset: number): T => {
    const value: Record<string, unknown> = {};
    for (const field of fields) value[field.name] = field.layout.read(view, offset + field.offset);
    // Built from the very shape that the type is derived from.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return value as T;
  };
  const write = (view: DataView, offset: number, value: T): void => {
    const values = new Map<string, unknown>(Object.entries(value));
    for (const field of fields) {
      field.layout.write(view, offset + field.offset, values.get(field.name));
    }
  };
  return {
    cType,
    size,
    fields,
    read,
    write,
    parse: (input, offset = 0) => {
      if (offset < 0 || offset + size > input.length) {
        throw new FormatError(
          "base/short",
          `${cType} at 0x${offset.toString(16)}: needs ${size} bytes, ${Math.max(0, input.length - offset)} left`,
          { details: { offset, expected: size } },
        );
      }
      return read(new DataView(input.buffer, input.byteOffset, input.length), offset);
    },
    encode: (value) => {
      const output = new Uint8Array(size);
      write(new DataView(output.buffer), 0, value);
      return output;
    },
  };
}
