// The pairs of label name and value that a block's series have, gathered as pairs of symbols, numbered by their texts in
// the end. Typed arrays: a block of a million series has two million pairs.
import { METRIC_NAME, compareText } from '../../lib/model/labels.ts'
import type { LabelSource } from '../interface.ts'
import { GrowingU32 } from './growing-array.ts'
import type { PairTexts } from './index-write.ts'

export class PairTable {
  readonly #names = new GrowingU32()
  readonly #values = new GrowingU32()
  /** Open addressing: pair + 1, 0 where free. */
  #slots = new Uint32Array(4096)

  get count(): number {
    return this.#names.length
  }

  /** A provisional number of the pair, by order of appearance. */
  intern(name: number, value: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(name, value) & mask
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      if (this.#names.data[entry - 1] === name && this.#values.data[entry - 1] === value) return entry - 1
      slot = (slot + 1) & mask
    }
    const pair = this.#names.length
    this.#names.push(name)
    this.#values.push(value)
    this.#slots[slot] = pair + 1
    if (pair * 2 > this.#slots.length) this.#grow()
    return pair
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let pair = 0; pair < this.#names.length; pair++) {
      let slot = hash(this.#names.data[pair]!, this.#values.data[pair]!) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = pair + 1
    }
    this.#slots = slots
  }

  /** Numbers the pairs by their texts: the number of each provisional one, and the texts in order. */
  order(labels: LabelSource): { ranks: Uint32Array; texts: PairTexts } {
    const byName = new Map<number, number[]>()
    for (let pair = 0; pair < this.count; pair++) {
      const list = byName.get(this.#names.data[pair]!)
      if (list === undefined) byName.set(this.#names.data[pair]!, [pair])
      else list.push(pair)
    }
    const ranks = new Uint32Array(this.count)
    const ordered = new Uint32Array(this.count)
    const names: { name: string; firstPair: number }[] = []
    let rank = 0
    const sorted = [...byName].map(([symbol, pairs]) => ({ name: labels.textOf(symbol), pairs })).toSorted((a, b) => compareNames(a.name, b.name))
    for (const { name, pairs } of sorted) {
      names.push({ name, firstPair: rank })
      // One name's texts at a time are in memory.
      const texts = pairs.map((pair) => ({ pair, text: labels.textOf(this.#values.data[pair]!) }))
      for (const { pair } of texts.sort((a, b) => compareText(a.text, b.text))) {
        ordered[rank] = pair
        ranks[pair] = rank++
      }
    }
    const valueOf = (pair: number): string => labels.textOf(this.#values.data[ordered[pair]!]!)
    return { ranks, texts: { count: this.count, names, valueOf } }
  }
}

/** Order of label names in a block: the metric's name first. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0
  return a === METRIC_NAME ? -1 : b === METRIC_NAME ? 1 : compareText(a, b)
}

function hash(name: number, value: number): number {
  let h = Math.imul(name, 0x9e3779b1) ^ Math.imul(value, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return h ^ (h >>> 13)
}
