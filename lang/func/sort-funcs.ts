// sort, sort_desc, sort_by_label and sort_by_label_desc. Order is a matter of instant queries: a range query's answer
// is ordered by labels whatever its expression says, which a warning tells.
import { DenseOperator, drain, type DenseRows } from '../exec/dense.ts'
import { sortAsGo } from '../exec/go-order.ts'
import { MappedRows } from '../exec/mapped-rows.ts'
import { ABSENT, FLOAT, HISTOGRAM, type Operator, type RowBatch } from '../exec/operator.ts'
import { stringArg, vectorArg } from './computed-operator.ts'
import type { FuncContext, OperatorFunc } from './contract.ts'
import { compareNatural } from './natural-sort.ts'

/** The input's rows by `compare`, which gets positions of rows. Evaluates its input when asked for its series. */
class SortedOperator implements Operator {
  readonly #input: Operator
  readonly #ctx: FuncContext
  readonly #order: (rows: DenseRows) => number[]
  #sorted: DenseOperator | null = null

  constructor(ctx: FuncContext, input: Operator, order: (rows: DenseRows) => number[]) {
    this.#input = input
    this.#ctx = ctx
    this.#order = order
  }

  series(): Uint32Array {
    return this.#sort().series()
  }

  next(): RowBatch | null {
    return this.#sort().next()
  }

  #sort(): DenseOperator {
    if (this.#sorted !== null) return this.#sorted
    const rows = drain(this.#input, this.#ctx.steps, this.#ctx.budget)
    const order = this.#order(rows)
    this.#sorted = new DenseOperator({
      series: Uint32Array.from(order, (s) => rows.series[s]!),
      values: Float64Array.from(order, (s) => rows.values[s]!),
      kinds: Uint8Array.from(order, (s) => rows.kinds[s]!),
    })
    return this.#sorted
  }
}

/**
 * Sorts at a single moment; `order` returns the rows to keep, in their order. Of a range, also that of a subquery, the
 * order is of no use: only what `drop` removes goes.
 */
function sorted(ctx: FuncContext, input: Operator, order: (rows: DenseRows) => number[], drop: (batch: RowBatch) => void): Operator {
  if (ctx.steps.count === 1 && ctx.steps.endMs === undefined) return new SortedOperator(ctx, input, order)
  ctx.annotations.warn('sort is ineffective for range queries since results are always ordered by labels', ctx.call.span)
  return new MappedRows(input, (set) => set, drop)
}

function dropHistograms({ kinds }: RowBatch): void {
  for (let k = 0; k < kinds.length; k++) if (kinds[k] === HISTOGRAM) kinds[k] = ABSENT
}

/** By value, times `sign` ascending; NaN last either way; only floats. */
function byValue(sign: number): OperatorFunc {
  return (ctx, args) => sorted(ctx, vectorArg(args, 0), ({ series, values, kinds }) => {
    const floats = Array.from(series, (_, s) => s).filter((s) => kinds[s] === FLOAT)
    const isBehind = (a: number, b: number): boolean => {
      const x = values[a]!
      return x !== x || (sign > 0 ? x > values[b]! : x < values[b]!)
    }
    return sortAsGo(floats, isBehind)
  }, dropHistograms)
}

/** By the given labels in natural order, then by all labels, times `sign`. */
function byLabel(sign: number): OperatorFunc {
  return (ctx, args) => sorted(ctx, vectorArg(args, 0), ({ series, kinds }) => {
    const { labels } = ctx
    const names = args.slice(1).map((_, i) => labels.intern(stringArg(args, i + 1)))
    const valueOf = (s: number, name: number): string => labels.textOf(labels.get(series[s]!, name))
    const present = Array.from(series, (_, s) => s).filter((s) => kinds[s] !== ABSENT)
    const compare = (a: number, b: number): number => {
      for (const name of names) {
        const [x, y] = [valueOf(a, name), valueOf(b, name)]
        const order = compareNatural(x, y)
        // Whatever is compared with a missing label is greater to Prometheus, or with sort_by_label_desc less.
        if (order !== 0) return x === '' || y === '' ? sign : sign * order
      }
      return sign * labels.compare(series[a]!, series[b]!)
    }
    return sortAsGo(present, (a, b) => compare(b, a) < 0)
  }, () => {})
}

export const sort: OperatorFunc = byValue(1)
export const sortDesc: OperatorFunc = byValue(-1)
export const sortByLabel: OperatorFunc = byLabel(1)
export const sortByLabelDesc: OperatorFunc = byLabel(-1)
