// Functions between scalars and vectors, and of the evaluation time (prometheus promql/functions.go).
import { drain } from '../exec/dense.ts'
import { ABSENT, FLOAT } from '../exec/operator.ts'
import { RelabeledOperator, scalarArg, scalarOperator, vectorArg } from './computed-operator.ts'
import type { FuncContext, OperatorFunc } from './contract.ts'
import { goMax, goMin } from './math.ts'

function writeTimes(ctx: FuncContext, values: Float64Array, at: number): void {
  const { startMs, stepMs, count } = ctx.steps
  for (let i = 0; i < count; i++) values[at + i] = (startMs + i * stepMs) / 1000
}

/** Evaluation time in Unix seconds. */
export const time: OperatorFunc = (ctx) => scalarOperator(ctx, (values) => writeTimes(ctx, values, 0))

export const pi: OperatorFunc = (ctx) => scalarOperator(ctx, (values) => values.fill(Math.PI))

/** A vector of one series without labels. */
export const vector: OperatorFunc = (ctx, args) => scalarOperator(ctx, (values) => values.set(scalarArg(args, 0)))

/** The value of a vector of exactly one float, else NaN. */
export const scalar: OperatorFunc = (ctx, args) => scalarOperator(ctx, (values) => {
  const { count } = ctx.steps
  const found = ctx.budget.bytes(count)
  values.fill(NaN)
  const input = vectorArg(args, 0)
  for (let batch = input.next(); batch !== null; batch = input.next()) {
    ctx.budget.check()
    for (let r = 0; r < batch.rows; r++) {
      for (let i = 0, k = r * count; i < count; i++, k++) {
        if (batch.kinds[k] !== FLOAT || found[i] === 2) continue
        found[i]!++
        values[i] = found[i] === 1 ? batch.values[k]! : NaN
      }
    }
  }
})

/** The time of each point: the evaluation time, for what is not a selector. */
export const timestamp: OperatorFunc = (ctx, args) => {
  const { count } = ctx.steps
  const input = vectorArg(args, 0)
  const timed = {
    series: () => input.series(),
    next: () => {
      const batch = input.next()
      if (batch === null) return null
      for (let r = 0; r < batch.rows; r++) writeTimes(ctx, batch.values, r * count)
      for (let k = 0; k < batch.rows * count; k++) if (batch.kinds[k] !== ABSENT) batch.kinds[k] = FLOAT
      return batch
    },
  }
  return new RelabeledOperator(timed, (set) => ctx.dropName(set))
}

/** Nothing: only samples have a start time, and those the engine answers itself. The argument is still evaluated. */
export const startTimestamp: OperatorFunc = (ctx, args) => ({
  series: () => new Uint32Array(0),
  next: () => {
    drain(vectorArg(args, 0), ctx.steps, ctx.budget)
    return null
  },
})

function pairwise(f: (a: number, b: number) => number): OperatorFunc {
  return (ctx, args) => scalarOperator(ctx, (values) => {
    const a = scalarArg(args, 0)
    const b = scalarArg(args, 1)
    for (let i = 0; i < values.length; i++) values[i] = f(a[i]!, b[i]!)
  })
}

export const minOf: OperatorFunc = pairwise(goMin)
export const maxOf: OperatorFunc = pairwise(goMax)
