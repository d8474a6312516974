// The series of an hour file as an index of blocks shows them (cold-series.ts): for those that the head has forgotten, by
// their labels. A series' number is its place among the sidecar's refs. Labels are read when they are asked for first, and
// may be let go of between queries.
import type { Matcher } from '../../lib/model/matcher.ts'
import { compileMatcher } from '../../lib/model/matcher.ts'
import { NO_SERIES } from '../block/block.ts'
import type { SeriesBlock } from '../cold-series.ts'
import type { HourIndex } from './hour-index.ts'

/** Gives the sidecar to `use`; null if it cannot be read. */
export type WithIndex = <T>(use: (index: HourIndex) => T) => T | null

interface Labeled {
  /** Pairs of series number s: pairs[starts[s], starts[s + 1]). */
  starts: Uint32Array
  pairs: Uint32Array
  texts: { name: string; value: string }[]
}

const NO_REFS = new Uint32Array(0)
const NO_LABELS: Labeled = { starts: new Uint32Array(1), pairs: NO_REFS, texts: [] }

export class HourColumns implements SeriesBlock {
  readonly folder: string
  readonly #withIndex: WithIndex
  #refs: Uint32Array | null = null
  #labels: Labeled | null = null

  /** `name`: the file's. */
  constructor(name: string, withIndex: WithIndex) {
    this.folder = name
    this.#withIndex = withIndex
  }

  get seriesCount(): number {
    return this.#readRefs()?.length ?? 0
  }

  get pairCount(): number {
    return (this.#readLabels() ?? NO_LABELS).texts.length
  }

  /** What was read is read again when it is asked for. */
  forget(): void {
    this.#refs = null
    this.#labels = null
  }

  /** Bytes held, about. */
  get heldBytes(): number {
    const labels = this.#labels
    return (this.#refs?.byteLength ?? 0) + (labels === null ? 0 : labels.starts.byteLength + labels.pairs.byteLength + labels.texts.length * 100)
  }

  /** As BlockColumns. */
  find(refs: Uint32Array, numbers: Uint32Array): number {
    const own = this.#readRefs() ?? NO_REFS
    numbers.fill(NO_SERIES)
    let found = 0
    for (let i = 0, k = 0; i < refs.length && k < own.length;) {
      if (own[k]! < refs[i]!) k++
      else if (own[k]! > refs[i]!) i++
      else {
        numbers[i++] = k++
        found++
      }
    }
    return found
  }

  labelNames(): string[] {
    return [...new Set((this.#readLabels() ?? NO_LABELS).texts.map(({ name }) => name))]
  }

  labelValues(name: string): string[] {
    return (this.#readLabels() ?? NO_LABELS).texts.filter((text) => text.name === name).map(({ value }) => value)
  }

  unknown(isSeen: (ref: number) => boolean): Int32Array | null | undefined {
    const refs = this.#readRefs()
    if (refs === null) return undefined
    const bits = new Int32Array((refs.length + 31) >>> 5)
    let count = 0
    for (let s = 0; s < refs.length; s++) {
      if (refs[s] !== 0 && isSeen(refs[s]!)) continue
      bits[s >>> 5]! |= 1 << (s & 31)
      count++
    }
    if (count === 0) return null
    return this.#readLabels() === null ? undefined : bits
  }

  select(matchers: readonly Matcher[]): Uint32Array | null {
    const labels = this.#readLabels()
    if (labels === null) return null
    const { starts, pairs, texts } = labels
    const tests = matchers.map((matcher) => {
      const test = compileMatcher(matcher)
      // 0: another label; 1: does not match; 2: matches.
      return { verdicts: Uint8Array.from(texts, ({ name, value }) => (name !== matcher.name ? 0 : test(value) ? 2 : 1)), holdsWithout: test('') }
    })
    const numbers = Uint32Array.from({ length: starts.length - 1 }, (_, s) => s)
    return numbers.filter((s) => tests.every(({ verdicts, holdsWithout }) => {
      for (let i = starts[s]!; i < starts[s + 1]!; i++) if (verdicts[pairs[i]!] !== 0) return verdicts[pairs[i]!] === 2
      return holdsWithout
    }))
  }

  /** null where it cannot be read. */
  pairsOf(number: number): Uint32Array | null {
    const { starts, pairs } = this.#readLabels() ?? NO_LABELS
    return number < starts.length - 1 ? pairs.subarray(starts[number], starts[number + 1]) : null
  }

  pairText(pair: number): { name: string; value: string } | null {
    return (this.#readLabels() ?? NO_LABELS).texts[pair] ?? null
  }

  /** null where they cannot be read now, as often as they are asked for: each query is to tell. */
  #readRefs(): Uint32Array | null {
    return this.#refs ??= this.#withIndex((index) => index.refs())
  }

  /** As #readRefs. */
  #readLabels(): Labeled | null {
    const refs = this.#readRefs()
    return refs === null ? null : this.#labels ??= this.#withIndex((index) => labelsByNumber(index, refs))
  }
}

function labelsByNumber(index: HourIndex, refs: Uint32Array): Labeled {
  const ids = new Map<string, number>()
  const texts: Labeled['texts'] = []
  const lists: number[][] = Array.from(refs, () => [])
  // Refs of 0 come first, in the order of the file.
  let zeros = 0
  for (const { ref, labels } of index.series()) {
    const number = ref === 0 ? zeros++ : numberOf(refs, ref)
    for (let l = 0; l < labels.length; l += 2) {
      const [name, value] = [labels[l]!, labels[l + 1]!]
      const key = `${name}\u0000${value}`
      let id = ids.get(key)
      if (id === undefined) {
        id = texts.length
        ids.set(key, id)
        texts.push({ name, value })
      }
      lists[number]!.push(id)
    }
  }
  const starts = new Uint32Array(refs.length + 1)
  lists.forEach((list, s) => (starts[s + 1] = starts[s]! + list.length))
  return { starts, pairs: Uint32Array.from(lists.flat()), texts }
}

function numberOf(refs: Uint32Array, ref: number): number {
  let low = 0
  let high = refs.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (refs[middle]! < ref) low = middle + 1
    else high = middle
  }
  return low
}
