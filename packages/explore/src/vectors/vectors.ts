// SPDX-License-Identifier: Apache-2.0
import { createRandom } from "@tandem/base";
import type { Random } from "@tandem/base";
import { nodeCrypto } from "@tandem/base/node";
import { MemoryStorage } from "@tandem/flash";

import type { FlashKind, ProfileName } from "../geometry.js";
import { MemoCrypto } from "../memo-crypto.js";
import { FULL_SCENARIOS, SCENARIOS } from "../scenario.js";
import { inSlices } from "../slices.js";
import { createTwin, createWorld } from "../world.js";
import type { World } from "../world.js";
import type { BootSetting } from "./boot-run.js";
import type { BootVector } from "./boot-vector.js";
import { readVectors } from "./read-vectors.js";
import { recordBoot } from "./record-boot.js";
import { replayBoot } from "./replay-boot.js";
import { recordWords, vectorStates } from "./vector-states.js";
import type { VectorState } from "./vector-states.js";
import { writeVectors } from "./write-vectors.js";
import type { VectorFiles } from "./write-vectors.js";

/** States of damaged devices in one group from which no more stories are needed. */
const ENOUGH = 3;

export interface VectorOptions {
  readonly profile: ProfileName;
  readonly flash: FlashKind;
  /** Only this story; default: all. */
  readonly scenario?: string;
  /** How many boots, at most. */
  readonly count: number;
  readonly seed: number;
  /** Asked before each boot: what has been made until then is kept. */
  readonly isOver: () => boolean;
}

/** Vectors that were made, and how many boots each group of states has got. */
export interface MadeVectors extends VectorFiles {
  readonly boots: number;
  readonly groups: number;
  /** Groups of states of which there is no boot. */
  readonly leftOut: readonly string[];
}

/** Boots the coordinator from states of an exploration, and writes down what it does. */
export function makeVectors(options: VectorOptions): Promise<MadeVectors> {
  return inSlices(make(options));
}

function* make(options: VectorOptions): Generator<void, MadeVectors> {
  const { profile, flash, count, isOver } = options;
  const crypto = new MemoCrypto(nodeCrypto);
  const all = profile === "full" ? FULL_SCENARIOS : SCENARIOS;
  const names = options.scenario === undefined ? all.map(({ name }) => name) : [options.scenario];
  const groups = new Map<string, Candidate[]>();
  for (const scenario of names) {
    const world = createWorld({ profile, flash, scenario }, crypto);
    const isWanted = (group: string): boolean => (groups.get(group)?.length ?? 0) < ENOUGH;
    for (const state of vectorStates(world, isWanted)) {
      const group = groups.get(state.group) ?? [];
      group.push({ world, state });
      groups.set(state.group, group);
      yield;
      if (isOver()) break;
    }
  }
  const vectors: BootVector[] = [];
  const used = new Set<string>();
  for (const { world, state } of inTurn([...groups.values()], createRandom(options.seed))) {
    if (vectors.length >= count || isOver()) break;
    used.add(state.group);
    vectors.push(vectorOf(world, state));
    yield;
  }
  const files = writeVectors(settingOf(profile, flash), vectors, nodeCrypto);
  const leftOut = [...groups.keys()].filter((group) => !used.has(group));
  return { ...files, boots: vectors.length, groups: groups.size, leftOut };
}

interface Candidate {
  readonly world: World;
  readonly state: VectorState;
}

/** One of each group, then another of each, and so on; which one, chance decides. */
function* inTurn(groups: readonly Candidate[][], random: Random): Generator<Candidate> {
  const left = groups.map((group) => [...group]);
  while (left.some((group) => group.length > 0)) {
    for (const group of left) {
      const [taken] = group.splice(random.below(Math.max(1, group.length)), 1);
      if (taken !== undefined) yield taken;
    }
  }
}

function vectorOf(world: World, { group, node }: VectorState): BootVector {
  const at = node();
  const marker = createTwin(world, at.state).marker.read().kind;
  return recordBoot(world, at, [
    ...recordWords(world, at.state),
    marker,
    ...group.split(" "),
    world.scenario.name,
  ]);
}

/** What belongs to a kind of device, whatever is stored on it. */
function settingOf(profile: ProfileName, flash: FlashKind): BootSetting {
  const world = createWorld({ profile, flash, scenario: "good" });
  const { slots, trust } = createTwin(world, world.root.state);
  const { eccStrengthBits } = world.geometry.chip.make(new MemoryStorage(), {});
  return { geometry: world.geometry, slots, trust, eccStrengthBits };
}

/** What came of a check. */
export interface VectorCheck {
  readonly boots: number;
  /** The first boot that went otherwise, where, and how; null: all went as written. */
  readonly difference: {
    /** Line of `boots.txt`, counted from 1. */
    readonly line: number;
    readonly boot: number;
    readonly name: string;
    /** Number of the action in its boot, counted from 0; null: what is decided or left differs. */
    readonly action: number | null;
    readonly text: string;
  } | null;
}

/**
 * Runs the coordinator against vectors, up to the first difference.
 * @throws {FormatError} explore/vectors when the files are none, or of another version
 */
export function checkVectors(files: VectorFiles): VectorCheck {
  const { setting, vectors } = readVectors(files, nodeCrypto, settingOf);
  for (const [boot, { vector, firstActionLine }] of vectors.entries()) {
    const found = replayBoot(setting, vector);
    if (found === null) continue;
    const { action, text } = found;
    const line = firstActionLine + (action ?? vector.actions.length);
    const difference = { line, boot, name: vector.name.join(" "), action, text };
    return { boots: vectors.length, difference };
  }
  return { boots: vectors.length, difference: null };
}
