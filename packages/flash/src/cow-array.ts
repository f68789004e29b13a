// SPDX-License-Identifier: Apache-2.0

const BITS = 4;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;
const NONE: readonly never[] = [];

/** Marks the nodes that one array may change in place. */
interface Owner {
  readonly owner: true;
}

interface Node<T> {
  readonly owner: Owner;
  /** Empty in leaves. */
  readonly children: (Node<T> | null)[];
  /** Empty above leaves. */
  readonly values: (T | null)[];
}

/**
 * A sparse array whose copies are made at once and share what neither has changed since: a radix
 * tree, of which a write copies the path to its entry. Reading costs the same whatever the number
 * of copies between this array and the first one.
 */
export class CowArray<T> {
  #root: Node<T> | null;
  #levels: number;
  /** Null after a copy was made: then every node may be shared. */
  #owner: Owner | null = null;

  private constructor(root: Node<T> | null, levels: number) {
    this.#root = root;
    this.#levels = levels;
  }

  static empty<T>(): CowArray<T> {
    return new CowArray<T>(null, 1);
  }

  /** An independent copy, at constant cost. */
  fork(): CowArray<T> {
    this.#owner = null;
    return new CowArray(this.#root, this.#levels);
  }

  /** Becomes a copy of `other`, at constant cost. */
  assign(other: CowArray<T>): void {
    other.#owner = null;
    this.#owner = null;
    this.#root = other.#root;
    this.#levels = other.#levels;
  }

  get isEmpty(): boolean {
    return this.#root === null;
  }

  get(index: number): T | null {
    let node = this.#root;
    let shift = BITS * (this.#levels - 1);
    if (index >= WIDTH ** this.#levels) return null;
    for (; shift > 0 && node !== null; shift -= BITS) {
      node = node.children[(index >>> shift) & MASK] ?? null;
    }
    return node?.values[index & MASK] ?? null;
  }

  set(index: number, value: T | null): void {
    if (value === null && this.get(index) === null) return;
    const owner = (this.#owner ??= { owner: true });
    while (index >= WIDTH ** this.#levels) this.#grow(owner);
    let node = owned(this.#root, this.#levels === 1, owner);
    this.#root = node;
    for (let shift = BITS * (this.#levels - 1); shift > 0; shift -= BITS) {
      const slot = (index >>> shift) & MASK;
      const child = owned(node.children[slot] ?? null, shift === BITS, owner);
      node.children[slot] = child;
      node = child;
    }
    node.values[index & MASK] = value;
  }

  /** Empties `count` entries from `first` on. */
  clear(first: number, count: number): void {
    for (let index = first; index < first + count && this.#root !== null; index++) {
      this.set(index, null);
    }
  }

  /** Indexes of the entries that hold something, ascending. */
  *indexes(): Generator<number> {
    const end = WIDTH ** this.#levels;
    for (let index = 0; index < end;) {
      const empty = this.#emptyRun(index);
      if (empty === 0) yield index++;
      else index += empty;
    }
  }

  /** Length of the empty subtree that begins at `index`; 0 when the entry holds something. */
  #emptyRun(index: number): number {
    let node = this.#root;
    let span = WIDTH ** this.#levels;
    for (let shift = BITS * (this.#levels - 1); shift > 0; shift -= BITS) {
      if (node === null) return span - (index % span);
      span = 1 << shift;
      node = node.children[(index >>> shift) & MASK] ?? null;
    }
    if (node === null) return span - (index % span);
    return (node.values[index & MASK] ?? null) === null ? 1 : 0;
  }

  #grow(owner: Owner): void {
    if (this.#root !== null) {
      const children = emptySlots<Node<T>>();
      children[0] = this.#root;
      this.#root = { owner, children, values: [...NONE] };
    }
    this.#levels += 1;
  }
}

function emptySlots<T>(): (T | null)[] {
  const slots: (T | null)[] = [];
  for (let i = 0; i < WIDTH; i++) slots.push(null);
  return slots;
}

/** `node` itself when `owner` may change it, else a copy that it may. */
function owned<T>(node: Node<T> | null, isLeaf: boolean, owner: Owner): Node<T> {
  if (node === null) {
    return { owner, children: isLeaf ? [] : emptySlots(), values: isLeaf ? emptySlots() : [] };
  }
  if (node.owner === owner) return node;
  return { owner, children: node.children.slice(), values: node.values.slice() };
}
