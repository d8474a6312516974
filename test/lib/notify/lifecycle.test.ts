// Episodes, escalation and history, case by case; cooldowns are in cooldowns.test.ts, random histories in lifecycle-model.test.ts.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MetaError } from '../../../lib/meta/errors.ts'
import { ALL } from '../meta/store-conformance.ts'
import { beganWorld, CPU, fire, lines, messageOf, MINUTE, printOf } from './lifecycle-cases.ts'
import { sent } from './lifecycle-world.ts'

describe('an episode', () => {
  it('begins with the first firing, pending named, and ends with the last; the next one is another', async () => {
    const w = await beganWorld()
    const t = w.clock.now()
    await w.lifecycle.receive([sent(CPU, t, { activeAtMs: t - 5 * MINUTE, value: 91.5 })])
    await w.lifecycle.receive([sent(CPU, t, { value: 95 })])
    const [first] = await w.store.alerts(ALL)
    expect(first).toMatchObject({ name: 'Cpu', serverId: 'web1', severity: 'warning', status: 'open', metricValue: 91.5, activeAtMs: t - 5 * MINUTE, triggeredAtMs: t, ruleId: null })
    expect(await lines(w, first!.id)).toEqual(['pending', 'firing value 91.5'])
    await w.advance(MINUTE)
    await w.lifecycle.receive([sent(CPU, t, { endsAtMs: t + MINUTE })])
    expect(await w.store.alert(first!.id)).toMatchObject({ status: 'resolved', resolvedAtMs: t + MINUTE, metricValue: 91.5 })
    expect(await fire(w, CPU)).not.toBe(first!.id)
    expect(await w.store.alerts(ALL)).toHaveLength(2)
  })

  it('that has ended stays so where it is judged before the store has taken its end', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    const putAlerts = w.store.putAlerts.bind(w.store)
    w.store.putAlerts = () => Promise.reject(new MetaError('the disk is full'))
    await w.lifecycle.receive([sent(CPU, w.clock.now(), { endsAtMs: w.clock.now() })])
    w.store.putAlerts = putAlerts
    expect((await w.lifecycle.people.giveFeedback(id, { by: 'ana', verdict: 'true_positive' })).after).toMatchObject({ status: 'resolved', feedback: 'true_positive' })
    await w.advance(10_000)
    expect(await w.store.alert(id)).toMatchObject({ status: 'resolved', feedback: 'true_positive' })
  })

  it('ends when nobody tells of it any more', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU, 4 * MINUTE)
    await w.advance(4 * MINUTE - 1)
    expect((await w.store.alert(id))?.status).toBe('open')
    await w.advance(1)
    expect(await w.store.alert(id)).toMatchObject({ status: 'resolved', resolvedAtMs: w.clock.now() })
    expect((await lines(w, id)).at(-1)).toBe('resolved nobody told of it any more')
  })

  it('of one alert does not wait for thousands that came before it, of which none is told without the others', async () => {
    const w = await beganWorld()
    const many = Array.from({ length: 5000 }, (_, i) => sent({ ...CPU, instance: `many${i}` }, w.clock.now()))
    const batch = { isOpen: true }
    const all = w.lifecycle.receive(many, batch)
    await w.lifecycle.receive([sent(CPU, w.clock.now())])
    expect(w.dispatch.alerts.size).toBeLessThanOrEqual(2001)
    expect([...w.dispatch.alerts.keys()]).toContain(printOf(CPU))
    expect(batch.isOpen).toBe(true)
    await all
    expect(w.dispatch.alerts.size).toBe(5001)
    expect(batch.isOpen).toBe(false)
    expect(await w.store.alerts({ ...ALL, limit: 6000 })).toHaveLength(5001)
  })

  it('of one alert does not wait for thousands that are acknowledged together', async () => {
    const w = await beganWorld()
    await w.lifecycle.receive(Array.from({ length: 5000 }, (_, i) => sent({ ...CPU, instance: `many${i}` }, w.clock.now())))
    let isDone = false
    const ask = { status: null, words: [], matches: () => true, isReceiver: null, toMs: Infinity, limit: Infinity }
    const many = w.lifecycle.people.acknowledgeMany(ask, { by: 'ana', repageAfterMs: null }).finally(() => (isDone = true))
    await w.store.value('')
    await w.lifecycle.receive([sent(CPU, w.clock.now())])
    expect([isDone, w.dispatch.alerts.has(printOf(CPU))]).toEqual([false, true])
    expect((await many).acknowledged).toHaveLength(5000)
    expect(w.lifecycle.current({ ...ask, limit: 10 })).toMatchObject({ open: 1, acknowledged: 5000 })
  })

  it('is told though someone acknowledges another while the store hangs', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    const putAlerts = w.store.putAlerts.bind(w.store)
    let goOn = (): void => {}
    const hangs = new Promise<void>((resolve) => (goOn = resolve))
    w.store.putAlerts = (...args) => hangs.then(() => putAlerts(...args))
    const acknowledged = w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: null })
    const refused = expect(acknowledged).rejects.toThrow('does not answer')
    const received = w.lifecycle.receive([sent({ ...CPU, instance: 'web2' }, w.clock.now())])
    await w.store.value('')
    await w.clock.advance(5000)
    await refused
    await received
    expect(w.dispatch.alerts.size).toBe(2)
    goOn()
    await w.advance(1000)
    expect(await w.store.alert(id)).toMatchObject({ status: 'open' })
    expect(await w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: null })).toMatchObject({ status: 'acknowledged' })
  })

  it('is told though someone judges one that has ended while the store hangs', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    await w.lifecycle.receive([sent(CPU, w.clock.now(), { endsAtMs: w.clock.now() })])
    const alert = w.store.alert.bind(w.store)
    let goOn = (): void => {}
    const hangs = new Promise<void>((resolve) => (goOn = resolve))
    w.store.alert = (asked) => hangs.then(() => alert(asked))
    const refused = expect(w.lifecycle.people.giveFeedback(id, { by: 'ana', verdict: 'true_positive' })).rejects.toThrow('does not answer')
    const received = w.lifecycle.receive([sent({ ...CPU, instance: 'web2' }, w.clock.now())])
    await w.store.value('')
    await w.clock.advance(5000)
    await Promise.all([refused, received])
    await expect(w.lifecycle.people.giveFeedback(id, { by: 'ana', verdict: 'true_positive' }), 'at once').rejects.toThrow('does not answer')
    goOn()
    await w.store.value('')
    expect((await w.lifecycle.people.giveFeedback(id, { by: 'ana', verdict: 'true_positive' })).after).toMatchObject({ status: 'resolved', feedback: 'true_positive' })
  })

  it('goes on over a restart, and is over where the rules do not find it again', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    const gone = await fire(w, { ...CPU, instance: 'web2' })
    await w.restart(true)
    expect([...w.dispatch.alerts.values()].map(({ endsAtMs }) => endsAtMs - w.clock.now())).toEqual([15 * MINUTE, 15 * MINUTE])
    await w.advance(10 * MINUTE)
    expect(await fire(w, CPU)).toBe(id)
    await w.advance(5 * MINUTE)
    expect((await w.store.alert(gone))?.status).toBe('resolved')
    expect((await w.store.alert(id))?.status).toBe('open')
  })

  it('that ended shortly before a kill is handed on with its end, where somebody was told that it fires', async () => {
    const w = await beganWorld()
    const other = { ...CPU, instance: 'web2' }
    const ids = [await fire(w, CPU), await fire(w, other)]
    w.flush('team/email/0')
    const third = { ...CPU, instance: 'web3' }
    ids.push(await fire(w, third))
    const endMs = w.clock.now()
    await w.lifecycle.receive([CPU, third].map((labels) => sent(labels, endMs, { endsAtMs: endMs })))
    await w.advance(1000)
    await w.restart(true)
    // Of the third nobody was told; what was open goes on.
    expect(new Map(Array.from(w.dispatch.alerts, ([print, { endsAtMs }]) => [print, endsAtMs]))).toEqual(new Map([[printOf(CPU), endMs], [printOf(other), w.clock.now() + 15 * MINUTE]]))
    expect((await w.store.alert(ids[0]!))?.status).toBe('resolved')
  })

  it('ends with its rule where that went before it was evaluated again after a start, and what was evaluated ends by itself', async () => {
    const w = await beganWorld()
    const [of1, other, of2] = [{ ...CPU, rule_id: 'r1' }, { ...CPU, rule_id: 'r1', instance: 'web2' }, { ...CPU, rule_id: 'r2' }]
    const ids = [await fire(w, of1), await fire(w, other), await fire(w, of2)]
    await w.lifecycle.endWith(new Set(['r1']))
    await w.restart(true)
    await fire(w, of1)
    await w.lifecycle.endWith(new Set(['r1', 'none']))
    await w.idle()
    expect(await Promise.all(ids.map(async (id) => (await w.store.alert(id))?.status))).toEqual(['open', 'resolved', 'open'])
    expect(w.dispatch.alerts.get(printOf(other))?.endsAtMs).toBe(w.clock.now())
  })

  it('is told though what was open cannot be read at a start, and what was acknowledged is so once it can', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    await w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: null })
    let goOn = (): void => {}
    const hangs = new Promise<void>((resolve) => (goOn = resolve))
    w.onOpened = (store) => {
      const unresolved = store.unresolvedAlerts.bind(store)
      store.unresolvedAlerts = () => hangs.then(unresolved)
    }
    const other = { ...CPU, instance: 'web2' }
    const started = w.restart(false)
    for (let isBegun = false; !isBegun; await w.clock.advance(1000)) isBegun = await Promise.race([started.then(() => true), nextTurn(false)])
    await w.lifecycle.receive([sent(other, w.clock.now())])
    expect([...w.dispatch.alerts.keys()]).toEqual([printOf(other)])
    goOn()
    while (!w.dispatch.alerts.has(printOf(CPU))) await w.advance(0)
    expect(w.lifecycle.heldBy(printOf(CPU), { name: 'team/email/0', target: '' }, w.clock.now())).toBe('acknowledged')
  })

  it('that was posted lasts as long as whoever posted it said, also over a restart', async () => {
    const w = await beganWorld()
    const t = w.clock.now()
    const posted = (endsAtMs: number): Promise<void> => w.lifecycle.receive([sent(CPU, t, { endsAtMs, value: null })])
    await posted(t + 5 * MINUTE)
    await posted(t + 600 * MINUTE)
    const { id } = (await w.store.alerts(ALL))[0]!
    await w.restart(true)
    expect([...w.dispatch.alerts.values()].map(({ endsAtMs }) => endsAtMs - t)).toEqual([600 * MINUTE])
    await w.advance(16 * MINUTE)
    expect((await w.store.alert(id))?.status).toBe('open')
    await posted(t + 40 * MINUTE)
    await posted(t + 30 * MINUTE)
    await w.restart(true)
    await w.advance(16 * MINUTE)
    expect(await w.store.alert(id)).toMatchObject({ status: 'resolved' })
  })

  it('waits after a restart for rules that are evaluated once an hour', async () => {
    const w = await beganWorld()
    w.ruleIntervalMsMax = 60 * MINUTE
    const id = await fire(w, CPU)
    await w.restart(true)
    await w.advance(61 * MINUTE)
    expect((await w.store.alert(id))?.status).toBe('open')
    expect(await fire(w, CPU)).toBe(id)
  })

  it('has a line for each message, and for each reason why one failed', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    for (const error of ['refused', 'refused', 'timeout', null, 'timeout']) w.flush('team/email/0', error)
    const { alerts: [alert] } = messageOf('firing')
    for (const by of ['s1', 's1', 's2']) w.lifecycle.onSuppressed('silenced', [alert!], [by])
    expect(w.lifecycle.outlook(id)).toMatchObject({ suppression: 'silenced', suppressedBy: 's2' })
    expect(await lines(w, id)).toEqual([
      'firing value 1', 'failed team/email/0: refused', 'failed team/email/0: timeout', 'notified team/email/0 (firing)', 'silenced s1', 'silenced s2',
    ])
    await fire(w, { ...CPU, alertname: 'HostDown', instance: 'rack1' })
    w.lifecycle.onSuppressed('inhibited', [alert!], [printOf({ ...CPU, alertname: 'HostDown', instance: 'rack1' })])
    expect((await lines(w, id)).at(-1)).toBe('inhibited by HostDown of rack1')
  })
})

describe('an escalation', () => {
  const labels = { ...CPU, escalation: 'oncall' }

  it('takes no step, and no alert ends, by a jump of the wall clock; it goes on when as much time has passed', async () => {
    const w = await beganWorld()
    const id = await fire(w, labels, 30 * MINUTE)
    const acked = await fire(w, CPU, 30 * MINUTE)
    await w.lifecycle.people.acknowledge(acked, { by: 'ana', repageAfterMs: 10 * MINUTE, takesOver: false })
    await w.advance(3 * MINUTE)
    for (const jumpMs of [60 * MINUTE, 525_600 * MINUTE, -525_660 * MINUTE, -120 * MINUTE]) {
      w.clock.jump(jumpMs)
      // Rules tell of it by the new time.
      await w.lifecycle.receive([sent(labels, w.clock.now(), { endsAtMs: w.clock.now() + 30 * MINUTE })])
      await w.advance(MINUTE / 4)
      expect(w.dispatch.escalated.size, `${jumpMs}`).toBe(0)
      expect([(await w.store.alert(id))?.status, (await w.store.alert(acked))?.status]).toEqual(['open', 'acknowledged'])
    }
    await w.advance(MINUTE)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss'])
    expect(w.dispatch.retold).toEqual([])
    await w.advance(6 * MINUTE)
    expect(w.dispatch.retold).toEqual([printOf(CPU)])
  })

  it('takes its steps in order, each once, and tells nobody of the next episode', async () => {
    const w = await beganWorld()
    const id = await fire(w, labels)
    await w.advance(5 * MINUTE - 1)
    expect(w.dispatch.escalated.size).toBe(0)
    await w.advance(1)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss'])
    expect(w.lifecycle.outlook(id)!.step).toEqual({ receiver: 'vp', dueMs: w.clock.now() + 10 * MINUTE })
    await w.restart(true)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss'])
    await fire(w, labels)
    await w.advance(10 * MINUTE)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss', 'vp'])
    expect((await lines(w, id)).slice(1)).toEqual(['escalated boss', 'escalated vp'])
    await w.lifecycle.receive([sent(labels, 0, { endsAtMs: w.clock.now() })])
    expect(w.lifecycle.outlook(id)).toBeNull()
  })

  it('counts from now where whoever posts an alert has it begin later', async () => {
    const w = await beganWorld()
    const nowMs = w.clock.now()
    const laterMs = nowMs + 60 * MINUTE
    await w.lifecycle.receive([sent(labels, nowMs, { startsAtMs: laterMs, activeAtMs: laterMs, endsAtMs: laterMs, value: null })])
    const [record] = w.lifecycle.current({ words: [], matches: null, isReceiver: null, status: 'open', toMs: nowMs, limit: 10 }).records
    expect(record).toMatchObject({ activeAtMs: nowMs, triggeredAtMs: nowMs })
    expect(w.lifecycle.outlook(record!.id)!.step).toEqual({ receiver: 'boss', dueMs: nowMs + 5 * MINUTE })
  })

  it('counts from now where whoever posts an alert says that it began days ago, and on from there over a restart', async () => {
    const w = await beganWorld()
    const nowMs = w.clock.now()
    const longAgoMs = nowMs - 3 * 24 * 60 * MINUTE
    await w.lifecycle.receive([sent(labels, longAgoMs, { endsAtMs: nowMs + 60 * MINUTE, value: null })])
    await w.advance(5 * MINUTE - 1)
    expect(w.dispatch.escalated.size).toBe(0)
    const [record] = await w.store.unresolvedAlerts()
    expect(record).toMatchObject({ triggeredAtMs: longAgoMs, escalationFromMs: nowMs, givenBackAtMs: null })
    expect(w.dispatch.alerts.get(printOf(labels))).toMatchObject({ startsAtMs: longAgoMs })
    await w.restart(true)
    await w.lifecycle.receive([sent(labels, longAgoMs, { endsAtMs: nowMs + 60 * MINUTE, value: null })])
    expect(w.dispatch.escalated.size).toBe(0)
    await w.advance(1)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss'])
  })

  it('waits while the alert is silenced, and goes on within seconds of the end of that', async () => {
    const w = await beganWorld()
    await fire(w, labels)
    w.silenced.add(printOf(labels))
    await w.advance(16 * MINUTE)
    expect(w.dispatch.escalated.size).toBe(0)
    w.silenced.clear()
    await w.advance(10_000)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss', 'vp'])
  })

  it('goes a step further when it is asked to, until none is left', async () => {
    const w = await beganWorld()
    const id = await fire(w, labels)
    expect(await w.lifecycle.people.escalate(id, 'ana')).toMatchObject({ escalationStep: 1 })
    await w.lifecycle.people.escalate(id, 'ana')
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss', 'vp'])
    await expect(w.lifecycle.people.escalate(id, 'ana')).rejects.toThrow(/no step is left/)
    const plain = await fire(w, CPU)
    await expect(w.lifecycle.people.escalate(plain, 'ana')).rejects.toThrow(/the route of the alert names no escalation/)
  })
})
