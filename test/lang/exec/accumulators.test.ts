// Groups fold rows without gaps by a way of their own: whatever mix of rows comes, each cell must hold what Prometheus'
// loop (promql/engine.go, aggregation) makes of its values one by one.
import { describe, expect, it } from 'vitest'
import { makeAccumulator, type StreamingOp } from '../../../lang/exec/accumulators.ts'
import { Budget } from '../../../lang/exec/budget.ts'
import { ABSENT, FLOAT } from '../../../lang/exec/operator.ts'
import { systemClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'

const WIDTH = 5
const GROUPS = 3

describe('sum and avg', () => {
  it('add rows with and without gaps as if value by value', () => {
    for (let seed = 1; seed <= 40; seed++) f(seed, (random) => random.int(1_000_000) / 1000 - 300)
  })

  it('go on as incremental means where sums overflow', () => {
    for (let seed = 1; seed <= 40; seed++) f(seed, (random) => (random.int(4) === 0 ? 1.7e308 * (random.int(5) === 0 ? -1 : 1) : random.int(100)))
  })

  it('take infinities and NaN', () => {
    const odd = [Infinity, -Infinity, NaN, -0, 1e308, 3]
    for (let seed = 1; seed <= 40; seed++) f(seed, (random) => odd[random.int(odd.length)]!)
  })
})

function f(seed: number, draw: (random: Random) => number): void {
  const random = new Random(seed)
  const rows = Array.from({ length: 30 }, () => {
    const gaps = random.int(3) === 0
    const kinds = Uint8Array.from({ length: WIDTH }, () => (gaps && random.int(2) === 0 ? ABSENT : FLOAT))
    return { group: random.int(GROUPS), values: Float64Array.from({ length: WIDTH }, () => draw(random)), kinds }
  })
  for (const op of ['sum', 'avg'] as const) expect(folded(op, rows), `${op} with seed ${seed}`).toEqual(oneByOne(op, rows))
}

type Rows = readonly { group: number; values: Float64Array; kinds: Uint8Array }[]

function folded(op: StreamingOp, rows: Rows): (number | null)[] {
  const cells = makeAccumulator(op, GROUPS, WIDTH, new Budget({ clock: systemClock, deadlineMs: Infinity, samplesMax: 1e9, bytesMax: 1e9 }))
  for (const { group, values, kinds } of rows) cells.add(group, { values, kinds, at: 0, isWhole: !kinds.includes(ABSENT) })
  cells.finish()
  return Array.from(cells.values, (value, c) => (cells.kinds[c] === FLOAT ? value : null))
}

function oneByOne(op: 'sum' | 'avg', rows: Rows): (number | null)[] {
  return Array.from({ length: GROUPS * WIDTH }, (_, c) => {
    const met = rows.filter(({ group, kinds }) => group === Math.floor(c / WIDTH) && kinds[c % WIDTH] === FLOAT).map(({ values }) => values[c % WIDTH]!)
    return met.length === 0 ? null : op === 'sum' ? sumOf(met) : meanOf(met)
  })
}

/** util/kahansum.Inc. */
function plus(x: number, [sum, c]: [number, number]): [number, number] {
  const total = sum + x
  if (Math.abs(total) === Infinity) return [total, 0]
  return [total, Math.abs(sum) >= Math.abs(x) ? c + ((sum - total) + x) : c + ((x - total) + sum)]
}

function sumOf(values: readonly number[]): number {
  const [sum, c] = values.slice(1).reduce<[number, number]>((at, x) => plus(x, at), [values[0]!, 0])
  return sum + c
}

function meanOf(values: readonly number[]): number {
  let at: [number, number] = [values[0]!, 0]
  let isIncremental = false
  values.slice(1).forEach((x, k) => {
    const count = k + 2
    if (!isIncremental) {
      const next = plus(x, at)
      if (Math.abs(next[0]) !== Infinity) {
        at = next
        return
      }
      isIncremental = true
      at = [at[0] / (count - 1), at[1] / (count - 1)]
    }
    const q = (count - 1) / count
    at = plus(x / count, [q * at[0], q * at[1]])
  })
  return isIncremental ? at[0] + at[1] : at[0] / values.length + at[1] / values.length
}
