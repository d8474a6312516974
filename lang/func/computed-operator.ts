// Operators that functions are made of: rows computed at the first call of `next`, and rows that only change labels.
import { assert } from '../../lib/std/assert.ts'
import type { DenseRows } from '../exec/dense.ts'
import { FLOAT, type Operator, type RowBatch } from '../exec/operator.ts'
import type { FuncArg, FuncContext } from './contract.ts'

/** Series known now, rows computed when they are asked for, handed up in one batch. */
export class ComputedOperator implements Operator {
  readonly #series: Uint32Array
  readonly #compute: () => Omit<DenseRows, 'series'>
  #isDone = false

  /** `compute` returns one row per series, in their order. */
  constructor(series: Uint32Array, compute: () => Omit<DenseRows, 'series'>) {
    this.#series = series
    this.#compute = compute
  }

  series(): Uint32Array {
    return this.#series
  }

  next(): RowBatch | null {
    if (this.#isDone || this.#series.length === 0) return null
    this.#isDone = true
    return { rows: this.#series.length, index: this.#series.map((_, s) => s), ...this.#compute() }
  }
}

/** The input's rows under other label sets, series by series. */
export class RelabeledOperator implements Operator {
  readonly #input: Operator
  readonly #relabel: (set: number) => number
  #series: Uint32Array | null = null

  constructor(input: Operator, relabel: (set: number) => number) {
    this.#input = input
    this.#relabel = relabel
  }

  series(): Uint32Array {
    this.#series ??= this.#input.series().map(this.#relabel)
    return this.#series
  }

  next(): RowBatch | null {
    return this.#input.next()
  }
}

/** One series without labels, a float at every step: `values[i]`, which `fill` writes. */
export function scalarOperator(ctx: FuncContext, fill: (values: Float64Array) => void): Operator {
  return new ComputedOperator(Uint32Array.of(0), () => {
    const values = ctx.budget.floats(ctx.steps.count)
    fill(values)
    return { values, kinds: ctx.budget.bytes(ctx.steps.count).fill(FLOAT) }
  })
}

export function vectorArg(args: readonly FuncArg[], at: number): Operator {
  const arg = args[at]
  assert(arg?.kind === 'vector', `argument ${at} is ${arg?.kind}, not a vector`)
  return arg.operator
}

export function scalarArg(args: readonly FuncArg[], at: number): Float64Array {
  const arg = args[at]
  assert(arg?.kind === 'scalar', `argument ${at} is ${arg?.kind}, not a scalar`)
  return arg.values
}

export function stringArg(args: readonly FuncArg[], at: number): string {
  const arg = args[at]
  assert(arg?.kind === 'string', `argument ${at} is ${arg?.kind}, not a string`)
  return arg.value
}
