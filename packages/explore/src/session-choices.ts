// SPDX-License-Identifier: Apache-2.0
import type { UnstableReads } from "./world.js";

/** A read of an unstable page: good, or bad. */
const READ_LETTERS = "gb";

/** How candidate firmware behaves when it is tried, by letter. */
export const BEHAVIOURS = {
  o: { app: { kind: "boots" }, net: { kind: "boots" } },
  h: { app: { kind: "hangs" }, net: { kind: "boots" } },
  c: { app: { kind: "crashes", afterMs: 0 }, net: { kind: "boots" } },
  f: { app: { kind: "self-test-fails" }, net: { kind: "boots" } },
  s: { app: { kind: "boots" }, net: { kind: "silent" } },
  w: { app: { kind: "boots" }, net: { kind: "wrong-version" } },
} as const;
export type BehaviourLetter = keyof typeof BEHAVIOURS;

/** All letters of choices. */
export const CHOICE_LETTERS: string = READ_LETTERS + Object.keys(BEHAVIOURS).join("");

/**
 * What may go one way or another in one session: each unstable page reads well or badly from its
 * first read on, and firmware on trial behaves in one of several ways. Goes through all
 * combinations that the session comes to ask for, one run of the session each.
 */
export class SessionChoices {
  #forced: string;
  readonly #pick: (count: number) => number;
  #made = "";
  readonly #byName = new Map<string, string>();
  /** Prefixes that are still to be tried. */
  readonly #left: string[] = [];

  /**
   * @param letters the choices of one run, to repeat it; default: all combinations
   * @param pick decides each choice that `letters` leaves open; default: the first one
   */
  constructor(letters = "", pick: (count: number) => number = () => 0) {
    this.#forced = letters;
    this.#pick = pick;
  }

  /** The choices of this run, in the order in which they were asked for. */
  get letters(): string {
    return this.#made;
  }

  /** Before each run. */
  begin(): void {
    this.#made = "";
    this.#byName.clear();
  }

  /** Decides reads of the run. */
  readonly unstableReads: UnstableReads = (device, page) =>
    this.#choose(`${device}/${page}`, READ_LETTERS) === "g";

  /** Decides how firmware on trial behaves in the run. */
  readonly behaviour = (): BehaviourLetter => {
    const letter = this.#choose("firmware", Object.keys(BEHAVIOURS).join(""));
    return isBehaviour(letter) ? letter : "o";
  };

  /** Turns to the next combination; false when all have been run. */
  next(): boolean {
    const next = this.#left.pop();
    if (next === undefined) return false;
    this.#forced = next;
    return true;
  }

  #choose(name: string, letters: string): string {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const at = this.#made.length;
    const isForced = at < this.#forced.length;
    const choice = isForced ? this.#forced.charAt(at) : letters.charAt(this.#pick(letters.length));
    if (!isForced) {
      const others = letters.replace(choice, "");
      this.#left.push(...Array.from(others, (letter) => this.#made + letter));
    }
    this.#byName.set(name, choice);
    this.#made += choice;
    return choice;
  }
}

function isBehaviour(letter: string): letter is BehaviourLetter {
  return Object.hasOwn(BEHAVIOURS, letter);
}
