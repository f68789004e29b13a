// SPDX-License-Identifier: Apache-2.0
import { hex } from "@tandem/base";

import type { Located, Place } from "../place.js";
import { badInput } from "./source-text.js";
import type { SourceText } from "./source-text.js";
import { parseYamlInteger, readYaml } from "./yaml.js";
import type { YamlMap, YamlNode } from "./yaml.js";

/** Most partitions of one file; real ones have up to 60. */
const MAX_PARTITIONS = 512;

/** Largest address or size: nothing on a 32-bit core lies behind it. */
const MAX_ADDRESS = 0x1_0000_0000;

/** One entry of a pm_static.yml or partitions.yml, as written. */
export interface PmPartition {
  readonly name: string;
  readonly place: Place;
  readonly address: Located<number> | null;
  readonly size: Located<number> | null;
  readonly endAddress: Located<number> | null;
  readonly region: Located<string> | null;
  readonly device: Located<string> | null;
  /** Names of the partitions that it consists of; null when it has memory of its own. */
  readonly span: readonly Located<string>[] | null;
}

/** A file of Partition Manager. */
export interface PmPartitionFile {
  readonly file: string;
  /** In the order of the file; a name may come twice. */
  readonly partitions: readonly PmPartition[];
}

/** One region of regions.yml. */
export interface PmRegion {
  readonly name: string;
  readonly place: Place;
  readonly base: number;
  readonly size: Located<number>;
  readonly placement: string | null;
}

/**
 * Reads pm_static.yml or a generated partitions.yml.
 * @throws {FormatError} layout/bad-yaml, layout/bad-partitions
 * @see sdk-nrf, doc/nrf/scripts/partition_manager
 */
export function readPartitions(source: SourceText): PmPartitionFile {
  const partitions = readTable(source).map(({ key, value }) => readPartition(key, value));
  return { file: source.name, partitions };
}

/**
 * Reads a generated regions.yml.
 * @throws {FormatError} layout/bad-yaml, layout/bad-partitions
 */
export function readRegions(source: SourceText): readonly PmRegion[] {
  return readTable(source).map(({ key, value }) => {
    const size = integerAt(value, "size");
    if (size === null) {
      throw bad(`region ${key.value} without size, expected one`, key.place);
    }
    return {
      name: key.value,
      place: key.place,
      base: integerAt(value, "base_address")?.value ?? 0,
      size,
      placement: textAt(value, "placement_strategy")?.value ?? null,
    };
  });
}

/** True when a table looks like regions and not like partitions. */
export function looksLikeRegions(source: SourceText): boolean {
  return /^ +base_address\s*:/m.test(source.text);
}

function readTable(source: SourceText): { key: Located<string>; value: YamlMap }[] {
  const root = readYaml(source);
  if (root === null) return [];
  if (root.kind !== "map") {
    throw bad(`a ${root.kind}, expected partitions by name`, root.place);
  }
  if (root.entries.length > MAX_PARTITIONS) {
    const place = root.entries[MAX_PARTITIONS]?.key.place ?? root.place;
    throw bad(`${root.entries.length} entries, expected at most ${MAX_PARTITIONS}`, place);
  }
  return root.entries.map(({ key, value }) => {
    if (value.kind === "map") return { key, value };
    throw bad(`${key.value}: ${shown(value)}, expected address, size and region`, value.place);
  });
}

function readPartition(key: Located<string>, fields: YamlMap): PmPartition {
  return {
    name: key.value,
    place: key.place,
    address: integerAt(fields, "address"),
    size: integerAt(fields, "size"),
    endAddress: integerAt(fields, "end_address"),
    region: textAt(fields, "region"),
    device: textAt(fields, "device"),
    span: namesAt(fields, "span"),
  };
}

/** The last one counts when a key comes twice, as in PyYAML. */
function fieldAt(fields: YamlMap, name: string): YamlNode | null {
  return fields.entries.findLast(({ key }) => key.value === name)?.value ?? null;
}

function integerAt(fields: YamlMap, name: string): Located<number> | null {
  const node = fieldAt(fields, name);
  if (node === null) return null;
  const value = node.kind === "scalar" && !node.quoted ? parseYamlInteger(node.text) : null;
  if (value === null) throw bad(`${name}: ${shown(node)}, expected an integer`, node.place);
  if (value < 0 || value > MAX_ADDRESS) {
    throw bad(
      `${name}: ${node.kind === "scalar" ? node.text : ""}, expected 0 to ${hex(MAX_ADDRESS)}`,
      node.place,
    );
  }
  return { value, place: node.place };
}

function textAt(fields: YamlMap, name: string): Located<string> | null {
  const node = fieldAt(fields, name);
  if (node === null) return null;
  if (node.kind === "scalar") return { value: node.text, place: node.place };
  throw bad(`${name}: ${shown(node)}, expected a name`, node.place);
}

/** A list of names, or one name, which Partition Manager takes for a list of it. */
function namesAt(fields: YamlMap, name: string): readonly Located<string>[] | null {
  const node = fieldAt(fields, name);
  if (node === null) return null;
  if (node.kind === "map") {
    // `one_of` lists what a build may choose from; a static file has nothing to choose.
    throw bad(`${name}: ${shown(node)}, expected a list of partition names`, node.place);
  }
  const items = node.kind === "list" ? node.items : [node];
  return items.map((item) => {
    if (item.kind === "scalar") return { value: item.text, place: item.place };
    throw bad(`${name}: ${shown(item)}, expected a partition name`, item.place);
  });
}

function shown(node: YamlNode): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  const text = node.text.length > 40 ? `${node.text.slice(0, 37)}...` : node.text;
  return node.quoted ? `the text ${JSON.stringify(text)}` : text === "" ? "nothing" : text;
}

function bad(message: string, place: Place) {
  return badInput("layout/bad-partitions", message, place);
}
