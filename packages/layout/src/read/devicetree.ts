// SPDX-License-Identifier: Apache-2.0
import type { Located, Place } from "../place.js";
import { evaluateExpression } from "./dts-expression.js";
import { tokenizeDts } from "./dts-lexer.js";
import type { DtsToken } from "./dts-lexer.js";
import { preprocessDts } from "./dts-preprocessor.js";
import { badInput } from "./source-text.js";
import type { SourceText } from "./source-text.js";

/** Deepest nesting of nodes. */
const MAX_NODE_DEPTH = 64;

/** Most nodes; an nRF5340 has 600. */
const MAX_NODES = 10_000;

/** One cell between "<" and ">". */
interface DtsCell {
  /** Null when it cannot be evaluated here, or is a reference. */
  readonly value: number | null;
  /** Label, when the cell is `&label`. */
  readonly reference: string | null;
  readonly place: Place;
}

/** What a property is set to; parts of other kinds are left out. */
interface DtsProperty {
  readonly name: string;
  readonly place: Place;
  readonly strings: readonly Located<string>[];
  readonly cells: readonly DtsCell[];
  /** `[ef aa 21]`. */
  readonly bytes: readonly number[];
  /** Labels of `&label` outside of cells. */
  readonly references: readonly Located<string>[];
}

/** A node after everything that the file says of it. */
export interface DtsNode {
  /** With its unit address; `&label` for a node that only an overlay's base defines. */
  readonly name: string;
  readonly labels: string[];
  readonly place: Place;
  readonly parent: DtsNode | null;
  readonly properties: Map<string, DtsProperty>;
  readonly children: DtsNode[];
  /** Where the same name is opened again under another label: both become one node. */
  readonly merged: Located<string>[];
}

/** A devicetree source: zephyr.dts as built, or an overlay. */
export interface DevicetreeFile {
  readonly file: string;
  /** True for a tree that begins with /dts-v1/, false for an overlay. */
  readonly complete: boolean;
  readonly root: DtsNode;
  /** Nodes that the file changes by label and does not define. */
  readonly references: readonly DtsNode[];
  /** Labels of nodes that it deletes and does not define. */
  readonly deleted: readonly Located<string>[];
  readonly includes: readonly string[];
}

/**
 * Reads the parts of devicetree source that say what is where: nodes, labels, strings, cells with
 * their arithmetic, byte strings, deletions. Includes are not followed; macros with arguments,
 * other than DT_SIZE_K and DT_SIZE_M, have no value.
 * @throws {FormatError} layout/bad-devicetree with the place
 * @see Devicetree Specification 0.4, section 6
 */
export function readDevicetree(source: SourceText): DevicetreeFile {
  return new DtsParser(source).file();
}

/** All nodes below these, they themselves first, in the order of the file. */
export function* walkNodes(roots: readonly DtsNode[]): Generator<DtsNode> {
  const open = roots.toReversed();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    yield node;
    open.push(...node.children.toReversed());
  }
}

class DtsParser {
  readonly #source: SourceText;
  readonly #tokens: readonly DtsToken[];
  readonly #macros: ReadonlyMap<string, string>;
  readonly #includes: string[];
  readonly #root: DtsNode;
  readonly #references: DtsNode[] = [];
  readonly #byLabel = new Map<string, DtsNode>();
  readonly #deleted: Located<string>[] = [];
  #complete = false;
  #nodes = 0;
  #at = 0;

  constructor(source: SourceText) {
    this.#source = source;
    const { text, macros, includes } = preprocessDts(source.text);
    this.#macros = macros;
    this.#includes = [...includes];
    this.#tokens = tokenizeDts(source, text);
    this.#root = newNode("/", null, source.placeOf(0, 1));
  }

  file(): DevicetreeFile {
    // Nodes are opened and closed on this list, so that hostile depth costs no stack.
    const open: DtsNode[] = [];
    for (;;) {
      const token = this.#peek();
      const node = open.at(-1);
      if (node === undefined) {
        if (token.kind === "end") break;
        const opened = this.#topLevel();
        if (opened !== null) open.push(opened);
      } else if (this.#take("}")) {
        this.#expect(";");
        open.pop();
      } else {
        const child = this.#member(node);
        if (child !== null) open.push(child);
      }
      if (open.length > MAX_NODE_DEPTH) {
        throw this.#bad(`nodes nested deeper than ${MAX_NODE_DEPTH} levels`, token);
      }
    }
    return {
      file: this.#source.name,
      complete: this.#complete,
      root: this.#root,
      references: this.#references,
      deleted: this.#deleted,
      includes: this.#includes,
    };
  }

  /** A statement outside of nodes; the node that it opens, if it does. */
  #topLevel(): DtsNode | null {
    const labels = this.#labels();
    const token = this.#next();
    if (token.text === "/dts-v1/" || token.text === "/plugin/") {
      this.#complete ||= token.text === "/dts-v1/";
      this.#expect(";");
      return null;
    }
    if (token.text === "/memreserve/" || token.text === "/include/") {
      this.#skipStatement(token);
      return null;
    }
    if (token.text === "/delete-node/") {
      this.#deleteReference();
      return null;
    }
    if (token.text === "/omit-if-no-ref/") return null;
    if (token.kind === "punctuation" && token.text === "/") {
      this.#expect("{");
      return this.#root;
    }
    if (token.kind === "word" && token.text.startsWith("&")) {
      const node = this.#referenced(token);
      for (const label of labels) this.#label(node, label);
      this.#expect("{");
      return node;
    }
    if (token.kind === "word" && this.#peek().text === "(") {
      this.#skipParentheses();
      this.#take(";");
      return null;
    }
    throw this.#bad(`${shown(token)}, expected a node`, token);
  }

  /** A property or child of `node`; the child that it opens, if it does. */
  #member(node: DtsNode): DtsNode | null {
    const labels = this.#labels();
    const token = this.#next();
    if (token.kind !== "word") {
      throw this.#bad(`${shown(token)}, expected a property, a node or "}"`, token);
    }
    switch (token.text) {
      case "/delete-node/":
        this.#deleteChild(node);
        return null;
      case "/delete-property/":
        node.properties.delete(this.#next().text);
        this.#expect(";");
        return null;
      case "/omit-if-no-ref/":
        return null;
      case "/include/":
        this.#skipStatement(token);
        return null;
    }
    if (this.#take("{")) {
      const child = this.#child(node, token);
      const [other] = child.labels.length === 0 ? [] : labels;
      if (other !== undefined && !child.labels.includes(other)) {
        child.merged.push({ value: other, place: this.#place(token) });
      }
      for (const label of labels) this.#label(child, label);
      return child;
    }
    if (this.#peek().text === "(") {
      // A macro that stands for whole properties or nodes.
      this.#skipParentheses();
      this.#take(";");
      return null;
    }
    this.#property(node, token);
    return null;
  }

  #property(node: DtsNode, name: DtsToken): void {
    const strings: Located<string>[] = [];
    const cells: DtsCell[] = [];
    const bytes: number[] = [];
    const references: Located<string>[] = [];
    const place = this.#place(name);
    if (this.#take("=")) {
      do {
        const token = this.#next();
        const located = { value: token.text, place: this.#place(token) };
        if (token.kind === "string") strings.push(located);
        else if (token.text === "<") cells.push(...this.#cells(token));
        else if (token.text === "[") bytes.push(...this.#bytes(token));
        else if (token.text.startsWith("&")) {
          references.push({ ...located, value: token.text.slice(1) });
        } else if (token.kind === "word") this.#otherValue();
        else throw this.#bad(`${shown(token)}, expected a value`, token);
      } while (this.#take(","));
    }
    this.#expect(";");
    node.properties.set(name.text, { name: name.text, place, strings, cells, bytes, references });
  }

  /** `/bits/ 8 <...>`, a macro, or a label in front of a value: no value that is used here. */
  #otherValue(): void {
    while (!["", ",", ";", "}", "<"].includes(this.#peek().text) && this.#peek().kind !== "end") {
      if (this.#peek().text === "(") this.#skipParentheses();
      else this.#at += 1;
    }
    const open = this.#peek();
    if (this.#take("<")) this.#cells(open);
  }

  #cells(open: DtsToken): DtsCell[] {
    const cells: DtsCell[] = [];
    while (!this.#take(">")) {
      const token = this.#peek();
      if (token.kind === "end" || [";", "{", "}"].includes(token.text)) {
        throw this.#bad(
          `${shown(token)}, expected ">" of the "<" in line ${this.#place(open).line}`,
          token,
        );
      }
      const start = this.#at;
      this.#at += 1;
      if (token.text === "(") {
        this.#at = start;
        this.#skipParentheses();
      } else if (this.#isCall(token)) {
        this.#skipParentheses();
      }
      const parts = this.#tokens.slice(start, this.#at);
      const last = parts.at(-1) ?? token;
      const place = this.#source.placeOf(token.offset, last.offset + last.length - token.offset);
      if (token.text.startsWith("&")) {
        cells.push({ value: null, reference: token.text.slice(1), place });
      } else {
        cells.push({ value: evaluateExpression(parts, this.#macros), reference: null, place });
      }
    }
    return cells;
  }

  /** A macro with arguments; behind a number or a macro without them, "(" begins the next cell. */
  #isCall({ text }: DtsToken): boolean {
    return this.#peek().text === "(" && /^[A-Za-z_]/.test(text) && !this.#macros.has(text);
  }

  #bytes(open: DtsToken): number[] {
    let digits = "";
    while (!this.#take("]")) {
      const token = this.#next();
      if (!/^[0-9a-fA-F]+$/.test(token.text)) {
        throw this.#bad(`${shown(token)}, expected hex digits or "]"`, token);
      }
      digits += token.text;
    }
    if (digits.length % 2 !== 0) throw this.#bad("half a byte in a byte string", open);
    return (digits.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  }

  #labels(): string[] {
    const labels: string[] = [];
    while (this.#peek().kind === "word" && this.#tokens[this.#at + 1]?.text === ":") {
      labels.push(this.#next().text);
      this.#at += 1;
    }
    return labels;
  }

  #label(node: DtsNode, label: string): void {
    if (!node.labels.includes(label)) node.labels.push(label);
    this.#byLabel.set(label, node);
  }

  /** The same name again in the same node adds to the node that is there. */
  #child(parent: DtsNode, name: DtsToken): DtsNode {
    const before = parent.children.find((child) => child.name === name.text);
    if (before !== undefined) return before;
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw this.#bad(`more than ${MAX_NODES} nodes`, name);
    const child = newNode(name.text, parent, this.#place(name));
    parent.children.push(child);
    return child;
  }

  #referenced(token: DtsToken): DtsNode {
    const label = token.text.slice(1);
    const known = this.#byLabel.get(label);
    if (known !== undefined) return known;
    const node = newNode(token.text, null, this.#place(token));
    this.#references.push(node);
    this.#label(node, label);
    return node;
  }

  #deleteReference(): void {
    const token = this.#next();
    const known = this.#byLabel.get(token.text.slice(1));
    if (known === undefined) {
      this.#deleted.push({ value: token.text.slice(1), place: this.#place(token) });
    } else this.#remove(known);
    this.#expect(";");
  }

  #deleteChild(node: DtsNode): void {
    const token = this.#next();
    const name = token.text;
    const child = node.children.find((candidate) => candidate.name === name);
    if (child !== undefined) this.#remove(child);
    this.#expect(";");
  }

  #remove(node: DtsNode): void {
    const siblings = node.parent?.children ?? this.#references;
    const at = siblings.indexOf(node);
    if (at !== -1) siblings.splice(at, 1);
    for (const { labels } of walkNodes([node])) {
      for (const label of labels) this.#byLabel.delete(label);
    }
  }

  #skipParentheses(): void {
    const open = this.#peek();
    let depth = 0;
    do {
      const token = this.#next();
      if (token.kind === "end") throw this.#bad('"(" without ")"', open);
      if (token.text === "(") depth += 1;
      if (token.text === ")") depth -= 1;
    } while (depth > 0);
  }

  #skipStatement(start: DtsToken): void {
    if (start.text === "/include/") {
      this.#includes.push(this.#next().text);
      this.#take(";");
      return;
    }
    while (!this.#take(";")) {
      if (this.#next().kind === "end") throw this.#bad('no ";" behind this', start);
    }
  }

  #peek(): DtsToken {
    return this.#tokens[this.#at] ?? this.#end();
  }

  #next(): DtsToken {
    const token = this.#peek();
    if (token.kind !== "end") this.#at += 1;
    return token;
  }

  #end(): DtsToken {
    const offset = this.#source.text.length;
    return { kind: "end", text: "the end of the file", offset, length: 0 };
  }

  #take(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== "punctuation" || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    const token = this.#peek();
    if (!this.#take(text)) throw this.#bad(`${shown(token)}, expected "${text}"`, token);
  }

  #place(token: DtsToken): Place {
    return this.#source.placeOf(token.offset, token.length);
  }

  #bad(message: string, token: DtsToken) {
    return badInput("layout/bad-devicetree", message, this.#place(token));
  }
}

function newNode(name: string, parent: DtsNode | null, place: Place): DtsNode {
  return { name, labels: [], place, parent, properties: new Map(), children: [], merged: [] };
}

function shown(token: DtsToken): string {
  return token.kind === "end" ? token.text : JSON.stringify(token.text.slice(0, 40));
}
