// SPDX-License-Identifier: Apache-2.0
import {
  Composer,
  LineCounter,
  Parser,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
} from "yaml";
import type { CST, Document, Node, YAMLError } from "yaml";

import type { Located, Place } from "../place.js";
import { badInput } from "./source-text.js";
import type { SourceText } from "./source-text.js";

/** Longest YAML file, characters; a generated partitions.yml has 10,000. */
const MAX_YAML_CHARACTERS = 262_144;

/** Deepest nesting; Partition Manager's own files have 4 levels. */
const MAX_YAML_DEPTH = 24;

/** YAML with places. Aliases are resolved to the same node, so a node may contain itself. */
export type YamlNode = YamlMap | YamlList | YamlScalar;

export interface YamlMap {
  readonly kind: "map";
  readonly entries: readonly { readonly key: Located<string>; readonly value: YamlNode }[];
  readonly place: Place;
}

interface YamlList {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
  readonly place: Place;
}

interface YamlScalar {
  readonly kind: "scalar";
  readonly text: string;
  /** Quoted or a block: a string, whatever it looks like. */
  readonly quoted: boolean;
  readonly place: Place;
}

/**
 * Reads one YAML document.
 * @throws {FormatError} layout/bad-yaml with the place of the first error
 */
export function readYaml(source: SourceText): YamlNode | null {
  const fail = (message: string, offset: number, length = 1) =>
    badInput("layout/bad-yaml", message, source.placeOf(offset, length));
  if (source.text.length > MAX_YAML_CHARACTERS) {
    throw fail(`${source.text.length} characters, expected at most ${MAX_YAML_CHARACTERS}`, 0);
  }
  const tokens = [...new Parser(new LineCounter().addNewLine).parse(source.text)];
  const deep = findTooDeep(tokens);
  if (deep !== null) throw fail(`nested deeper than ${MAX_YAML_DEPTH} levels`, deep);
  // Scalars stay text: their meaning is PyYAML's, not this library's.
  const composer = new Composer({ schema: "failsafe", uniqueKeys: false, prettyErrors: false });
  const documents = [...composer.compose(tokens)];
  for (const document of documents) {
    const error: YAMLError | undefined = document.errors[0];
    if (error !== undefined) {
      const [start, end] = error.pos;
      throw fail(reasonOf(error), Math.min(start, source.text.length), end - start);
    }
  }
  const [document, second] = documents;
  if (second !== undefined) {
    throw fail("a second document, expected one", second.range[0]);
  }
  if (document === undefined || document.contents === null) return null;
  return new YamlConverter(source).convert(document);
}

/** PyYAML, which Partition Manager uses, reads YAML 1.1: decimal, 0x, 0b and octal with a leading 0. */
export function parseYamlInteger(text: string): number | null {
  const digits = text.replaceAll("_", "");
  let value = Number.NaN;
  if (/^[-+]?(0|[1-9]\d*)$/.test(digits) || /^0(x[0-9a-fA-F]+|b[01]+)$/.test(digits)) {
    value = Number(digits);
  } else if (/^0[0-7]+$/.test(digits)) value = Number.parseInt(digits, 8);
  return Number.isSafeInteger(value) ? value : null;
}

/** Tokens are walked with a list, so that hostile depth costs no stack. */
function findTooDeep(tokens: readonly CST.Token[]): number | null {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > MAX_YAML_DEPTH) return token.offset;
    if (token.type === "document" && token.value !== undefined) {
      open.push({ token: token.value, depth });
    }
    if (!("items" in token)) continue;
    for (const item of token.items) {
      for (const part of [item.key, item.value]) {
        if (part !== undefined && part !== null) open.push({ token: part, depth: depth + 1 });
      }
    }
  }
  return null;
}

function reasonOf(error: YAMLError): string {
  if (error.code === "TAB_AS_INDENT") return "tab as indentation, expected spaces";
  return `not YAML: ${error.message.replace(/\s+/g, " ")}`;
}

class YamlConverter {
  readonly #source: SourceText;
  readonly #anchors = new Map<string, YamlNode>();

  constructor(source: SourceText) {
    this.#source = source;
  }

  convert(document: Document.Parsed): YamlNode | null {
    return document.contents === null ? null : this.#node(document.contents);
  }

  #node(node: Node): YamlNode {
    const place = this.#place(node.range);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target !== undefined) return target;
      throw badInput("layout/bad-yaml", `no anchor "${node.source}" before this alias`, place);
    }
    if (isScalar(node)) {
      const text = typeof node.value === "string" ? node.value : "";
      const quoted = node.type !== undefined && node.type !== "PLAIN";
      return this.#anchored(node.anchor, { kind: "scalar", text, quoted, place });
    }
    // Registered before its children are read: an anchor may be used inside itself.
    if (isSeq(node)) {
      const items: YamlNode[] = [];
      const list = this.#anchored(node.anchor, { kind: "list", items, place });
      for (const item of node.items) items.push(this.#node(this.#parsed(item, place)));
      return list;
    }
    const entries: { key: Located<string>; value: YamlNode }[] = [];
    const map = this.#anchored(node.anchor, { kind: "map", entries, place });
    for (const pair of isMap(node) ? node.items : []) {
      if (!isPair(pair)) continue;
      entries.push(...this.#entry(pair.key, pair.value, place));
    }
    return map;
  }

  #entry(key: unknown, value: unknown, place: Place) {
    const keyNode = this.#node(this.#parsed(key, place));
    if (keyNode.kind !== "scalar") {
      throw badInput("layout/bad-yaml", `a ${keyNode.kind} as key, expected a name`, keyNode.place);
    }
    const empty: YamlScalar = { kind: "scalar", text: "", quoted: false, place: keyNode.place };
    const valueNode = value === null ? empty : this.#node(this.#parsed(value, place));
    // YAML 1.1's merge key, as PyYAML does it.
    if (keyNode.text === "<<" && valueNode.kind === "map") return valueNode.entries;
    return [{ key: { value: keyNode.text, place: keyNode.place }, value: valueNode }];
  }

  #anchored(anchor: string | undefined, node: YamlNode): YamlNode {
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    return node;
  }

  /** The library types children as unknown; parsed ones are nodes. */
  #parsed(node: unknown, place: Place): Node {
    if (isNode(node)) return node;
    throw badInput("layout/bad-yaml", "an entry without a value", place);
  }

  #place(range: readonly number[] | null | undefined): Place {
    const [start = 0, end = start + 1] = range ?? [];
    return this.#source.placeOf(start, end - start);
  }
}
