// SPDX-License-Identifier: Apache-2.0
import { FormatError } from "@tandem/base";
import type { z } from "zod";

/**
 * A JSON text that fits a schema.
 * @throws {FormatError} `code`, naming the field path, expected and found
 */
export function parseJsonDocument<T>(
  text: string,
  schema: z.ZodType<T>,
  options: { readonly name: string; readonly code: string; readonly maxCharacters: number },
): T {
  const { name, code, maxCharacters } = options;
  const fail = (message: string, cause?: unknown): FormatError =>
    new FormatError(code, `${name}: ${message}`, { cause, details: { file: name } });
  if (text.length > maxCharacters) {
    throw fail(`${text.length} characters, expected at most ${maxCharacters}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(`not JSON (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw fail("does not fit its schema", result.error);
  const path =
    issue.code === "unrecognized_keys" ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;
  const found = shown(valueAt(value, path));
  throw fail(`${pathText(path)}: ${found}, expected ${expectedText(issue)}`, result.error);
}

/** Schemas give their message as what was expected; zod's own messages are about types. */
function expectedText(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return "no such field";
  if (issue.code === "invalid_value") return issue.values.map((value) => shown(value)).join(" or ");
  return issue.message.replace(/^Invalid input: expected (\S+), received .*$/, "$1");
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "document";
  return path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${String(key)}`))
    .join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = new Map<PropertyKey, unknown>(Object.entries(current)).get(String(key));
  }
  return current;
}

function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
