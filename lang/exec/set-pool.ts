// Interned runs of integers, flat: label sets by the ten thousand without an object each. Nothing here is garbage to
// collect, which is most of what a query over many series would otherwise spend.

/** Ids count up from 1 in order of first appearance; id 0 is the empty run. */
export class SetPool {
  /** Runs one after the other: run `set` is ids[starts[set], starts[set + 1]). */
  #ids: Uint32Array = new Uint32Array(4096)
  #starts: Uint32Array = new Uint32Array(1024)
  /** Open addressing; 0 is free. */
  #slots: Uint32Array = new Uint32Array(1024)
  #count = 1

  /** Runs held, the empty one included. */
  get count(): number {
    return this.#count
  }

  /** All integers held. */
  get size(): number {
    return this.#starts[this.#count]!
  }

  /** The array that runs lie in; valid until the next `intern`. */
  get ids(): Uint32Array {
    return this.#ids
  }

  start(set: number): number {
    return this.#starts[set]!
  }

  end(set: number): number {
    return this.#starts[set + 1]!
  }

  /** The id of ids[0, n). */
  intern(ids: Uint32Array, n: number): number {
    if (n === 0) return 0
    const mask = this.#slots.length - 1
    let at = hashIds(ids, n) & mask
    for (let set = this.#slots[at]!; set !== 0; set = this.#slots[at]!) {
      if (this.#isSame(set, ids, n)) return set
      at = (at + 1) & mask
    }
    const made = this.#append(ids, n)
    this.#slots[at] = made
    if (this.#count * 2 > this.#slots.length) this.#rehash()
    return made
  }

  #isSame(set: number, ids: Uint32Array, n: number): boolean {
    const start = this.#starts[set]!
    if (this.#starts[set + 1]! - start !== n) return false
    const held = this.#ids
    for (let i = 0; i < n; i++) if (held[start + i] !== ids[i]) return false
    return true
  }

  #append(ids: Uint32Array, n: number): number {
    const from = this.#starts[this.#count]!
    if (from + n > this.#ids.length) this.#ids = grown(this.#ids, from + n)
    if (this.#count + 2 > this.#starts.length) this.#starts = grown(this.#starts, this.#count + 2)
    for (let i = 0; i < n; i++) this.#ids[from + i] = ids[i]!
    this.#starts[this.#count + 1] = from + n
    return this.#count++
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let set = 1; set < this.#count; set++) {
      const start = this.#starts[set]!
      let at = hashIds(this.#ids.subarray(start, this.#starts[set + 1]!), this.#starts[set + 1]! - start) & mask
      while (slots[at] !== 0) at = (at + 1) & mask
      slots[at] = set
    }
    this.#slots = slots
  }
}

/** A copy twice as long, at least `length`. */
export function grown(array: Uint32Array, length: number): Uint32Array {
  const copy = new Uint32Array(Math.max(length, array.length * 2))
  copy.set(array)
  return copy
}

function hashIds(ids: Uint32Array, n: number): number {
  let h = 0x811c9dc5
  for (let i = 0; i < n; i++) h = Math.imul(h ^ ids[i]!, 0x9e3779b1) ^ (h >>> 15)
  return (h ^ (h >>> 16)) >>> 0
}
