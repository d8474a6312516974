// topk, bottomk, limitk, limit_ratio: pick series step by step and keep their labels.
//
// topk keeps a heap of k per group and step, the least on top; a newcomer replaces it only if it is greater, so of
// equals the first seen stays (prometheus promql/engine.go: aggregationK; the heap moves as Go's container/heap).
import { xxhash64 } from '../../lib/std/xxhash64.ts'
import type { Span } from '../parse/ast.ts'
import { checkPick, type PickOp } from './aggregate-params.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import type { Budget } from './budget.ts'
import { bytesOf, DenseOperator, drain, type DenseRows } from './dense.ts'
import { groupSeries, groupSets, type Groups, type GroupingSpec } from './grouping.ts'
import { sortAsGo } from './go-order.ts'
import { hasHistograms, ignoreHistograms } from './histogram-cells.ts'
import { samplesInRow } from './histogram-samples.ts'
import type { LabelTable } from './label-table.ts'
import { ABSENT, FLOAT, HISTOGRAM, type Operator, type RowBatch } from './operator.ts'

export interface PickSpec extends GroupingSpec {
  op: PickOp
  /** k or ratio at every step, to be checked. */
  param: Float64Array
  /** Where it stands. */
  paramAt: Span
}

/** In an instant query series come out group by group, the best first. */
export class Pick implements Operator {
  readonly #input: Operator
  readonly #spec: PickSpec
  readonly #scope: AggregateScope
  #picked: Operator | null = null

  constructor(input: Operator, spec: PickSpec, scope: AggregateScope) {
    this.#input = input
    this.#spec = spec
    this.#scope = scope
  }

  series(): Uint32Array {
    return this.#evaluated().series()
  }

  next(): RowBatch | null {
    return this.#evaluated().next()
  }

  /** The order of series is known only when all is. */
  #evaluated(): Operator {
    return this.#picked ??= new DenseOperator(this.#pick(), this.#scope.budget)
  }

  #pick(): DenseRows {
    const { steps, budget, labels, annotations, histograms } = this.#scope
    const heldBefore = budget.samplesHeld
    const rows = drain(this.#input, steps, budget)
    // Only now: an error of the input goes before one of the parameter.
    const spec = { ...this.#spec, param: checkPick(this.#spec.op, this.#spec.param, annotations, this.#spec.paramAt) }
    if (isByValue(spec) && hasHistograms(rows.kinds, rows.kinds.length)) ignoreHistograms(spec.op, this.#scope)
    const groups = groupSeries(rows.series, groupSets(spec, labels))
    const kept = budget.bytes(rows.kinds.length)
    const order = spec.op === 'limit_ratio' ? keepRatio(rows, groups, spec, { kept, labels, budget }) : keepBest(rows, groups, spec, { kept, budget })
    const picked = selected(rows, kept, steps.count === 1 ? order : withPoints(kept, steps.count), budget)
    budget.releaseBytes(bytesOf(rows) + kept.byteLength)
    budget.settleSamples(heldBefore, samplesInRow({ ...picked, at: 0 }, picked.kinds.length, histograms))
    return picked
  }
}

/** Whether it looks at values at all, which native histograms have none of. */
function isByValue({ op, param }: PickSpec): boolean {
  return (op === 'topk' || op === 'bottomk') && param.some((k) => k >= 1)
}

/** Positions of the rows of which something is kept. */
function withPoints(kept: Uint8Array, width: number): number[] {
  const places: number[] = []
  for (let s = 0; s * width < kept.length; s++) if (kept.subarray(s * width, (s + 1) * width).some((kind) => kind !== ABSENT)) places.push(s)
  return places
}

/** The rows at `places`, in that order, with what is kept of them: of many series mostly few are left. */
function selected({ series, values }: DenseRows, kept: Uint8Array, places: readonly number[], budget: Budget): DenseRows {
  const width = series.length === 0 ? 0 : kept.length / series.length
  const picked = { series: Uint32Array.from(places, (s) => series[s]!), values: budget.floats(places.length * width), kinds: budget.bytes(places.length * width) }
  places.forEach((s, place) => {
    picked.values.set(values.subarray(s * width, (s + 1) * width), place * width)
    picked.kinds.set(kept.subarray(s * width, (s + 1) * width), place * width)
  })
  return picked
}

/** Marks what is kept; returns the series kept at the last step, group by group, best first where there is one step only. */
function keepBest(rows: DenseRows, groups: Groups, spec: PickSpec, { kept, budget }: { kept: Uint8Array; budget: Budget }): number[] {
  const width = spec.param.length
  const members = membersOf(groups)
  const heap = new Heap(rows, spec.op)
  let order: number[] = []
  for (let i = 0; i < width; i++) {
    const k = Math.trunc(spec.param[i]!)
    order = []
    for (const series of members) {
      heap.clear()
      budget.spend(series.length)
      for (const s of series) {
        const at = s * width + i
        if (rows.kinds[at] === FLOAT || (spec.op === 'limitk' && rows.kinds[at] !== ABSENT)) heap.offer(at, k)
      }
      for (const at of width === 1 ? heap.sorted() : heap.items) {
        kept[at] = rows.kinds[at]!
        order.push((at - i) / width)
      }
    }
  }
  return order
}

/** The series of each group. */
function membersOf(groups: Groups): number[][] {
  const members = Array.from(groups.sets, (): number[] => [])
  groups.groupOf.forEach((group, s) => members[group]!.push(s))
  return members
}

/** Positions of values, the one to give up first on top. */
class Heap {
  readonly #values: Float64Array
  readonly #kinds: Uint8Array
  readonly #op: PickOp
  items: number[] = []

  constructor({ values, kinds }: DenseRows, op: PickOp) {
    this.#values = values
    this.#kinds = kinds
    this.#op = op
  }

  clear(): void {
    this.items = []
  }

  /** Adds a position if there are fewer than k, or if it is better than the worst. */
  offer(at: number, k: number): void {
    const items = this.items
    if (items.length < k) {
      items.push(at)
      this.#up(items.length - 1)
    } else if (k >= 1 && this.#op !== 'limitk' && this.#isWorse(items[0]!, at)) {
      items[0] = at
      this.#down(0)
    }
  }

  /** Best first; limitk and limit_ratio: as they lie in the heap, which is how Prometheus shows them. */
  sorted(): number[] {
    const items = this.items
    if (this.#op === 'limitk' || this.#op === 'limit_ratio') return items
    return sortAsGo(items, (a, b) => this.#isWorseOrNaN(a, b))
  }

  /** NaN is worse than any number. */
  #isWorse(a: number, b: number): boolean {
    const x = this.#valueOf(a)
    const y = this.#valueOf(b)
    if (x !== x) return y === y
    return this.#op === 'bottomk' ? x > y : x < y
  }

  /** The order of Go's heap, in which NaN is worse than NaN, too. */
  #isWorseOrNaN(a: number, b: number): boolean {
    const x = this.#valueOf(a)
    return x !== x || this.#isWorse(a, b)
  }

  /** A histogram lies there as 0. */
  #valueOf(at: number): number {
    return this.#kinds[at] === HISTOGRAM ? 0 : this.#values[at]!
  }

  #up(from: number): void {
    const items = this.items
    for (let j = from; j > 0;) {
      const parent = (j - 1) >> 1
      if (!this.#isWorseOrNaN(items[j]!, items[parent]!)) break
      this.#swap(parent, j)
      j = parent
    }
  }

  #down(from: number): void {
    const items = this.items
    for (let i = from; ;) {
      let child = 2 * i + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#isWorseOrNaN(items[child + 1]!, items[child]!)) child++
      if (!this.#isWorseOrNaN(items[child]!, items[i]!)) break
      this.#swap(i, child)
      i = child
    }
  }

  #swap(a: number, b: number): void {
    const items = this.items
    const kept = items[a]!
    items[a] = items[b]!
    items[b] = kept
  }
}

/** Keeps the share of series whose hash lies below the ratio; a negative ratio keeps exactly the others. Returns as keepBest. */
function keepRatio(
  rows: DenseRows, groups: Groups, spec: PickSpec, { kept, labels, budget }: { kept: Uint8Array; labels: LabelTable; budget: Budget },
): number[] {
  const width = spec.param.length
  const heap = new Heap(rows, spec.op)
  return membersOf(groups).flatMap((series) => {
    heap.clear()
    for (const s of series) {
      budget.spend(width)
      const offset = hashOffset(labels, rows.series[s]!)
      spec.param.forEach((ratio, i) => {
        const isIn = ratio >= 0 ? offset < ratio : offset >= 1 + ratio
        if (isIn) kept[s * width + i] = rows.kinds[s * width + i]!
      })
      const last = s * width + width - 1
      if (kept[last] !== ABSENT) heap.offer(last, Infinity)
    }
    return heap.sorted().map((at) => (at - (width - 1)) / width)
  })
}

/** In [0, 1): Prometheus' hash of the labels, so that both keep the same series (model/labels/labels_stringlabels.go). */
function hashOffset(labels: LabelTable, set: number): number {
  const parts = labels.labels(set).flatMap((text) => {
    const bytes = Buffer.from(text)
    return [sizeBytes(bytes.length), bytes]
  })
  return Number(xxhash64(Buffer.concat(parts))) / 2 ** 64
}

/** One byte, or 0xff and three for what does not fit. */
function sizeBytes(size: number): Buffer {
  return size < 0xff ? Buffer.of(size) : Buffer.of(0xff, size & 0xff, (size >> 8) & 0xff, size >> 16)
}
