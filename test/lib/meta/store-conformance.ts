// What every MetaStore must do, whatever lies below it. Each case has a store of its own, and may open it again.
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AlertEvent, AlertFilter, AlertRecord, MetaStore, NotificationEntry, PendingFilter, PendingRecord, StoredRule, ToldEntry } from '../../../lib/meta/interface.ts'
import type { Silence } from '../../../lib/model/silence.ts'

/** Opens the store of one place, also again after it was closed. */
export type OpenStore = () => Promise<MetaStore>

export const T0 = 1_700_000_000_000

export const ALL: AlertFilter = { status: null, severity: null, serverId: null, ruleId: null, name: null, fromMs: 0, toMs: Infinity, limit: 100, afterId: null }

export function alertRecord(n: number, over: Partial<AlertRecord> = {}): AlertRecord {
  return {
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`, fingerprint: `f${n}`, ruleId: null, name: 'HighCpu', labels: { alertname: 'HighCpu', instance: `web${n}`, __proto__x: '"\n\u0000' },
    annotations: { summary: 'süß 😀' }, serverId: `web${n}`, severity: 'warning', status: 'open', metricValue: 91.5, generatorUrl: '', activeAtMs: T0 + n, triggeredAtMs: T0 + n, toldAtMs: null, resolvedAtMs: null,
    acknowledgedAtMs: null, acknowledgedBy: '', repageAtMs: null, givenBackAtMs: null, escalationFromMs: T0 + n, escalationStep: 0, feedback: '', lastsUntilMs: null, ...over,
  }
}

function pendingRecord(n: number, over: Partial<PendingRecord> = {}): PendingRecord {
  const { id, fingerprint, ruleId, name, labels, annotations, serverId, severity, metricValue, generatorUrl, activeAtMs } = alertRecord(n)
  return { id, fingerprint, ruleId, name, labels, annotations, serverId, severity, metricValue, generatorUrl, activeAtMs, endedAtMs: null, ...over }
}

export const SILENCE: Silence = {
  id: 'a5f6', matcherSets: [[{ name: 'alertname', op: '=', value: 'HighCpu' }, { name: 'instance', op: '=~', value: 'web.*' }], [{ name: 'x', op: '!=', value: '' }]],
  startsAtMs: T0, endsAtMs: T0 + 3_600_000, updatedAtMs: T0, createdBy: 'ana', comment: 'deploy\r\n', annotations: new Map([['ticket', '7']]),
}

export const RULE: StoredRule = {
  id: 'r1', name: 'High CPU Alert', isActive: true, createdAtMs: T0, updatedAtMs: T0 + 5,
  body: { name: 'High CPU Alert', metric: 'cpu_usage', condition: { operator: 'gt', threshold: 80.25, window: '5m', aggregation: 'avg' }, severity: 'critical', notify: ['email:a@b.c'], filters: { env: 'production' } },
}

export function describeMetaStore(name: string, place: () => OpenStore): void {
  /** A store that is closed after the test, and how to open it again. */
  async function fresh(): Promise<{ store: MetaStore; again: OpenStore }> {
    const open = place()
    let store = await open()
    onTestFinished(() => store.close())
    return { store, again: async () => (await store.close(), (store = await open())) }
  }

  describe(`${name}: what every store of metadata does`, () => {
    it('keeps silences over a restart, the last of one id, until they are deleted', async () => {
      const { store, again } = await fresh()
      await store.putSilence(SILENCE)
      await store.putSilence({ ...SILENCE, id: 'b' })
      await store.putSilence({ ...SILENCE, endsAtMs: T0 + 1 })
      expect(await store.silences()).toEqual([{ ...SILENCE, endsAtMs: T0 + 1 }, { ...SILENCE, id: 'b' }])
      await store.deleteSilences(['b', 'none'])
      expect(await (await again()).silences()).toEqual([{ ...SILENCE, endsAtMs: T0 + 1 }])
    })

    it('keeps the newest entry of each group and receiver', async () => {
      const { store, again } = await fresh()
      const entry: NotificationEntry = { groupKey: '{}:{a="b"}', receiver: 'team/email/0', timeMs: T0, firing: ['f1', 'f2'], resolved: [], withheld: ['f3'], memory: 'thread', target: 'h1', expiresAtMs: T0 + 100 }
      await store.putNotificationEntry(entry)
      await store.putNotificationEntry({ ...entry, receiver: 'team/email/1' })
      await store.putNotificationEntry({ ...entry, timeMs: T0 + 9, firing: [], resolved: ['f1'] })
      const entries = await (await again()).notificationEntries()
      expect(entries.toSorted((a, b) => (a.receiver < b.receiver ? -1 : 1))).toEqual([{ ...entry, timeMs: T0 + 9, firing: [], resolved: ['f1'] }, { ...entry, receiver: 'team/email/1' }])
    })

    it('keeps alerts as they are now, and a line for each thing that happened to them', async () => {
      const { store, again } = await fresh()
      const events: AlertEvent[] = [{ alertId: alertRecord(1).id, timeMs: T0, kind: 'firing', detail: '' }, { alertId: alertRecord(1).id, timeMs: T0, kind: 'notified', detail: 'team/email/0' }]
      await store.putAlerts([alertRecord(1), alertRecord(2, { metricValue: null, ruleId: 'r1' })], events)
      const acknowledged = alertRecord(1, { status: 'acknowledged', acknowledgedAtMs: T0 + 7, acknowledgedBy: 'ana', repageAtMs: T0 + 99, toldAtMs: T0 + 3, givenBackAtMs: T0 + 5, escalationFromMs: T0 + 5, escalationStep: 2, feedback: 'false_positive', lastsUntilMs: T0 + 9e8 })
      await store.putAlerts([acknowledged], [{ alertId: acknowledged.id, timeMs: T0 + 7, kind: 'acknowledged', detail: 'ana' }])
      const later = await again()
      expect(await later.alerts(ALL)).toEqual([alertRecord(2, { metricValue: null, ruleId: 'r1' }), acknowledged])
      expect(await later.unresolvedAlerts()).toEqual([acknowledged, alertRecord(2, { metricValue: null, ruleId: 'r1' })])
      expect(await later.events(acknowledged.id)).toEqual([...events, { alertId: acknowledged.id, timeMs: T0 + 7, kind: 'acknowledged', detail: 'ana' }])
      expect(await later.events(alertRecord(2).id)).toEqual([])
      expect(await later.alert(acknowledged.id)).toEqual(acknowledged)
      expect(await later.alert('none')).toBeNull()
    })

    it('finds alerts by each filter, page by page, newest first', async () => {
      const { store } = await fresh()
      const all = [
        alertRecord(1), alertRecord(2, { triggeredAtMs: T0 + 1 }), alertRecord(3, { status: 'resolved', resolvedAtMs: T0 + 9 }), alertRecord(4, { severity: 'critical', ruleId: 'r1' }),
        alertRecord(5, { name: 'DiskFull', status: 'acknowledged' }),
      ]
      await store.putAlerts(all, [])
      const f = async (filter: Partial<AlertFilter>, want: number[]): Promise<void> => {
        expect((await store.alerts({ ...ALL, ...filter })).map(({ id }) => Number(id.slice(-2))), JSON.stringify(filter)).toEqual(want)
      }
      await f({}, [5, 4, 3, 2, 1])
      await f({ status: 'open' }, [4, 2, 1])
      await f({ status: 'resolved' }, [3])
      await f({ status: 'acknowledged' }, [5])
      await f({ severity: 'critical' }, [4])
      await f({ serverId: 'web2' }, [2])
      await f({ ruleId: 'r1' }, [4])
      await f({ name: 'DiskFull' }, [5])
      await f({ name: 'HighCpu', status: 'open', severity: 'warning' }, [2, 1])
      await f({ fromMs: T0 + 3, toMs: T0 + 4 }, [4, 3])
      await f({ limit: 2 }, [5, 4])
      await f({ limit: 2, afterId: alertRecord(4).id }, [3, 2])
      // Equal times are told apart by their ids.
      await f({ limit: 2, afterId: alertRecord(2).id }, [1])
      await f({ afterId: 'unknown' }, [])
    })

    it('keeps alerts that wait, and those that did in vain, each found by its filters, page by page', async () => {
      const { store, again } = await fresh()
      await store.putPending([pendingRecord(1), pendingRecord(2, { severity: 'critical', ruleId: 'r1', metricValue: null }), pendingRecord(3), pendingRecord(4, { name: 'DiskFull' })])
      await store.putPending([pendingRecord(3, { endedAtMs: T0 + 9 }), pendingRecord(5, { endedAtMs: T0 + 7 })])
      const later = await again()
      const f = async (status: PendingFilter['status'], filter: Partial<PendingFilter>, want: number[]): Promise<void> => {
        expect((await later.pendingAlerts({ ...ALL, ...filter, status })).map(({ id }) => Number(id.slice(-2))), JSON.stringify(filter)).toEqual(want)
      }
      await f('pending', {}, [4, 2, 1])
      await f('expired', {}, [5, 3])
      await f('pending', { severity: 'critical', ruleId: 'r1', serverId: 'web2' }, [2])
      await f('pending', { name: 'DiskFull' }, [4])
      await f('expired', { fromMs: T0 + 4, toMs: T0 + 5 }, [5])
      await f('pending', { limit: 2, afterId: pendingRecord(4).id }, [2, 1])
      expect(await later.currentPending()).toEqual([pendingRecord(1), pendingRecord(2, { severity: 'critical', ruleId: 'r1', metricValue: null }), pendingRecord(4, { name: 'DiskFull' })])
      expect(await later.pendingAlert(pendingRecord(3).id)).toEqual(pendingRecord(3, { endedAtMs: T0 + 9 }))
      expect(await later.pendingAlert('none')).toBeNull()
      expect(await later.alerts(ALL)).toEqual([])
    })

    it('keeps no alert as pending once it has fired, forgets what expired long ago, and of very many the newest', async () => {
      const { store } = await fresh()
      await store.putPending([pendingRecord(0)])
      await store.putPending([pendingRecord(1), pendingRecord(2, { endedAtMs: T0 + 10 }), pendingRecord(3, { endedAtMs: T0 + 20 })], [pendingRecord(0).id])
      expect(await store.currentPending()).toEqual([pendingRecord(1)])
      await store.putAlerts([alertRecord(1)], [])
      expect(await store.pendingAlert(pendingRecord(1).id)).toBeNull()
      await store.forget({ resolvedBeforeMs: T0 + 20, nowMs: T0 })
      expect((await store.pendingAlerts({ ...ALL, status: 'expired' })).map(({ activeAtMs }) => activeAtMs - T0)).toEqual([3])
      for (let at = 1; at <= 50; at++) await store.putPending(Array.from({ length: 1000 }, (_, i) => pendingRecord(1000 * at + i, { endedAtMs: T0 + 99 })))
      expect(await store.pendingAlert(pendingRecord(3).id)).toBeNull()
      expect(await store.pendingAlert(pendingRecord(1000).id)).toEqual(pendingRecord(1000, { endedAtMs: T0 + 99 }))
      await store.putPending([pendingRecord(99_999)])
      expect(await store.pendingAlert(pendingRecord(1000).id)).toBeNull()
      expect(await store.pendingAlert(pendingRecord(1001).id)).toEqual(pendingRecord(1001, { endedAtMs: T0 + 99 }))
    })

    it('forgets alerts that were resolved long ago with their lines, and what receivers need not remember', async () => {
      const { store } = await fresh()
      const old = alertRecord(1, { status: 'resolved', resolvedAtMs: T0 + 10 })
      const young = alertRecord(2, { status: 'resolved', resolvedAtMs: T0 + 20 })
      await store.putAlerts([old, young, alertRecord(3)], [old, young].map(({ id }) => ({ alertId: id, timeMs: T0, kind: 'firing', detail: '' })))
      const entry: NotificationEntry = { groupKey: 'g', receiver: 'r', timeMs: T0, firing: [], resolved: [], withheld: [], memory: '', target: 'h1', expiresAtMs: T0 + 100 }
      await store.putNotificationEntry(entry)
      await store.putNotificationEntry({ ...entry, groupKey: 'h', expiresAtMs: T0 + 300 })
      await store.forget({ resolvedBeforeMs: T0 + 20, nowMs: T0 + 200 })
      expect(await store.alerts(ALL)).toEqual([alertRecord(3), young])
      expect(await store.events(old.id)).toEqual([])
      expect(await store.events(young.id)).toHaveLength(1)
      expect(await store.notificationEntries()).toEqual([{ ...entry, groupKey: 'h', expiresAtMs: T0 + 300 }])
    })

    it('keeps when each receiver was last told of an alert, until that expires', async () => {
      const { store, again } = await fresh()
      const entry: ToldEntry = { key: 'k', receiver: 'team/email/0', timeMs: T0, severity: 'warning', expiresAtMs: T0 + 900_000 }
      await store.putAlerts([], [], [entry, { ...entry, receiver: 'team/sms/0', expiresAtMs: T0 + 1 }])
      await store.putAlerts([], [], [{ ...entry, severity: 'critical' }])
      expect((await store.told()).map(({ receiver }) => receiver).toSorted()).toEqual(['team/email/0', 'team/sms/0'])
      await store.forget({ resolvedBeforeMs: 0, nowMs: T0 + 2 })
      expect(await (await again()).told()).toEqual([{ ...entry, severity: 'critical' }])
    })

    it('keeps what is owed until it is settled', async () => {
      const { store, again } = await fresh()
      const owed = ['team/email/0', 'team/sms/0'].map((receiver) => ({ groupKey: '{}:{a="b"}', receiver, sinceMs: T0 }))
      await store.putOwed(owed, [])
      await store.putOwed([{ ...owed[0]!, sinceMs: T0 + 5 }], [owed[1]!, { groupKey: 'none', receiver: 'x' }])
      expect(await (await again()).owed()).toEqual([{ ...owed[0]!, sinceMs: T0 + 5 }])
    })

    it('finds the alerts whose history lacks a line since a moment', async () => {
      const { store } = await fresh()
      const records = [1, 2, 3].map((n) => alertRecord(n))
      const line = (n: number, timeMs: number, detail: string): AlertEvent => ({ alertId: records[n - 1]!.id, timeMs, kind: 'notified', detail })
      await store.putAlerts(records, [line(1, T0 + 10, 'a (firing)'), line(2, T0 + 9, 'a (firing)'), line(3, T0 + 10, 'b (firing)')])
      const ids = [...records.map(({ id }) => id), 'none']
      expect(await store.alertsLacking(ids, { kind: 'notified', detail: 'a (firing)', sinceMs: T0 + 10 })).toEqual([records[1], records[2]])
    })

    it('keeps rules and values', async () => {
      const { store, again } = await fresh()
      await store.putRule(RULE)
      await store.putRule({ ...RULE, id: 'r0', createdAtMs: T0 + 1, body: { name: 'composite' } })
      await store.putRule({ ...RULE, isActive: false, updatedAtMs: T0 + 9 })
      expect(await store.value('ack-key')).toBeNull()
      await store.putValue('ack-key', 'k1')
      await store.putValue('ack-key', 'k2')
      const later = await again()
      expect(await later.rules()).toEqual([{ ...RULE, isActive: false, updatedAtMs: T0 + 9 }, { ...RULE, id: 'r0', createdAtMs: T0 + 1, body: { name: 'composite' } }])
      expect(await later.value('ack-key')).toBe('k2')
      await later.deleteRule('r0')
      expect((await later.rules()).map(({ id }) => id)).toEqual(['r1'])
    })

    it('remembers whom rules name and named, each at a place of its own, until a rule that is deleted is forgotten', async () => {
      const { store, again } = await fresh()
      const named = (...notify: readonly string[]): Promise<void> => store.putRule({ ...RULE, body: { ...RULE.body, notify } })
      const shown = async (of = store): Promise<string[]> => (await of.ruleTargets()).map(({ ruleId, target, place, isFormer, isDeleted }) => `${ruleId} ${target} ${place}${isFormer ? ' former' : ''}${isDeleted ? ' deleted' : ''}`)
      await named('sms:1', 'webhook:a', 'webhook:b', 'webhook:a')
      expect(await shown()).toEqual(['r1 sms:1 0', 'r1 webhook:a 0', 'r1 webhook:b 1'])
      await named('webhook:c', 'webhook:b')
      expect(await shown()).toEqual(['r1 sms:1 0 former', 'r1 webhook:a 0 former', 'r1 webhook:b 1', 'r1 webhook:c 2'])
      await named('webhook:a')
      await store.forgetRuleTargets(['r1'])
      expect(await shown(await again())).toEqual(['r1 sms:1 0 former', 'r1 webhook:a 0', 'r1 webhook:b 1 former', 'r1 webhook:c 2 former'])
      const later = await again()
      await later.deleteRule('r1')
      expect(await shown(later)).toEqual(['r1 sms:1 0 former deleted', 'r1 webhook:a 0 former deleted', 'r1 webhook:b 1 former deleted', 'r1 webhook:c 2 former deleted'])
      await later.forgetRuleTargets(['r1', 'none'])
      expect(await shown(later)).toEqual([])
    })

    it('remembers the last hundred whom a rule named before', async () => {
      const { store } = await fresh()
      for (let i = 0; i < 120; i++) await store.putRule({ ...RULE, body: { ...RULE.body, notify: [`webhook:${i}`] } })
      expect((await store.ruleTargets()).map(({ place }) => place)).toEqual(Array.from({ length: 101 }, (_, i) => 19 + i))
    })

    it('gives the last episode of alerts that have ended, and moves entries of what was told', async () => {
      const { store, again } = await fresh()
      const ended = (n: number, fingerprint: string): AlertRecord => alertRecord(n, { fingerprint, status: 'resolved', resolvedAtMs: T0 + n })
      await store.putAlerts([ended(1, 'f'), ended(3, 'f'), ended(2, 'f'), ended(4, 'g'), alertRecord(5, { fingerprint: 'h' })], [])
      expect(await store.endedAlerts(['f', 'h', 'none'], T0)).toEqual([ended(3, 'f')])
      expect(await store.endedAlerts(['f', 'g'], T0 + 4)).toEqual([ended(4, 'g')])
      const entry: NotificationEntry = { groupKey: 'g', receiver: 'team/email/0', timeMs: T0, firing: ['f'], resolved: [], withheld: [], memory: '', target: 'h', expiresAtMs: T0 + 100 }
      await store.putNotificationEntry(entry)
      await store.putNotificationEntry({ ...entry, groupKey: 'g2' })
      await store.moveNotificationEntries([entry], [{ ...entry, receiver: 'team/email/1' }, { ...entry, groupKey: 'g2', target: 'i' }])
      // What was noted on the way to the store may be known beside.
      expect(await (await again()).notificationEntries()).toEqual(expect.arrayContaining([{ ...entry, receiver: 'team/email/1' }, { ...entry, groupKey: 'g2', target: 'i' }]))
    })

    it('carries calls out in their order, also when none is waited for', async () => {
      const { store } = await fresh()
      const writes = Array.from({ length: 200 }, (_, i) => store.putValue('n', String(i)))
      const between = store.value('n')
      void store.putValue('n', 'last')
      expect(await between).toBe('199')
      await Promise.all(writes)
      expect(await store.value('n')).toBe('last')
    })
  })
}
