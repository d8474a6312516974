// Anomaly rules over five synthetic weeks: load that follows the hour of the week, with noise of known bounds. Evaluated as the rules'
// thread does, with what is past kept between evaluations, and anew beside it.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../../lang/engine.ts'
import { labelsFromRecord, labelsToMap } from '../../../../lib/model/labels.ts'
import { checkRule } from '../../../../lib/rules/json-rule/check-rule.ts'
import { compileExpr } from '../../../../lib/rules/json-rule/compile.ts'
import { engineQuery } from '../../../../lib/rules/rule-query.ts'
import { WindowQueries } from '../../../../lib/rules/window/window-query.ts'
import { Random } from '../../../../lib/std/random.ts'
import { MemoryStorage } from '../../../support/memory-storage.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WEEK = 168 * HOUR
/** A Monday, 00:00 UTC. */
const T0 = 1_700_438_400_000
const WEEKS = 5
const STEP_MS = 5 * MINUTE
/** Noise is even in ±NOISE: no value of a series lies more than √3 of its deviations beside its mean. */
const NOISE = 3
const SIGMA = NOISE / Math.sqrt(3)
const LIMITS = { timeoutMs: 60_000, lookbackMs: 300_000 }

/** Of service a: busy in office hours of workdays, idle at night and at the weekend; b is ten times as large. */
function level(service: string, t: number): number {
  const hour = ((t - T0) / HOUR) % 168
  const isBusy = hour < 120 && hour % 24 >= 8 && hour % 24 < 18
  return (isBusy ? 80 : 20) * (service === 'a' ? 1 : 10)
}

/** Samples beside the usual ones, a minute after `t`: so many deviations beside the level. */
type Spike = readonly [server: string, t: number, sigmas: number]

function world(spikes: readonly Spike[] = []): MemoryStorage {
  const random = new Random(1)
  const storage = new MemoryStorage()
  for (const server of ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'a-new', 'b-new']) {
    const labels = labelsFromRecord({ __name__: 'load', server_id: server, service: server[0]!, env: 'p' })
    const fromMs = server.endsWith('new') ? T0 + (WEEKS - 1) * WEEK + 24 * HOUR : T0
    for (let t = fromMs; t < T0 + WEEKS * WEEK; t += STEP_MS) {
      storage.add(labels, t, level(server[0]!, t) + (random.float() * 2 - 1) * NOISE)
      const spike = spikes.find(([name, ms]) => name === server && ms === t)
      if (spike !== undefined) storage.add(labels, t + MINUTE, level(server[0]!, t) + spike[2] * SIGMA)
    }
  }
  return storage
}

/** Servers that are told of at each time, and whether they are learning; evaluated with and without what is kept. */
function told(storage: MemoryStorage, times: readonly number[], more: object = {}): string[] {
  const expr = compileExpr(checkRule({ name: 'n', kind: 'anomaly', metric: 'load', interval: '1m', ...more, condition: { window: '1m', ...(more as { condition?: object }).condition } }))
  const anew = engineQuery(new Engine(), storage, LIMITS)
  const kept = new WindowQueries(engineQuery(new Engine(), storage, LIMITS), storage, { ...LIMITS, features: {} }).queryFor({ offsetMs: 0 })
  return times.flatMap((t) => {
    const elements = kept(expr, t)
    expect(elements.map(({ labels, value }) => [labels.join(), value])).toEqual(anew(expr, t).map(({ labels, value }) => [labels.join(), value]))
    return elements.map(({ labels }) => `${labelsToMap(labels).get('server_id')}${labelsToMap(labels).has('baseline') ? ' learning' : ''}`).toSorted()
  })
}

/** In hours since the last week began; within an hour, so that the hour around it has one level. */
const at = (hour: number): number => T0 + (WEEKS - 1) * WEEK + hour * HOUR + 30 * MINUTE
const everySeventhHour = Array.from({ length: 24 }, (_, i) => at(7 * i))
const SATURDAY_NOON = 5 * 24 + 12
const THURSDAY_NOON = 3 * 24 + 12

describe('an anomaly rule over five weeks', () => {
  it('knows the hour of the week: what is usual of it is no anomaly, what is usual of another is', () => {
    // As high as on a workday.
    const storage = world([['a1', at(SATURDAY_NOON), (80 - 20) / SIGMA]])
    expect(told(storage, everySeventhHour, { condition: { sigma: 2.2 } })).toEqual([])
    const spiked = [at(SATURDAY_NOON) + MINUTE]
    expect(told(storage, spiked)).toEqual(['a1'])
    // By all hours alike that is usual.
    expect(told(storage, spiked, { condition: { season: 'none', baseline: '3w' } })).toEqual([])
  }, 60_000)

  it('judges a series that is learning by the median of its service and env', () => {
    const storage = world([['a-new', at(THURSDAY_NOON), 10], ['b-new', at(THURSDAY_NOON), 10]])
    expect(told(storage, everySeventhHour.slice(6), { condition: { sigma: 2.5 } })).toEqual([])
    const spiked = [at(THURSDAY_NOON) + MINUTE]
    expect(told(storage, spiked, { condition: { sigma: 8 } })).toEqual(['a-new learning', 'b-new learning'])
    // The median of all services is that of none of them.
    expect(told(storage, spiked, { condition: { sigma: 8, borrow_by: ['env'] } })).toEqual(['a-new learning', 'b-new learning'])
    expect(told(world(), [at(THURSDAY_NOON)], { condition: { sigma: 8, window: '5m', borrow_by: ['env'] } })).toContain('b-new learning')
  }, 60_000)

  it('widens the band of the series that was judged falsely, and of no other, by half each time', () => {
    const [noon, later] = [at(THURSDAY_NOON), at(THURSDAY_NOON) + HOUR]
    const storage = world([['a1', noon, 5], ['a2', noon, 5], ['a1', later, 7]])
    const names = (t: number, factor: number): string => told(storage, [t + MINUTE], { condition: { sigma: 3.5 }, widened: factor === 1 ? [] : [{ labels: { server_id: 'a1' }, factor }] }).join()
    expect([names(noon, 1), names(noon, 1.5), names(later, 1.5), names(later, 2.25)]).toEqual(['a1,a2', 'a2', 'a1', ''])
  }, 60_000)
})
