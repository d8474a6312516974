// Kept windows over the real store, of senders whose samples come late: they see at each tick what the engine sees.
import { expect, it, onTestFinished } from 'vitest'
import { Engine } from '../../../../lang/engine.ts'
import { labelsFromRecord } from '../../../../lib/model/labels.ts'
import { engineQuery } from '../../../../lib/rules/rule-query.ts'
import { RuleWriter } from '../../../../lib/rules/rule-writer.ts'
import { WindowQueries } from '../../../../lib/rules/window/window-query.ts'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { Database } from '../../../../storage/database.ts'
import type { Queryable } from '../../../../storage/interface.ts'
import { StoreQueryable } from '../../../../storage/store-querier.ts'
import { tempFolder } from '../../../support/temp-folder.ts'

const START_MS = 1_700_000_000_000
const TICK_MS = 15_000
const EXPRS = ['avg_over_time(x[1m]) > 0', 'x > 0', 'count_over_time(x[5m]) > 0', 'sum_over_time(x[5m] offset 1m) > 0', 'sum(rate(x[2m])) > 0']

interface Site {
  clock: FakeClock
  queryable: Queryable
  /** A sample of x of a sender. */
  put: (sender: string, atMs: number, value: number) => void
}

function site(): Site {
  const clock = new FakeClock(START_MS)
  const db = new Database({ folder: tempFolder(), retentionMs: Infinity, headBytesMax: 1 << 28, reserveBytes: 0, clock })
  const queryable = new StoreQueryable(db.handle(), 0)
  onTestFinished(async () => {
    queryable.close()
    await db.close()
  })
  const writer = new RuleWriter(db)
  const put = (sender: string, atMs: number, value: number): void => {
    expect([...writer.write(atMs, [{ labels: labelsFromRecord({ __name__: 'x', sender }), value, histogram: null }])]).toEqual([0])
  }
  return { clock, queryable, put }
}

/** Ticks at which an expression's elements were others than the engine's, as `TICK EXPR`; `before` puts samples. How many the rules were told came late. */
async function differences(ticks: number, before: (site: Site, tick: number) => void): Promise<{ different: string[]; late: number; reach: number }> {
  const own = site()
  let reach = 0
  const watched: Queryable = {
    querier: () => {
      const querier = own.queryable.querier()
      const select = querier.select.bind(querier)
      querier.select = (matchers, mint, maxt, hints) => {
        reach = Math.max(reach, tick < 2 ? 0 : maxt - mint)
        return select(matchers, mint, maxt, hints)
      }
      return querier
    },
  }
  const query = engineQuery(new Engine(), own.queryable, { timeoutMs: 10_000, lookbackMs: 300_000 })
  const windows = new WindowQueries(engineQuery(new Engine(), watched, { timeoutMs: 10_000, lookbackMs: 300_000 }), watched, { lookbackMs: 300_000, features: {} })
  const ask = windows.queryFor({ offsetMs: 0 })
  const different: string[] = []
  let tick = 0
  for (; tick < ticks; tick++) {
    await own.clock.advance(TICK_MS)
    before(own, tick)
    const nowMs = own.clock.now()
    const shown = (elements: ReturnType<typeof query>): string => elements.map(({ labels, value }) => `${labels.join()} ${value.toPrecision(9)}`).toSorted().join(';')
    for (const expr of EXPRS) if (shown(query(expr, nowMs)) !== shown(ask(expr, nowMs))) different.push(`${tick} ${expr}`)
  }
  return { different, late: windows.lateSamples(), reach }
}

it.each([5, 20, 45, 100, 400])('a sender that is %i s behind is seen at each tick', async (lagSeconds) => {
  const { different, late } = await differences(30, ({ clock, put }, tick) => {
    put('prompt', clock.now() - 1000, tick + 1)
    put('behind', clock.now() - lagSeconds * 1000, tick + 1)
  })
  expect(different).toEqual([])
  // Later than any window over them they are nobody's.
  expect(late > 0).toBe(lagSeconds > 15 && lagSeconds < 400)
})

it('a sender that was cut off, and sends what it kept, is seen as a whole at once', async () => {
  const { different } = await differences(30, ({ clock, put }, tick) => {
    if (tick < 8 || tick > 15) put('cut off', clock.now() - 500, tick + 1)
    if (tick === 15) for (let age = 7; age >= 0; age--) put('cut off', clock.now() - 500 - age * TICK_MS, 16 - age)
  })
  expect(different).toEqual([])
})

it('samples that come late between others of their series are seen at once', async () => {
  const { different, late } = await differences(30, ({ clock, put }, tick) => {
    for (const sender of ['a', 'b']) put(sender, clock.now() - 500, tick + 1)
    if (tick > 10 && tick % 3 === 0) put('a', clock.now() - 500 - 40_000, 1000 + tick)
    if (tick > 20) put('b', clock.now() - 90_001, 7)
  })
  expect(different).toEqual([])
  expect(late).toBeGreaterThan(10)
})

it('where nothing comes late no tick looks back further than half a minute', async () => {
  const prompt = await differences(15, ({ clock, put }, tick) => put('prompt', clock.now() - 5000, tick + 1))
  expect([prompt.different, prompt.reach]).toEqual([[], 2 * TICK_MS])
  const behind = await differences(15, ({ clock, put }, tick) => put('behind', clock.now() - 30_000, tick + 1))
  expect(behind.reach).toBeGreaterThan(2 * TICK_MS)
})
