// SPDX-License-Identifier: Apache-2.0
import {
  FormatError,
  PeerError,
  TandemError,
  TimeoutError,
  TransportError,
  UsageError,
} from "@tandem/base";
import { CommanderError } from "commander";

/** Exit status of the `tandem` command; documented in docs/exit-codes.md. */
export const ExitCode = {
  /** Done as asked. */
  Ok: 0,
  /** A negative verdict: verification failed, a violation, a finding. */
  Negative: 1,
  /** Bad input or usage. */
  BadInput: 2,
  /** The peer, the network or the file system failed. */
  Failure: 3,
  /** A bug in Tandem. */
  Bug: 70,
  /** Interrupted by the user. */
  Interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** The exit status for an error that ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof FormatError || error instanceof UsageError) return ExitCode.BadInput;
  if (error instanceof PeerError || error instanceof TransportError) return ExitCode.Failure;
  if (error instanceof TimeoutError) return ExitCode.Failure;
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? ExitCode.Ok : ExitCode.BadInput;
  if (isAbort(error)) return ExitCode.Interrupted;
  if (!(error instanceof TandemError) && isSystemError(error)) return ExitCode.Failure;
  return ExitCode.Bug;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
