// Cooldowns of the lifecycle, case by case: who was told is not told again for a while, over restarts and kills too.
import { describe, expect, it } from 'vitest'
import type { LifecycleConfig } from '../../../lib/config/lifecycle-section.ts'
import { MetaError } from '../../../lib/meta/errors.ts'
import type { NotificationEntry } from '../../../lib/meta/interface.ts'
import type { CarriedMessage } from '../../../lib/notify/courier/carried-log.ts'
import { beganWorld, CPU, fire, lines, messageOf, MINUTE, printOf } from './lifecycle-cases.ts'
import { sent } from './lifecycle-world.ts'

const COOL: Partial<LifecycleConfig> = { cooldowns: [{ matchers: [{ name: 'alertname', op: '=', value: 'Cpu' }], cooldownMs: 15 * MINUTE }] }

describe('a cooldown', () => {
  it('keeps repeats and the next episode from who was told, for its time, and from nobody else', async () => {
    const w = await beganWorld(COOL)
    await fire(w, CPU)
    expect(w.flush('team/email/0')).toEqual([printOf(CPU)])
    expect(w.flush('team/email/0')).toEqual([])
    expect(w.flush('team/sms/0')).toEqual([printOf(CPU)])
    await w.lifecycle.receive([sent(CPU, 0, { endsAtMs: w.clock.now() })])
    await w.advance(10 * MINUTE)
    await fire(w, CPU)
    expect(w.flush('team/email/0')).toEqual([])
    await w.restart(true)
    await w.advance(5 * MINUTE - 1)
    expect(w.flush('team/email/0')).toEqual([])
    await w.advance(1)
    expect(w.flush('team/email/0')).toEqual([printOf(CPU)])
  })

  it('goes with who was told where a list of receivers changes', async () => {
    const w = await beganWorld(COOL)
    await fire(w, CPU)
    expect(w.flush('team/email/0', null, 'ops')).toEqual([printOf(CPU)])
    await w.lifecycle.receive([sent(CPU, 0, { endsAtMs: w.clock.now() })])
    await w.advance(MINUTE)
    await fire(w, CPU)
    await w.restart(true)
    expect(w.flush('team/email/1', null, 'ops')).toEqual([])
    expect(w.flush('team/email/0', null, 'boss')).toEqual([printOf(CPU)])
    expect(w.flush('team/email/0', null, 'boss')).toEqual([])
  })

  it('is broken by a higher severity, not by a lower one', async () => {
    const w = await beganWorld(COOL)
    await fire(w, CPU)
    w.flush('team/email/0')
    const critical = { ...CPU, severity: 'critical' }
    await fire(w, critical)
    expect(w.flush('team/email/0')).toEqual([printOf(critical)])
    await w.advance(MINUTE)
    await fire(w, { ...CPU, severity: 'error' })
    expect(w.flush('team/email/0')).toEqual([])
    // The milder one pages anew, as it was given back; that makes no news of the worse one.
    const id = (await w.store.unresolvedAlerts()).find(({ fingerprint }) => fingerprint === printOf(CPU))!.id
    await w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: null })
    await w.advance(MINUTE)
    await w.lifecycle.people.unacknowledge(id, 'ana')
    expect(w.flush('team/email/0')).toEqual([printOf(CPU)])
    expect(w.flush('team/email/0')).toEqual([])
  })

  it('holds what is said to have begun before who is told now heard of it, until it is given back', async () => {
    const w = await beganWorld(COOL)
    await fire(w, CPU)
    w.flush('team/email/0')
    await w.lifecycle.receive([sent(CPU, 0, { endsAtMs: w.clock.now() })])
    await w.advance(MINUTE)
    // It is news of now that it fires since yesterday.
    await w.lifecycle.receive([sent(CPU, w.clock.now() - 24 * 60 * MINUTE, { endsAtMs: w.clock.now() + 60 * MINUTE, value: null })])
    expect(w.flush('team/email/0')).toEqual([])
    const { id } = (await w.store.unresolvedAlerts())[0]!
    await w.lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs: null })
    await w.advance(MINUTE)
    await w.lifecycle.people.unacknowledge(id, 'ana')
    await w.restart(true)
    expect(w.flush('team/email/0')).toEqual([printOf(CPU)])
  })

  it('begins with a message that was taken after its program had ended, once, as does its line of history', async () => {
    const w = await beganWorld(COOL)
    const id = await fire(w, CPU)
    const entry: NotificationEntry = { groupKey: 'g', receiver: 'team/email/0', timeMs: w.clock.now(), firing: [printOf(CPU)], resolved: [], withheld: [], memory: '', target: '', expiresAtMs: 9e15 }
    await w.advance(MINUTE)
    const message: CarriedMessage = { entry, firingIds: [id, 'gone'], resolvedIds: [], atMs: w.clock.now() }
    await w.restart(true)
    await w.advance(MINUTE)
    for (let start = 0; start < 2; start++) {
      expect(await w.lifecycle.onCarried(message)).toBe(true)
      expect(await lines(w, id)).toEqual(['firing value 1', 'notified team/email/0 (firing)'])
      expect((await w.store.events(id)).at(-1)!.timeMs).toBe(message.atMs)
      expect((await w.store.alert(id))!.toldAtMs).toBe(message.atMs)
      expect(w.flush('team/email/0')).toEqual([])
      await w.restart(true)
    }
    // Its end, told to someone else after another kill.
    await w.lifecycle.receive([sent(CPU, 0, { endsAtMs: w.clock.now() })])
    const end: CarriedMessage = { entry: { ...entry, receiver: 'team/sms/0', timeMs: w.clock.now() }, firingIds: [], resolvedIds: [id], atMs: w.clock.now() }
    expect(w.lifecycle.episodesOf(messageOf('resolved'))).toEqual({ firingIds: [], resolvedIds: [id] })
    await w.restart(true)
    expect(await w.lifecycle.onCarried(end)).toBe(true)
    expect((await lines(w, id)).at(-1)).toBe('notified team/sms/0 (resolved)')
    // Nobody is held by what ends: the cooldown is that of who was told the start, from then on.
    await fire(w, CPU, 999 * MINUTE)
    expect(w.flush('team/email/0')).toEqual([])
    await w.advance(message.atMs + 15 * MINUTE - w.clock.now())
    expect(w.flush('team/email/0')).toEqual([printOf(CPU)])
  })

  it('of a message that was taken elsewhere is kept by a later start where the store refuses it now', async () => {
    const w = await beganWorld(COOL)
    const id = await fire(w, CPU)
    const entry: NotificationEntry = { groupKey: 'g', receiver: 'team/email/0', timeMs: w.clock.now(), firing: [printOf(CPU)], resolved: [], withheld: [], memory: '', target: '', expiresAtMs: 9e15 }
    w.onOpened = (store) => {
      store.alertsLacking = () => Promise.reject(new MetaError('the disk is full'))
    }
    await w.restart(true)
    const message = { entry, firingIds: [id], resolvedIds: [], atMs: w.clock.now() }
    expect(await w.lifecycle.onCarried(message)).toBe(false)
    w.onOpened = () => {}
    await w.restart(true)
    expect(await w.lifecycle.onCarried(message)).toBe(true)
  })

  it('of a rule made by API comes before the configuration; alerts of no such rule have none', async () => {
    const w = await beganWorld(COOL)
    w.lifecycle.setRuleCooldowns(new Map([['r1', 60 * MINUTE]]))
    const ofRule = { ...CPU, rule_id: 'r1' }
    await fire(w, ofRule, 999 * MINUTE)
    await fire(w, { alertname: 'Disk' }, 999 * MINUTE)
    w.flush('team/email/0')
    await w.advance(20 * MINUTE)
    expect(w.flush('team/email/0')).toEqual([printOf({ alertname: 'Disk' })])
    await w.advance(40 * MINUTE)
    expect(w.flush('team/email/0').toSorted()).toEqual([printOf({ alertname: 'Disk' }), printOf(ofRule)].toSorted())
  })

  it('holds no step of an escalation, though nobody was told of the episode yet, nor who the step tells', async () => {
    const w = await beganWorld(COOL)
    const labels = { ...CPU, escalation: 'oncall' }
    await fire(w, labels)
    w.flush('team/email/0')
    await w.advance(5 * MINUTE)
    expect(w.flush('boss/sms/0')).toEqual([printOf(labels)])
    await w.lifecycle.receive([sent(labels, 0, { endsAtMs: w.clock.now() })])
    await w.advance(MINUTE)
    const id = await fire(w, labels)
    expect(w.flush('team/email/0')).toEqual([])
    expect(w.lifecycle.outlook(id)!.coolsUntilMs).toBe(w.clock.now() + 14 * MINUTE)
    await w.advance(5 * MINUTE - 1)
    expect(w.dispatch.escalated.size).toBe(0)
    await w.advance(1)
    expect([...w.dispatch.escalated.get(printOf(labels))!]).toEqual(['boss'])
    expect([w.flush('boss/sms/0'), w.flush('boss/sms/0')]).toEqual([[printOf(labels)], []])
  })
})
