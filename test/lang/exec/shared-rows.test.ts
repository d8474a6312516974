import { describe, expect, it } from 'vitest'
import { Budget } from '../../../lang/exec/budget.ts'
import { DenseOperator, drain } from '../../../lang/exec/dense.ts'
import type { Operator, Steps } from '../../../lang/exec/operator.ts'
import { SharedRows } from '../../../lang/exec/shared-rows.ts'
import { systemClock } from '../../../lib/std/clock.ts'

function budget(): Budget {
  return new Budget({ clock: systemClock, deadlineMs: Infinity, samplesMax: Infinity, bytesMax: Infinity })
}

/** Rows whose every point is its series' position; counts how often it is made. */
function source(series: number, width: number): { compile: () => Operator; made: () => number } {
  let count = 0
  const compile = (): Operator => {
    count++
    const values = Float64Array.from({ length: series * width }, (_, k) => Math.floor(k / width))
    return new DenseOperator({ series: Uint32Array.from({ length: series }, (_, s) => s + 100), values, kinds: new Uint8Array(series * width).fill(1) })
  }
  return { compile, made: () => count }
}

function steps(count: number): Steps {
  return { startMs: 0, stepMs: 1000, count }
}

/** Sums a reader's points, and then spoils the buffers it was handed, as operators in place do. */
function consume(operator: Operator, width: number): number {
  let sum = 0
  for (let batch = operator.next(); batch !== null; batch = operator.next()) {
    for (let k = 0; k < batch.rows * width; k++) if (batch.kinds[k] !== 0) sum += batch.values[k]!
    batch.values.fill(NaN)
    batch.kinds.fill(0)
  }
  return sum
}

describe('rows that are shared', () => {
  it('are evaluated once, and nobody sees what others write', () => {
    const { compile, made } = source(5, 3)
    const shared = new SharedRows(compile, steps(3), budget())
    const readers = [shared.reader(), shared.reader(), shared.reader()]
    expect(Array.from(readers[2]!.series())).toEqual([100, 101, 102, 103, 104])
    expect(readers.map((reader) => consume(reader, 3))).toEqual([30, 30, 30])
    expect([made(), shared.isOpen]).toEqual([1, false])
  })

  it('come in batches that fit the cache', () => {
    const shared = new SharedRows(source(100, 1000).compile, steps(1000), budget())
    const [first, second] = [shared.reader(), shared.reader()]
    expect(first.next()!.rows).toBe(16)
    expect(drain(second, steps(1000), budget()).values.at(-1)).toBe(99)
  })

  it('are evaluated again where they are too large to keep', () => {
    const { compile, made } = source(400, 11_000)
    const shared = new SharedRows(compile, steps(11_000), budget())
    const readers = [shared.reader(), shared.reader()]
    readers.map((reader) => reader.series())
    expect([made(), shared.isOpen]).toEqual([2, false])
  })

  it('take no reader more once one has read alone', () => {
    const { compile, made } = source(5, 3)
    const shared = new SharedRows(compile, steps(3), budget())
    expect(shared.isOpen).toBe(true)
    expect([consume(shared.reader(), 3), made(), shared.isOpen]).toEqual([30, 1, false])
  })
})
