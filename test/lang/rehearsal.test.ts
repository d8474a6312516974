import { describe, expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { Rehearsal } from '../../lang/rehearsal.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import type { Queryable } from '../../storage/interface.ts'
import { MemoryStorage } from '../support/memory-storage.ts'

const MINUTE_MS = 60_000
/** Well past the last round. */
const ALL_ROUNDS_MS = 5 * MINUTE_MS

interface Watched {
  clock: FakeClock
  rehearsal: Rehearsal
  selected: string[]
}

/** A store with so many series of `up`, and what was selected from it. */
function start(seriesCount: number): Watched {
  const clock = new FakeClock()
  const storage = new MemoryStorage()
  for (let s = 0; s < seriesCount; s++) storage.add(['__name__', 'up', 'instance', `a"${s}`], clock.now() - MINUTE_MS, s)
  const selected: string[] = []
  const queryable: Queryable = {
    querier() {
      const querier = storage.querier()
      const select = querier.select.bind(querier)
      querier.refAt = (share) => (seriesCount === 0 ? 0 : 1 + Math.floor(share * seriesCount))
      querier.select = (matchers, mint, maxt, hints) => {
        const selection = select(matchers, mint, maxt, hints)
        selected.push(`${hints.func} ${selection.refs.join()}`)
        return selection
      }
      return querier
    },
  }
  return { clock, selected, rehearsal: new Rehearsal(new Engine({ clock }), queryable, clock) }
}

describe('a rehearsal', () => {
  it('asks for stored series, now and over time, in rounds that end', async () => {
    const { clock, selected } = start(5)
    await clock.advance(999)
    expect(selected).toEqual([])
    await clock.advance(1)
    const asked = (func: string): Set<string> => new Set(selected.filter((one) => one.startsWith(`${func} `)).map((one) => one.slice(func.length + 1)))
    for (const func of ['', 'rate', 'max_over_time']) expect(asked(func), func).toEqual(new Set(['1', '2', '3', '4', '5']))
    const round = selected.length
    await clock.advance(ALL_ROUNDS_MS)
    expect(selected).toHaveLength(8 * round)
  })

  it('waits for something to be stored', async () => {
    const { clock, selected } = start(0)
    await clock.advance(ALL_ROUNDS_MS)
    expect(selected).toEqual([])
  })

  it('leaves out rounds after which enough real queries were answered, and ends when told', async () => {
    const { clock, rehearsal, selected } = start(1)
    for (let i = 0; i < 100; i++) rehearsal.answered()
    await clock.advance(1000)
    expect(selected).toEqual([])
    await clock.advance(1000)
    expect(selected).toEqual(Array.from({ length: 20 }, () => [' 1', 'rate 1', 'max_over_time 1']).flat())
    rehearsal.stop()
    const before = selected.length
    await clock.advance(ALL_ROUNDS_MS)
    expect(selected).toHaveLength(before)
  })
})
