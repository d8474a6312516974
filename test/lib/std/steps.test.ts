// Long work in turns of the event loop.
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { runInTurns, runThrough, sortedInSteps, type Steps } from '../../../lib/std/steps.ts'

/** A clock on which each glance takes a ms. */
function tickingClock(): Clock {
  let ms = 0
  return { now: () => ms, monotonic: () => ++ms, after: () => ({ cancel: () => {} }) }
}

describe('work in turns', () => {
  it('shares a turn of the event loop with all other work, and comes to its end whatever the others do', async () => {
    const clock = tickingClock()
    const turns: number[] = []
    let turn = 0
    let isOver = false
    const count = (): void => {
      turn++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    function* work(steps: number): Steps<number> {
      for (let i = 0; i < steps; i++) {
        turns[turn] = (turns[turn] ?? 0) + 1
        yield
      }
      return steps
    }
    const all = [100, 3, 50, 50, 50].map((steps) => runInTurns(work(steps), clock))
    expect(await Promise.all(all)).toEqual([100, 3, 50, 50, 50])
    isOver = true
    // A glance after each step: of each piece a turn of its own there would be 40.
    expect(Math.max(...turns.filter((steps) => steps !== undefined))).toBeLessThanOrEqual(10)
  })

  it('fails alone', async () => {
    const clock = tickingClock()
    function* bad(): Steps<void> {
      for (let i = 0; i < 20; i++) yield
      throw new Error('bad')
    }
    function* good(): Steps<number> {
      for (let i = 0; i < 50; i++) yield
      return 1
    }
    const [one, two] = await Promise.allSettled([runInTurns(bad(), clock), runInTurns(good(), clock)])
    expect(one).toMatchObject({ status: 'rejected', reason: { message: 'bad' } })
    expect(two).toEqual({ status: 'fulfilled', value: 1 })
  })
})

it('sorts as a sort of all does, equal ones as they stand', () => {
  const random = new Random(3)
  for (const length of [0, 1, 2047, 2048, 2049, 6000, 10_000]) {
    const items = Array.from({ length }, (_, place) => ({ key: random.int(500), place }))
    expect(runThrough(sortedInSteps(items, (a, b) => a.key - b.key))).toEqual(items.toSorted((a, b) => a.key - b.key))
  }
})
