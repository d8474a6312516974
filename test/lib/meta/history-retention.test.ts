import { expect, it, onTestFinished, vi } from 'vitest'
import { HistoryRetention } from '../../../lib/meta/history-retention.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { openStore } from './open-store.ts'
import { ALL, alertRecord } from './store-conformance.ts'

it('removes resolved alerts that are older than the retention, every hour, and no others', async () => {
  const clock = new FakeClock()
  const store = openStore(tempFolder())
  const retention = new HistoryRetention(store, clock, silentLogger)
  onTestFinished(() => (retention.stop(), store.close()))
  const t = clock.now()
  const names = async (): Promise<number[]> => (await store.alerts(ALL)).map(({ id }) => Number(id.slice(-2)))
  await store.putAlerts([alertRecord(1, { triggeredAtMs: t, status: 'resolved', resolvedAtMs: t }), alertRecord(2, { triggeredAtMs: t, status: 'resolved', resolvedAtMs: t + 3_000_000 }), alertRecord(3, { triggeredAtMs: t })], [])
  retention.retentionMs = 300_000
  await clock.advance(599_999)
  expect(await names()).toEqual([3, 2, 1])
  await clock.advance(1)
  expect(await names()).toEqual([3, 2])
  await clock.advance(3_599_999)
  expect(await names()).toEqual([3, 2])
  await clock.advance(1)
  expect(await names()).toEqual([3])
})

it('removes nothing by a jump of the wall clock before that has stood for an hour', async () => {
  const clock = new FakeClock()
  const store = openStore(tempFolder())
  const retention = new HistoryRetention(store, clock, silentLogger)
  onTestFinished(() => (retention.stop(), store.close()))
  retention.retentionMs = 90 * 86_400_000
  await store.putAlerts([alertRecord(1, { triggeredAtMs: clock.now(), status: 'resolved', resolvedAtMs: clock.now() })], [])
  const count = async (): Promise<number> => (await store.alerts(ALL)).length
  await clock.advance(500_000)
  clock.jump(365 * 86_400_000)
  await clock.advance(100_000)
  expect(await count()).toBe(1)
  await clock.advance(3_600_000)
  expect(await count()).toBe(0)
})

it('removes the alerts of a storm some at a time, and what is asked meanwhile is answered in between', async () => {
  const clock = new FakeClock()
  const store = openStore(tempFolder())
  const retention = new HistoryRetention(store, clock, silentLogger)
  onTestFinished(() => (retention.stop(), store.close()))
  retention.retentionMs = 1000
  const count = async (): Promise<number> => (await store.alerts({ ...ALL, limit: 9999 })).length
  await store.putAlerts(Array.from({ length: 2500 }, (_, i) => alertRecord(i, { triggeredAtMs: clock.now(), status: 'resolved', resolvedAtMs: clock.now() })), [])
  const forget = store.forget.bind(store)
  const between: Promise<number>[] = []
  store.forget = (times) => {
    const done = forget(times)
    between.push(count())
    return done
  }
  await clock.advance(600_000)
  await vi.waitFor(() => expect(between).toHaveLength(3), 20_000)
  expect(await Promise.all(between)).toEqual([1500, 500, 0])
})
