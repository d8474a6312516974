// Label sets as runs of symbol ids, each once: a number for each, by order of appearance.

export class LabelSets {
  count = 0
  /** Set s stands at [starts[s], starts[s + 1]) of the ids. */
  #starts: Uint32Array = new Uint32Array(64)
  #ids: Uint32Array = new Uint32Array(1024)
  /** Open addressing: set + 1, 0 where free. */
  #slots: Uint32Array = new Uint32Array(256)

  /** The number of a set, -1 if it is not here. */
  find(ids: Uint32Array, n: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(ids, n) & mask
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      if (this.#isSame(entry - 1, ids, n)) return entry - 1
      slot = (slot + 1) & mask
    }
    return -1
  }

  intern(ids: Uint32Array, n: number): number {
    const known = this.find(ids, n)
    if (known >= 0) return known
    const set = this.count++
    const start = this.#starts[set]!
    if (set + 2 > this.#starts.length) this.#starts = doubled(this.#starts)
    while (start + n > this.#ids.length) this.#ids = doubled(this.#ids)
    for (let i = 0; i < n; i++) this.#ids[start + i] = ids[i]!
    this.#starts[set + 1] = start + n
    if (this.count * 2 > this.#slots.length) this.#grow()
    else this.#place(set)
    return set
  }

  /** Copies a set's ids; returns how many there are, of which those behind the end of `out` were not written. */
  read(set: number, out: Uint32Array): number {
    const start = this.#starts[set]!
    const n = this.#starts[set + 1]! - start
    for (let i = 0; i < n; i++) out[i] = this.#ids[start + i]!
    return n
  }

  #isSame(set: number, ids: Uint32Array, n: number): boolean {
    const start = this.#starts[set]!
    if (this.#starts[set + 1]! - start !== n) return false
    let i = 0
    while (i < n && this.#ids[start + i] === ids[i]) i++
    return i === n
  }

  #place(set: number): void {
    const mask = this.#slots.length - 1
    const start = this.#starts[set]!
    let slot = hash(this.#ids.subarray(start), this.#starts[set + 1]! - start) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = set + 1
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let set = 0; set < this.count; set++) this.#place(set)
  }
}

function doubled(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}

function hash(ids: Uint32Array, n: number): number {
  let h = 0x811c9dc5
  for (let i = 0; i < n; i++) h = Math.imul(h ^ ids[i]!, 0x9e3779b1) ^ (h >>> 15)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
