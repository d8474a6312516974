// What keeps alerts back: inhibition, times, silences, what is laid over them; and that ends reach whoever was told the start.
import { expect, it } from 'vitest'
import { loadAlertmanagerFile } from '../../../../lib/config/alertmanager-file.ts'
import { labelsFromRecord } from '../../../../lib/model/labels.ts'
import { pipelineAlert } from '../../../../lib/notify/dispatch/alert.ts'
import { Inhibitor } from '../../../../lib/notify/dispatch/inhibitor.ts'
import type { AlertOverlay, Teller } from '../../../../lib/notify/overlay.ts'
import { PipelineWorld } from '../../../support/pipeline-world.ts'

const CONFIG = `
route: {receiver: a, group_by: [job], group_wait: 10s, group_interval: 1m, repeat_interval: 4h}
receivers: [{name: a, webhook_configs: [{url: http://a}]}, {name: b, webhook_configs: [{url: http://b}]}, {name: c, webhook_configs: [{url: http://c1}, {url: http://c2, send_resolved: false}]}]
`

async function silence(world: PipelineWorld, name: string, seconds: number): Promise<string> {
  const nowMs = world.clock.now()
  const set = world.pipeline.silences.set({
    id: '', matcherSets: [[{ name: 'name', op: '=', value: name }]], startsAtMs: nowMs, endsAtMs: nowMs + seconds * 1000, createdBy: 'me', comment: '', annotations: new Map(),
  })
  await world.settle()
  return set
}

it('keeps what is silenced back, and tells it when the silence is over', async () => {
  const world = await PipelineWorld.start(CONFIG)
  await silence(world, '1', 100)
  await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'x' })
  await world.advance(90)
  expect(world.news()).toEqual(['a @10 +2'])
  await world.advance(50)
  expect(world.news()).toEqual(['a @130 +1 +2'])
  expect(await world.metric('alertmanager_notifications_suppressed_total{reason="silence"}')).toEqual(['alertmanager_notifications_suppressed_total{reason="silence"} 2'])
})

it.each([3600, -7200, 365 * 86_400])('tells nothing anew when the wall clock jumps by %i s: alerts hold, repeats wait, silences that have begun go on', async (jump) => {
  const world = await PipelineWorld.start(CONFIG)
  await silence(world, '2', 400 * 86_400)
  await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'x' })
  await world.advance(15)
  expect(world.news()).toEqual(['a @10 +1'])
  world.clock.jump(jump * 1000)
  await world.advance(120)
  world.clock.jump(-jump * 1000)
  await world.advance(60)
  expect(world.news()).toEqual([])
  expect([...world.pipeline.alerts()].map(({ endsAtMs }) => endsAtMs > world.clock.now())).toEqual([true, true])
})

it('begins no silence that is planned when the wall clock is set back, and shows one for five days after its end', async () => {
  const world = await PipelineWorld.start(CONFIG)
  const { silences } = world.pipeline
  const plannedMs = world.clock.now() + 5 * 3_600_000
  const set = silences.set({
    id: '', matcherSets: [[{ name: 'name', op: '=', value: '1' }]], startsAtMs: plannedMs, endsAtMs: plannedMs + 1000, createdBy: 'me', comment: '', annotations: new Map(),
  })
  await world.settle()
  const id = await set
  world.clock.jump(-7_200_000)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(60)
  expect(world.news()).toEqual([expect.stringMatching(/^a @\S+ \+1$/)])
  expect(silences.get(id)!.startsAtMs).toBe(plannedMs)
  const goneMs = plannedMs + 1000 + 120 * 3_600_000
  await silences.forgetExpired(goneMs)
  expect(silences.get(id)).toMatchObject({ startsAtMs: plannedMs, endsAtMs: plannedMs + 1000 })
  await silences.forgetExpired(goneMs + 1)
  expect(silences.get(id)).toBeUndefined()
})

it('tells the end of an alert to who was told its start, though it is silenced since', async () => {
  const world = await PipelineWorld.start(CONFIG)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(10)
  await silence(world, '1', 3600)
  await world.advance(120)
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(60)
  expect(world.news()).toEqual(['a @10 +1', 'a @190 -1'])
})

it('tells that end also after a message of others that left the silenced alert out, and after a restart', async () => {
  const world = await PipelineWorld.start(CONFIG)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(10)
  await silence(world, '1', 3600)
  await world.fire({ name: '2', job: 'x' })
  await world.advance(60)
  expect(world.news()).toEqual(['a @10 +1', 'a @70 +2'])
  await world.restart()
  await world.resolve({ name: '1', job: 'x' })
  await world.fire({ name: '2', job: 'x' })
  await world.advance(60)
  expect(world.news()).toEqual(['a @82 +2 -1'])
  await world.advance(300)
  expect(world.news()).toEqual([])
})

it('never tells the end of what was silenced from its start', async () => {
  const world = await PipelineWorld.start(CONFIG)
  await silence(world, '1', 3600)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(60)
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(200)
  expect(world.news()).toEqual([])
  expect([...world.pipeline.groups()]).toEqual([])
})

it('inhibits targets while a source with equal labels fires, but no alert that is source and target both', async () => {
  const world = await PipelineWorld.start(`${CONFIG}
inhibit_rules:
- {source_matchers: ['severity=critical'], target_matchers: ['severity=~"warning|critical"'], equal: [host]}`)
  await world.fire({ name: 'c', job: 'x', severity: 'critical', host: '1' }, { name: 'w', job: 'y', severity: 'warning', host: '1' }, { name: 'v', job: 'z', severity: 'warning', host: '2' })
  await world.advance(70)
  expect(world.news()).toEqual(['a @10 +c', 'a @10 +v'])
  await world.resolve({ name: 'c', job: 'x', severity: 'critical', host: '1' })
  await world.advance(60)
  expect(world.news().toSorted()).toEqual(['a @130 +w', 'a @130 -c'])
})

it('takes an absent label and an empty one for equal in inhibitions', async () => {
  const world = await PipelineWorld.start(`${CONFIG}inhibit_rules: [{source_matchers: [name=s], target_matchers: [name=t], equal: [host, zone]}]`)
  await world.fire({ name: 's', job: 'x', zone: 'z' }, { name: 't', job: 'y', zone: 'z' })
  await world.advance(20)
  expect(world.news()).toEqual(['a @10 +s'])
  // Values are told apart one by one, not as one text.
  await world.fire({ name: 't', job: 'z', host: 'z' }, { name: 't', job: 'w', host: 'z', zone: 'z' })
  await world.advance(20)
  expect(world.news().toSorted()).toEqual(['a @30 +t', 'a @30 +t'])
})

it('forgets a source that is no more, and no other of the same labels', () => {
  const { inhibitRules } = loadAlertmanagerFile(`${CONFIG}inhibit_rules: [{source_matchers: [name=s], target_matchers: [name=t], equal: [host]}]`, 'am.yml', true).config
  const inhibitor = new Inhibitor(inhibitRules)
  const [one, other] = ['1', '2'].map((id) => pipelineAlert({ labels: labelsFromRecord({ name: 's', host: 'h', id }), annotations: new Map(), startsAtMs: 0, activeAtMs: 0, value: null, endsAtMs: 1000, generatorUrl: '' }, 0))
  inhibitor.put(one!)
  inhibitor.put(other!)
  const f = (): string | null => inhibitor.inhibitedBy(labelsFromRecord({ name: 't', host: 'h' }), 500)
  expect(f()).toBe(one!.fingerprint)
  inhibitor.forget(one!)
  expect(f()).toBe(other!.fingerprint)
  inhibitor.forget(other!)
  expect(f()).toBe(null)
})

it('mutes a route in its mute times and outside its active times, and tells when they are over', async () => {
  // The world begins on 2026-11-18 at 11:06:40 UTC, a Wednesday.
  const world = await PipelineWorld.start(`
route: {receiver: a, group_wait: 10s, group_interval: 1m, routes: [{matchers: [job=m], receiver: b, mute_time_intervals: [noon]}, {matchers: [job=n], receiver: c, active_time_intervals: [noon]}]}
receivers: [{name: a}, {name: b, webhook_configs: [{url: http://b}]}, {name: c, webhook_configs: [{url: http://c}]}]
time_intervals: [{name: noon, time_intervals: [{times: [{start_time: "11:00", end_time: "11:10"}], weekdays: [wednesday]}]}]`)
  await world.fire({ name: '1', job: 'm' }, { name: '2', job: 'n' })
  await world.advance(249)
  expect(world.news()).toEqual(['c @10 +2'])
  await world.advance(1)
  expect(world.news()).toEqual(['b @250 +1'])
  await world.fire({ name: '3', job: 'n' })
  await world.resolve({ name: '2', job: 'n' })
  await world.advance(120)
  expect(world.news()).toEqual(['c @310 -2'])
  expect(await world.metric('alertmanager_notifications_suppressed_total{reason="mute')).toEqual(['alertmanager_notifications_suppressed_total{reason="mute_time_interval"} 4'])
})

it('gives every integration of a receiver its own log: one that fails is told again, the other is not', async () => {
  const world = await PipelineWorld.start(CONFIG.replace('receiver: a,', 'receiver: c,'))
  let isDead = true
  world.behaviours.set('c1', () => (isDead ? Promise.reject(new Error('down')) : Promise.resolve()))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(60)
  expect(world.news()).toEqual(['c2 @10 +1'])
  isDead = false
  await world.advance(15)
  expect(world.news()).toEqual([expect.stringMatching(/^c1 @6\d|7\d \+1$/)])
  await world.advance(300)
  expect(world.news()).toEqual([])
})

/** An overlay that holds the alerts that a test names, from one integration or (with '*') from all. */
class Held implements AlertOverlay {
  readonly held = new Map<string, string>()
  /** Integrations that were told of everything lately. */
  readonly cooling = new Set<string>()
  readonly suppressed: string[] = []
  readonly notified: string[] = []

  heldBy(fingerprint: string, { name: receiver }: Teller): ReturnType<AlertOverlay['heldBy']> {
    const from = this.held.get(fingerprint)
    if (from === '*' || from === receiver) return 'acknowledged'
    return this.cooling.has(receiver) ? 'cooldown' : ''
  }

  ackUrl(fingerprint: string): string {
    return `http://monitor/ack/${fingerprint}`
  }

  onNotified({ name: receiver }: Teller, { alerts }: Parameters<AlertOverlay['onNotified']>[1], error: string | null): void {
    this.notified.push(`${receiver} ${alerts.map(({ labels, status }) => `${labels.get('name')} ${status}`).join()} ${error ?? 'good'}`)
  }

  episodesOf(): ReturnType<AlertOverlay['episodesOf']> {
    return { firingIds: [], resolvedIds: [] }
  }

  onCarried(): Promise<boolean> {
    return Promise.resolve(true)
  }

  onSuppressed(kind: string, alerts: Parameters<AlertOverlay['onSuppressed']>[1], by: readonly string[]): void {
    this.suppressed.push(`${kind} ${alerts.map(({ labels }) => labels.get('name')).join()} by ${by.length}`)
  }
}

it('keeps back what is held, still tells its end, and tells it anew once it is given back', async () => {
  const overlay = new Held()
  const world = await PipelineWorld.start(CONFIG.replace('4h', '2m'), overlay)
  await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'x' })
  await world.advance(10)
  const [first, second] = world.told[0]!.notification.alerts
  expect(first!.ackUrl).toBe(`http://monitor/ack/${first!.fingerprint}`)
  overlay.held.set(first!.fingerprint, '*').set(second!.fingerprint, 'other/webhook/0')
  await world.advance(240)
  expect(world.news()).toEqual(['a @10 +1 +2', 'a @190 +2'])
  overlay.held.clear()
  world.pipeline.retell([first!.fingerprint])
  await world.settle()
  await world.advance(1)
  expect(world.news()).toEqual(['a @250 +1 +2'])
  overlay.held.set(first!.fingerprint, '*')
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(70)
  expect(world.news()).toEqual([expect.stringMatching(/^a @3\d\d \+2 -1$/)])
  expect(overlay.notified[0]).toBe('a/webhook/0 1 firing,2 firing good')
})

it('tells the overlay what stages keep back, and by whom', async () => {
  const overlay = new Held()
  const world = await PipelineWorld.start(`${CONFIG}inhibit_rules: [{source_matchers: [name=s], target_matchers: [name=t]}]`, overlay)
  await silence(world, '1', 100)
  await world.fire({ name: '1', job: 'x' }, { name: 's', job: 'x' }, { name: 't', job: 'x' })
  await world.advance(10)
  expect(overlay.suppressed).toEqual(['inhibited t by 1', 'silenced 1 by 1'])
  const labels = ['job', 'x', 'name', 't']
  expect(world.pipeline.isSuppressed(labels, world.clock.now())).toBe(true)
  expect(world.pipeline.isSuppressed(['job', 'x', 'name', '9'], world.clock.now())).toBe(false)
})

it('tells of each alert who keeps it back, not of all in its group', async () => {
  const overlay = new Held()
  const world = await PipelineWorld.start(`${CONFIG}inhibit_rules: [{source_matchers: [kind=s], target_matchers: [kind=t], equal: [zone]}]`, overlay)
  await silence(world, '1', 100)
  await silence(world, '2', 100)
  await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'x' }, ...['a', 'b'].flatMap((zone) => [{ name: `s${zone}`, kind: 's', job: 'x', zone }, { name: `t${zone}`, kind: 't', job: 'x', zone }]))
  await world.advance(10)
  expect(overlay.suppressed).toEqual(['inhibited ta by 1', 'inhibited tb by 1', 'silenced 1 by 1', 'silenced 2 by 1'])
  expect(await world.metric('alertmanager_notifications_suppressed_total{reason="inhibition"}')).toEqual(['alertmanager_notifications_suppressed_total{reason="inhibition"} 2'])
})

it('tells the steps of an escalation beside the routes, once, to the end, over a restart', async () => {
  const world = await PipelineWorld.start(`
route: {receiver: a, group_by: [job], group_wait: 10s, group_interval: 1m, escalation: nights}
receivers: [{name: a, webhook_configs: [{url: http://a}]}, {name: boss, webhook_configs: [{url: http://boss}]}]
escalations: {nights: [{after: 5m, receiver: boss}]}`)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(100)
  expect(world.pipeline.escalationOf(['job', 'x', 'name', '1'])).toBe('nights')
  const id = world.told[0]!.notification.alerts[0]!.fingerprint
  world.pipeline.escalate('boss', [id])
  await world.settle()
  await world.advance(100)
  expect(world.news()).toEqual(['a @10 +1', 'boss @100 +1'])
  await world.restart()
  world.pipeline.escalate('boss', [id])
  await world.fire({ name: '1', job: 'x' })
  await world.advance(100)
  expect(world.news()).toEqual([])
  // The escalation begins anew: it is told again, and what it was told ends with the alert.
  world.pipeline.endEscalation([id])
  await world.advance(100)
  world.pipeline.escalate('boss', [id])
  await world.settle()
  await world.advance(2)
  expect(world.news()).toEqual([expect.stringMatching(/^boss @\d+ \+1$/)])
  world.pipeline.endEscalation([id])
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(100)
  expect(world.news().map((one) => one.replace(/@\d+ /, '')).toSorted()).toEqual(['a -1', 'boss -1'])
  // The next episode of the alert is not the boss's.
  await world.fire({ name: '1', job: 'x' })
  await world.advance(100)
  expect(world.news().map((one) => one.replace(/@\d+ /, ''))).toEqual(['a +1'])
})

it('tells a step of an escalation once while a cooldown holds its repeats, and acknowledged alerts never', async () => {
  const overlay = new Held()
  const world = await PipelineWorld.start(CONFIG.replace('4h', '2m'), overlay)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(10)
  world.news()
  const { fingerprint } = [...world.pipeline.alerts()][0]!
  overlay.cooling.add('b/webhook/0')
  world.pipeline.escalate('b', [fingerprint])
  await world.advance(10)
  expect(world.news()).toEqual(['b @10 +1'])
  await world.advance(600)
  expect(world.news().filter((line) => line.startsWith('b'))).toEqual([])
  // Given back: as if it were new.
  world.pipeline.endEscalation([fingerprint])
  overlay.held.set(fingerprint, '*')
  world.pipeline.escalate('b', [fingerprint])
  await world.advance(300)
  expect(world.news()).toEqual([])
  overlay.held.clear()
  await world.advance(300)
  expect(world.news().filter((line) => line.startsWith('b'))).toHaveLength(1)
})
