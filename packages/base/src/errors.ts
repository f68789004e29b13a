// SPDX-License-Identifier: Apache-2.0

/** Base of every error that Tandem throws on purpose: a stable code, a message, the cause. */
export abstract class TandemError extends Error {
  /** `package/what-was-wrong`, stable across releases. */
  readonly code: string;
  /** Facts for machines: file, offset, field, expected, found. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.name = new.target.name;
  }
}

/** The input is malformed: a file, a dump, a document from the network. */
export class FormatError extends TandemError {}

/** The caller asked for something that cannot be: bad arguments, wrong state, wrong order. */
export class UsageError extends TandemError {}

/** The other side said no. */
export class PeerError extends TandemError {}

/** The connection or the medium failed. */
export class TransportError extends TandemError {}

/** A deadline passed. */
export class TimeoutError extends TandemError {}

/** A bug in Tandem itself. */
export class InternalError extends TandemError {}
