// Episodes that have not fired: what the store keeps of them, over restarts and storms.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MetaError } from '../../../lib/meta/errors.ts'
import type { PendingFilter, PendingRecord } from '../../../lib/meta/interface.ts'
import type { PendingAlert } from '../../../lib/model/alert.ts'
import { fingerprint } from '../../../lib/model/fingerprint.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { PendingEpisodes } from '../../../lib/notify/lifecycle/pending-episodes.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { ALL } from '../meta/store-conformance.ts'
import { LifecycleWorld, sent } from './lifecycle-world.ts'

const MINUTE = 60_000
const WRITE_MS = 2000
const CPU = { alertname: 'Cpu', instance: 'web1', severity: 'warning', rule_id: 'r1' }

async function world(): Promise<LifecycleWorld> {
  const made = new LifecycleWorld(tempFolder(), new FakeClock())
  await made.begin()
  onTestFinished(async () => {
    await made.lifecycle.stop()
    await made.store.close()
  })
  return made
}

function pending(labels: Record<string, string>, activeAtMs: number, endedAtMs: number | null = null): PendingAlert {
  return { labels: labelsFromRecord(labels), annotations: new Map([['summary', 'it warms up']]), value: 81, activeAtMs, endedAtMs, generatorUrl: 'http://m/graph' }
}

const find = (w: LifecycleWorld, status: PendingFilter['status'], over: Partial<PendingFilter> = {}): Promise<PendingRecord[]> => w.store.pendingAlerts({ ...ALL, status, ...over })
const lost = async (metrics: Metrics): Promise<number> => Number(/^monitor_pending_alerts_lost_total (\d+)$/m.exec(await metrics.registry.metrics())![1])

describe('an episode that has not fired', () => {
  it('is kept while it is pending, and when it has ended in vain', async () => {
    const w = await world()
    const t = w.clock.now()
    w.lifecycle.receivePending([pending(CPU, t)], 0)
    expect(await find(w, 'pending')).toEqual([])
    await w.advance(WRITE_MS)
    const [record] = await find(w, 'pending')
    expect(record).toMatchObject({ name: 'Cpu', serverId: 'web1', severity: 'warning', ruleId: 'r1', metricValue: 81, activeAtMs: t, endedAtMs: null, labels: CPU, annotations: { summary: 'it warms up' } })
    w.lifecycle.receivePending([pending(CPU, t, t + MINUTE)], 0)
    await w.advance(WRITE_MS)
    expect(await find(w, 'pending')).toEqual([])
    expect(await find(w, 'expired')).toEqual([{ ...record, endedAtMs: t + MINUTE }])
    expect(await w.store.alerts(ALL)).toEqual([])
    expect(w.dispatch.alerts.size).toBe(0)
    w.lifecycle.receivePending([pending(CPU, t + 5 * MINUTE)], 0)
    await w.advance(WRITE_MS)
    expect((await find(w, 'pending'))[0]!.id).not.toBe(record!.id)
  })

  it('is the one that fires: the same id, its pending line first, and no longer among the pending', async () => {
    const w = await world()
    const t = w.clock.now()
    w.lifecycle.receivePending([pending(CPU, t)], 0)
    await w.advance(WRITE_MS)
    const { id } = (await find(w, 'pending'))[0]!
    await w.advance(MINUTE)
    await w.lifecycle.receive([sent(CPU, w.clock.now(), { activeAtMs: t + 5000 })])
    await w.idle()
    expect(await w.store.events(id)).toMatchObject([{ kind: 'pending', timeMs: t }, { kind: 'firing' }])
    expect(await w.store.alert(id)).toMatchObject({ status: 'open', activeAtMs: t })
    // A rule that begins anew finds it pending first.
    w.lifecycle.receivePending([pending(CPU, w.clock.now())], 0)
    w.lifecycle.receivePending([pending(CPU, w.clock.now(), w.clock.now() + 1)], 0)
    await w.advance(WRITE_MS)
    expect([...await find(w, 'pending'), ...await find(w, 'expired')]).toEqual([])
  })

  it('that fires before it was written leaves no pending one behind', async () => {
    const w = await world()
    const t = w.clock.now()
    w.lifecycle.receivePending([pending(CPU, t)], 0)
    await w.advance(WRITE_MS - 1)
    await w.lifecycle.receive([sent(CPU, w.clock.now(), { activeAtMs: t })])
    await w.advance(MINUTE)
    expect(await find(w, 'pending')).toEqual([])
    expect((await w.store.events((await w.store.alerts(ALL))[0]!.id)).map(({ kind }) => kind)).toEqual(['pending', 'firing'])
  })

  it.each([true, false])('goes on over a restart (killed: %s), and is over where the rules do not find it again', async (isKilled) => {
    const w = await world()
    const t = w.clock.now()
    w.lifecycle.receivePending([pending(CPU, t), pending({ ...CPU, instance: 'web2' }, t)], 0)
    await w.advance(WRITE_MS)
    const before = await find(w, 'pending')
    await w.restart(isKilled)
    await w.advance(10 * MINUTE)
    w.lifecycle.receivePending([pending(CPU, w.clock.now())], 0)
    await w.advance(5 * MINUTE + WRITE_MS)
    expect(await find(w, 'pending')).toEqual(before.filter(({ serverId }) => serverId === 'web1'))
    expect(await find(w, 'expired')).toMatchObject([{ serverId: 'web2', activeAtMs: t, endedAtMs: t + WRITE_MS }])
    await w.lifecycle.receive([sent(CPU, w.clock.now(), { activeAtMs: t + MINUTE })])
    expect((await w.store.alerts(ALL))[0]!.id).toBe(before.find(({ serverId }) => serverId === 'web1')!.id)
  })

  it('is the same whatever became of it before the store could be read', async () => {
    const w = await world()
    const t = w.clock.now()
    const [goesOn, ends, fires, isForgotten] = ['on', 'ends', 'fires', 'forgotten'].map((instance) => ({ ...CPU, instance })) as [typeof CPU, typeof CPU, typeof CPU, typeof CPU]
    w.lifecycle.receivePending([goesOn, ends, fires, isForgotten].map((labels) => pending(labels, t)), 0)
    await w.advance(WRITE_MS)
    const before = await find(w, 'pending')
    let goOn = (): void => {}
    const hangs = new Promise<void>((resolve) => (goOn = resolve))
    w.onOpened = (store) => {
      const current = store.currentPending.bind(store)
      store.currentPending = () => hangs.then(current)
    }
    const started = w.restart(true)
    for (let isBegun = false; !isBegun; await w.clock.advance(1000)) isBegun = await Promise.race([started.then(() => true), nextTurn(false)])
    const begun = w.clock.now()
    w.lifecycle.receivePending([goesOn, ends, fires].map((labels) => pending(labels, begun)), 0)
    await w.advance(MINUTE)
    w.lifecycle.receivePending([pending(ends, begun, begun + MINUTE)], 0)
    await w.lifecycle.receive([sent(fires, w.clock.now(), { activeAtMs: t })])
    await w.advance(WRITE_MS)
    goOn()
    for (const ms of [0, WRITE_MS, 15 * MINUTE, WRITE_MS]) await w.advance(ms)
    const idOf = (labels: typeof CPU): string => before.find(({ serverId }) => serverId === labels.instance)!.id
    expect(await find(w, 'pending')).toMatchObject([{ id: idOf(goesOn), activeAtMs: t }])
    const expired = (await find(w, 'expired')).map(({ id, activeAtMs, endedAtMs }) => [id, activeAtMs, endedAtMs])
    expect(new Set(expired)).toEqual(new Set([[idOf(ends), t, begun + MINUTE], [idOf(isForgotten), t, t + WRITE_MS]]))
    expect(await w.store.alerts(ALL)).toMatchObject([{ serverId: 'fires', activeAtMs: t }])
  })

  it('is over where a new thread of the rules does not tell of it', async () => {
    const w = await world()
    w.lifecycle.receivePending([pending(CPU, w.clock.now()), pending({ ...CPU, instance: 'web2' }, w.clock.now())], 0)
    w.pending.doubt()
    w.lifecycle.receivePending([pending(CPU, w.clock.now())], 0)
    for (const ms of [WRITE_MS, 15 * MINUTE - WRITE_MS, WRITE_MS]) await w.advance(ms)
    expect(await find(w, 'pending')).toMatchObject([{ serverId: 'web1' }])
    expect(await find(w, 'expired')).toMatchObject([{ serverId: 'web2' }])
  })
})

describe('a rule that flaps over ten thousand servers', () => {
  const flap = (count: number, atMs: number, endedAtMs: number | null, from = 0): PendingAlert[] => Array.from({ length: count }, (_, i) => pending({ ...CPU, instance: `web${from + i}` }, atMs, endedAtMs))

  interface Failure {
    isOn: boolean
    /** While the store is asked in vain. */
    meanwhile: () => void
  }

  function ground(): { puts: number[]; kept: Map<string, PendingRecord>; fail: Failure; clock: FakeClock; metrics: Metrics; episodes: PendingEpisodes } {
    const [puts, kept, fail, clock, metrics]: [number[], Map<string, PendingRecord>, Failure, FakeClock, Metrics] = [[], new Map(), { isOn: false, meanwhile: () => {} }, new FakeClock(), new Metrics()]
    let id = 0
    const store = {
      currentPending: () => Promise.resolve([]),
      putPending: (records: readonly PendingRecord[]) => {
        if (fail.isOn) {
          fail.meanwhile()
          return Promise.reject(new MetaError('the disk is full'))
        }
        puts.push(records.length)
        for (const record of records) kept.set(record.id, record)
        return Promise.resolve()
      },
    }
    return { puts, kept, fail, clock, metrics, episodes: new PendingEpisodes({ store, clock, logger: silentLogger, metrics, newId: () => String(++id) }) }
  }

  it('costs the store a thousand rows every two seconds, and what is too much is counted', async () => {
    const { puts, kept, clock, metrics, episodes } = ground()
    await episodes.load()
    for (let i = 0; i < 40; i++) {
      const t = clock.now()
      episodes.receive(flap(10_000, t, null), 0, () => false)
      await clock.advance(500)
      episodes.receive(flap(10_000, t, t + 500), 0, () => false)
      await clock.advance(500)
    }
    expect(puts).toEqual(Array.from({ length: 20 }, () => 1000))
    await episodes.stop()
    const ended = [...kept.values()].filter(({ endedAtMs }) => endedAtMs !== null).length
    expect(kept.size).toBe(ended)
    expect(ended + await lost(metrics)).toBe(400_000)
    expect(kept.size).toBeLessThanOrEqual(20_000 + 20_000)
  })

  it('loses nothing within its bounds while the disk refuses it, and keeps nothing of what fires meanwhile', async () => {
    const { kept, fail, clock, metrics, episodes } = ground()
    await episodes.load()
    fail.isOn = true
    const t = clock.now()
    episodes.receive(flap(900, t, null), 3, () => false)
    await clock.advance(MINUTE)
    episodes.receive(flap(800, t, t + MINUTE), 0, () => false)
    await clock.advance(MINUTE)
    const fire = (from: number): void => {
      for (const { labels } of flap(50, t, null, from)) expect(episodes.fired(fingerprint(labels))).toMatchObject({ activeAtMs: t })
    }
    fire(850)
    fail.meanwhile = () => {
      fail.meanwhile = () => {}
      fire(800)
    }
    await clock.advance(MINUTE)
    fail.isOn = false
    await clock.advance(MINUTE)
    expect([...kept.values()].filter(({ endedAtMs }) => endedAtMs === t + MINUTE)).toHaveLength(800)
    expect(kept.size).toBe(800)
    expect(await lost(metrics)).toBe(3)
  })
})
