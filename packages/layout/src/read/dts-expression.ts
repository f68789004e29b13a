// SPDX-License-Identifier: Apache-2.0
import type { DtsToken } from "./dts-lexer.js";
import { tokenizeDts } from "./dts-lexer.js";
import { SourceText } from "./source-text.js";

/** Longest nesting of parentheses and macros in one expression. */
const MAX_DEPTH = 32;

const PRECEDENCE: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", "<=", ">", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Longest expression, tokens: bounds the recursion. */
const MAX_TOKENS = 200;

/** Zephyr's dts/common/mem.h. */
const FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ["DT_SIZE_K", 1024],
  ["DT_SIZE_M", 1024 * 1024],
]);

/**
 * Value of an integer expression as it stands in a cell; null when it uses something that is not
 * known here, such as a macro of an included file.
 */
export function evaluateExpression(
  tokens: readonly DtsToken[],
  macros: ReadonlyMap<string, string>,
): number | null {
  if (tokens.length > MAX_TOKENS) return null;
  const evaluator = new Evaluator(tokens, macros, 0);
  const value = evaluator.ternary();
  return evaluator.isAtEnd() && value !== null && Number.isSafeInteger(value) ? value : null;
}

class Evaluator {
  readonly #tokens: readonly DtsToken[];
  readonly #macros: ReadonlyMap<string, string>;
  #at = 0;
  #depth: number;

  constructor(tokens: readonly DtsToken[], macros: ReadonlyMap<string, string>, depth: number) {
    this.#tokens = tokens;
    this.#macros = macros;
    this.#depth = depth;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  ternary(): number | null {
    const condition = this.#binary(0);
    if (!this.#take("?")) return condition;
    const yes = this.ternary();
    if (!this.#take(":")) return null;
    const no = this.ternary();
    return condition === null ? null : condition === 0 ? no : yes;
  }

  #binary(level: number): number | null {
    const operators = PRECEDENCE[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((text) => this.#take(text));
      if (operator === undefined) return left;
      const right = this.#binary(level + 1);
      left = left === null || right === null ? null : apply(operator, left, right);
    }
  }

  #unary(): number | null {
    if (this.#depth > MAX_DEPTH) return null;
    for (const operator of ["-", "~", "!", "+"]) {
      if (!this.#take(operator)) continue;
      this.#depth += 1;
      const value = this.#unary();
      this.#depth -= 1;
      if (value === null) return null;
      if (operator === "!") return value === 0 ? 1 : 0;
      return operator === "-" ? -value : operator === "~" ? ~value : value;
    }
    if (this.#take("(")) {
      this.#depth += 1;
      const value = this.ternary();
      this.#depth -= 1;
      return this.#take(")") ? value : null;
    }
    const word = this.#tokens[this.#at];
    if (word?.kind !== "word") return null;
    this.#at += 1;
    return this.#word(word.text);
  }

  #word(text: string): number | null {
    const number = /^(0[xX][0-9a-fA-F]+|\d+)[uUlL]*$/.exec(text)?.[1];
    // As in C: a leading 0 means octal.
    if (number !== undefined) return Number(number.replace(/^0(?=[0-7]+$)/, "0o"));
    const factor = FUNCTIONS.get(text);
    if (factor !== undefined) {
      const value = this.#take("(") ? this.ternary() : null;
      return this.#take(")") && value !== null ? value * factor : null;
    }
    const macro = this.#macros.get(text);
    if (macro === undefined || this.#depth >= MAX_DEPTH || macro.length > MAX_TOKENS) return null;
    const tokens = tokenizeMacro(macro);
    if (tokens === null) return null;
    const evaluator = new Evaluator(tokens, this.#macros, this.#depth + 8);
    const value = evaluator.ternary();
    return evaluator.isAtEnd() ? value : null;
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "punctuation" || token.text !== text) return false;
    this.#at += 1;
    return true;
  }
}

function tokenizeMacro(text: string): readonly DtsToken[] | null {
  try {
    const cells = `<${text}>`;
    return tokenizeDts(new SourceText("macro", cells), cells).slice(1, -2);
  } catch {
    return null;
  }
}

function apply(operator: string, left: number, right: number): number | null {
  if (!Number.isSafeInteger(left) || !Number.isSafeInteger(right)) return null;
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? null : Math.trunc(left / right);
    case "%":
      return right === 0 ? null : left % right;
    case "<<":
      return left * 2 ** Math.min(right, 53);
    case ">>":
      return Math.floor(left / 2 ** Math.min(right, 53));
    case "&":
      return Number(BigInt(left) & BigInt(right));
    case "|":
      return Number(BigInt(left) | BigInt(right));
    case "^":
      return Number(BigInt(left) ^ BigInt(right));
    case "==":
      return Number(left === right);
    case "!=":
      return Number(left !== right);
    case "<":
      return Number(left < right);
    case "<=":
      return Number(left <= right);
    case ">":
      return Number(left > right);
    case ">=":
      return Number(left >= right);
    case "&&":
      return Number(left !== 0 && right !== 0);
    default:
      return Number(left !== 0 || right !== 0);
  }
}
