import { expect, it, onTestFinished } from 'vitest'
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
  await store.putAlerts([alertRecord(1, { triggeredAtMs: t, status: 'resolved', resolvedAtMs: t }), alertRecord(2, { triggeredAtMs: t, status: 'resolved', resolvedAtMs: t + 3_600_000 }), alertRecord(3, { triggeredAtMs: t })], [])
  await clock.advance(2 * 3_600_000)
  expect(await names()).toEqual([3, 2, 1])
  retention.retentionMs = 2 * 3_600_000
  await clock.advance(3_600_000)
  expect(await names()).toEqual([3, 2])
  await clock.advance(3_600_000)
  expect(await names()).toEqual([3])
})
