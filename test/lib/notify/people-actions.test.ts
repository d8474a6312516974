// What people do about alerts, case by case. Random histories are in lifecycle-model.test.ts.
import { describe, expect, it } from 'vitest'
import { beganWorld, CPU, fire, lines, MINUTE, printOf } from './lifecycle-cases.ts'
import { sent } from './lifecycle-world.ts'

const DAY = 24 * 60 * MINUTE

describe('an acknowledgement', () => {
  it('holds messages and steps until the alert resolves, and is not there for the next episode', async () => {
    const w = await beganWorld()
    const id = await fire(w, { ...CPU, escalation: 'oncall' })
    const print = printOf({ ...CPU, escalation: 'oncall' })
    expect(w.flush('team/email/0')).toEqual([print])
    expect(await w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: null })).toMatchObject({ status: 'acknowledged', acknowledgedBy: 'ana', repageAtMs: null })
    expect(w.flush('team/email/0')).toEqual([])
    await w.advance(20 * MINUTE)
    expect(w.dispatch.escalated.size).toBe(0)
    await w.lifecycle.receive([sent({ ...CPU, escalation: 'oncall' }, 0, { endsAtMs: w.clock.now() })])
    await fire(w, { ...CPU, escalation: 'oncall' })
    expect(w.flush('team/email/0')).toEqual([print])
    await expect(w.lifecycle.people.acknowledge(id, { by: 'bo', repageAfterMs: null })).rejects.toThrow('the alert is resolved')
  })

  it('is not undone by what is told while it is on its way to the store', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const w = await beganWorld()
      const id = await fire(w, CPU)
      const acking = w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: 0 })
      for (let i = 0; i < turns; i++) await Promise.resolve()
      w.flush('team/email/0')
      await acking
      await w.idle()
      await w.restart(true)
      expect(await w.store.alert(id), `told ${turns} turns later`).toMatchObject({ status: 'acknowledged' })
    }
  })

  it('is not undone by an older record that waits for the store', async () => {
    const w = await beganWorld()
    const ids = [await fire(w, CPU), await fire(w, { ...CPU, instance: 'web2' })]
    // The first of these is on its way when the second is added; the change comes between.
    w.flush('team/email/0')
    w.flush('team/sms/0')
    await w.lifecycle.people.acknowledge(ids[1]!, { by: 'ana', repageAfterMs: 0 })
    await w.idle()
    expect(await w.store.alert(ids[1]!)).toMatchObject({ status: 'acknowledged' })
  })

  it('survives kill -9', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    await w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: 0 })
    await w.restart(true)
    expect(w.lifecycle.heldBy(printOf(CPU), { name: 'team/email/0', target: '' }, w.clock.now())).toBe('acknowledged')
    expect(await w.store.alert(id)).toMatchObject({ status: 'acknowledged', acknowledgedBy: 'ana' })
  })

  it('that is taken back pages as if the alert were new, its escalation from the first step on', async () => {
    const w = await beganWorld()
    const labels = { ...CPU, escalation: 'oncall' }
    const id = await fire(w, labels)
    await w.advance(6 * MINUTE)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss'])
    await w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: 0 })
    await expect(w.lifecycle.people.escalate(id, 'bo')).rejects.toThrow('the alert is acknowledged by ana; take that back first')
    await w.advance(MINUTE)
    await w.lifecycle.people.unacknowledge(id, 'ana')
    expect(w.dispatch.retold).toEqual([printOf(labels)])
    expect(w.dispatch.escalated.size).toBe(0)
    expect(w.lifecycle.outlook(id)!.step).toEqual({ receiver: 'boss', dueMs: w.clock.now() + 5 * MINUTE })
    await w.advance(5 * MINUTE)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss'])
    await expect(w.lifecycle.people.unacknowledge(id, 'ana')).rejects.toThrow('the alert is not acknowledged')
  })

  it('ends after the time that whoever acknowledged gave, else the configured one, also after a restart', async () => {
    const w = await beganWorld({ repageAfterMs: 60 * MINUTE })
    const [a, b] = [await fire(w, CPU, 999 * MINUTE), await fire(w, { ...CPU, instance: 'web2' }, 999 * MINUTE)]
    await w.lifecycle.people.acknowledge(a, { by: 'ana', repageAfterMs: 10 * MINUTE })
    await w.lifecycle.people.acknowledge(b, { by: 'ana', repageAfterMs: null })
    await w.restart(false)
    await w.lifecycle.receive([a, b].map((_, i) => sent({ ...CPU, instance: `web${i + 1}` }, w.clock.now(), { endsAtMs: w.clock.now() + 999 * MINUTE })))
    await w.advance(10 * MINUTE - 1)
    expect(w.dispatch.retold).toEqual([])
    await w.advance(1)
    expect(w.dispatch.retold).toEqual([printOf(CPU)])
    await w.advance(50 * MINUTE)
    expect(w.dispatch.retold).toEqual([printOf(CPU), printOf({ ...CPU, instance: 'web2' })])
    expect((await lines(w, a)).slice(-2)).toEqual(['acknowledged ana', 'unacknowledged nobody resolved it in time'])
  })

  it('has a signed address, which nothing but its own token opens', async () => {
    const w = await beganWorld()
    const id = await fire(w, CPU)
    const url = w.lifecycle.ackUrl(printOf(CPU))
    expect(url).toMatch(/^http:\/\/m\/ack\/[\w-]{46}$/)
    const token = url.slice(-46)
    expect(w.lifecycle.readAckToken(token)).toEqual({ alertId: id, isExpired: false })
    for (let i = 0; i < token.length; i++) {
      const other = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)
      expect(w.lifecycle.readAckToken(other)).toBeNull()
    }
    for (const bad of ['', token.slice(1), `${token}A`, `${token})A`, `)${token}`, ')'.repeat(1e6), 'x'.repeat(1e6)]) expect(w.lifecycle.readAckToken(bad)).toBeNull()
    for (const behind of ['>', ').', '=']) expect(w.lifecycle.readAckToken(token + behind), 'what stood behind it').toEqual({ alertId: id, isExpired: false })
    await w.restart(true)
    expect(w.lifecycle.readAckToken(token)).toEqual({ alertId: id, isExpired: false })
    expect(w.lifecycle.ackUrl('unknown')).toBe('')
  })

  it('has an address that expires with its message, not with the alert, and never where that is configured', async () => {
    const w = await beganWorld({ ackLinkMs: 60 * MINUTE })
    const id = await fire(w, CPU, 9 * DAY)
    const token = (): string => w.lifecycle.ackUrl(printOf(CPU)).split('/').at(-1)!
    const first = token()
    await w.advance(DAY - (w.clock.now() % DAY) - 1)
    expect(token(), 'of a message that is tried again that day').toBe(first)
    await w.advance(60 * MINUTE)
    expect(w.lifecycle.readAckToken(first)).toEqual({ alertId: id, isExpired: false })
    await w.advance(1)
    expect(w.lifecycle.readAckToken(first)).toEqual({ alertId: id, isExpired: true })
    expect(w.lifecycle.readAckToken(token())).toEqual({ alertId: id, isExpired: false })
    const always = await beganWorld({ ackLinkMs: 0 })
    await fire(always, CPU, 999 * DAY)
    const kept = always.lifecycle.ackUrl(printOf(CPU)).split('/').at(-1)!
    await always.advance(99 * DAY)
    expect(always.lifecycle.readAckToken(kept)).toMatchObject({ isExpired: false })
  })

  it('of many takes none that Monitor has learnt of since its page was shown, though it is said to be old', async () => {
    const w = await beganWorld()
    const seen = await fire(w, CPU)
    const toMs = w.clock.now()
    await w.advance(MINUTE)
    await w.lifecycle.receive([sent({ ...CPU, instance: 'web2' }, 0, { endsAtMs: toMs + 60 * MINUTE, value: null })])
    const outcome = await w.lifecycle.people.acknowledgeMany({ status: 'open', words: [], matches: null, isReceiver: null, toMs, limit: Infinity }, { by: 'ana', repageAfterMs: null })
    expect(outcome).toEqual({ acknowledged: [seen], refused: [] })
  })
})
