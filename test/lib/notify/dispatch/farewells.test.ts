// Ends go to whoever got the firing message: over changes of routes, grouping, receivers and their targets, and over restarts
// between any two steps.
import { describe, expect, it, vi } from 'vitest'
import { loadAlertmanagerFile } from '../../../../lib/config/alertmanager-file.ts'
import { pipelineAlert } from '../../../../lib/notify/dispatch/alert.ts'
import { Farewells } from '../../../../lib/notify/dispatch/farewells.ts'
import { NotificationLog } from '../../../../lib/notify/dispatch/notification-log.ts'
import { Route } from '../../../../lib/notify/dispatch/route.ts'
import type { AlertOverlay } from '../../../../lib/notify/overlay.ts'
import { Logger } from '../../../../lib/std/log.ts'
import { runThrough } from '../../../../lib/std/steps.ts'
import { PipelineWorld, PLAIN_OVERLAY } from '../../../support/pipeline-world.ts'

const hook = (to: string): string => `{url: 'http://${to}/'}`
const receiver = (name: string, ...to: readonly string[]): string => `{name: ${name}, webhook_configs: [${to.map(hook).join(', ')}]}`
const yml = (route: string, receivers: readonly string[], rest = ''): string => `route: {group_wait: 5s, group_interval: 10s, repeat_interval: 1h, ${route}}\nreceivers: [${receivers.join(', ')}]\n${rest}`
const [A, B] = [{ name: 'a', job: 'x', zone: '1' }, { name: 'b', job: 'x', zone: '2' }]
const TEAM = yml('receiver: team', [receiver('team', 'team'), receiver('other', 'other')])
const OTHER = yml('receiver: other', [receiver('team', 'team'), receiver('other', 'other')])

/** What a restart at each of these steps may do between. */
const RESTARTS = [[], [0], [1], [2], [0, 1, 2]] as const

interface Change {
  what: string
  before: string
  after: string
  /** What is told at the change, and at the end of `a`, and then of `b`; seconds are left out. */
  told: readonly [readonly string[], readonly string[], readonly string[]]
}

const CHANGES: readonly Change[] = [
  { what: 'another receiver', before: TEAM, after: OTHER, told: [['other +a +b'], ['other +b -a', 'team -a'], ['other -b', 'team -b']] },
  {
    what: 'a route that takes one alert out of a group', before: yml('receiver: team, group_by: [job]', [receiver('team', 'team'), receiver('zone', 'zone')]),
    after: yml("receiver: team, group_by: [job], routes: [{receiver: zone, matchers: ['zone = 1']}]", [receiver('team', 'team'), receiver('zone', 'zone')]),
    told: [['zone +a'], ['team +b -a', 'zone -a'], ['team -b']],
  },
  {
    what: 'a route that is removed', before: yml("receiver: team, group_by: [job], routes: [{receiver: zone, matchers: ['zone = 1']}]", [receiver('team', 'team'), receiver('zone', 'zone')]),
    after: yml('receiver: team, group_by: [job]', [receiver('team', 'team'), receiver('zone', 'zone')]),
    told: [['team +a +b'], ['team +b -a', 'zone -a'], ['team -b']],
  },
  {
    what: 'groups that split', before: yml('receiver: team, group_by: [job]', [receiver('team', 'team')]), after: yml('receiver: team, group_by: [job, zone]', [receiver('team', 'team')]),
    told: [['team +a', 'team +b'], ['team -a', 'team -a'], ['team -b', 'team -b']],
  },
  {
    what: 'targets that change places', before: yml('receiver: team', [receiver('team', 'one', 'two')]), after: yml('receiver: team', [receiver('team', 'two', 'one')]),
    told: [[], ['one +b -a', 'two +b -a'], ['one -b', 'two -b']],
  },
  {
    what: 'a target that goes, and one that comes in its place', before: yml('receiver: team', [receiver('team', 'one', 'two')]), after: yml('receiver: team', [receiver('team', 'two', 'three')]),
    told: [['three +a +b'], ['three +b -a', 'two +b -a'], ['three -b', 'two -b']],
  },
  { what: 'a receiver that goes', before: TEAM, after: yml('receiver: other', [receiver('other', 'other')]), told: [['other +a +b'], ['other +b -a'], ['other -b']] },
  { what: 'nothing', before: TEAM, after: TEAM, told: [[], ['team +b -a'], ['team -b']] },
]

/** Without seconds, in order of names: who is told first is chance. */
function news(world: PipelineWorld): string[] {
  return world.news().map((line) => line.replace(/ @[\d.]+/, '')).toSorted()
}

describe.each(CHANGES)('after $what', ({ before, after, told }) => {
  it.each(RESTARTS.map((at) => [at]))('tells ends to those who got the firing message, with restarts at %j', async (restarts) => {
    const world = await PipelineWorld.start(before)
    let firing: Record<string, string>[] = [A, B]
    const restart = async (at: number): Promise<void> => {
      if (!(restarts as readonly number[]).includes(at)) return
      await world.restart()
      await world.fire(...firing)
      await world.advance(12)
    }
    await world.fire(A, B)
    await world.advance(6)
    world.news()
    await restart(0)
    world.apply(after)
    await world.advance(21)
    expect(news(world)).toEqual(told[0])
    await restart(1)
    expect(news(world)).toEqual([])
    await world.resolve(A)
    firing = [B]
    await world.advance(21)
    expect(news(world)).toEqual(told[1])
    await restart(2)
    expect(news(world)).toEqual([])
    await world.resolve(B)
    await world.advance(21)
    expect(news(world)).toEqual(told[2])
    await world.advance(21)
    expect(news(world)).toEqual([])
  })
})

it('tells the end where a restart comes with the change, and with a kill after each step', async () => {
  const world = await PipelineWorld.start(TEAM)
  await world.fire(A)
  await world.advance(6)
  await world.restart()
  world.apply(OTHER)
  await world.fire(A)
  await world.advance(6)
  expect(news(world)).toEqual(['other +a', 'team +a'])
  await world.restart()
  // Its end is all that comes after the start.
  world.apply(OTHER)
  await world.resolve(A)
  await world.advance(12)
  expect(news(world)).toEqual(['other -a', 'team -a'])
  await world.restart()
  world.apply(OTHER)
  await world.resolve(A)
  await world.advance(30)
  expect(news(world)).toEqual([])
})

it('says once that a receiver is gone, and tells it the end where it has come back', async () => {
  const world = await PipelineWorld.start(TEAM)
  const GONE = yml('receiver: other', [receiver('other', 'other')])
  await world.fire(A, B)
  await world.advance(6)
  for (const config of [GONE, OTHER, GONE]) {
    world.apply(config)
    await world.advance(21)
  }
  expect(world.log.filter((line) => line.includes('no longer in the configuration'))).toEqual([expect.stringContaining('receiver=team/webhook/0')])
  world.apply(OTHER)
  await world.advance(21)
  expect(news(world)).toEqual(['other +a +b', 'team +a +b'])
  await world.resolve(A, B)
  await world.advance(21)
  expect(news(world)).toEqual(['other -a -b', 'team -a -b'])
})

it('tells neither repeats nor new alerts to those who wait for an end, and nothing twice when the routes come back', async () => {
  const world = await PipelineWorld.start(TEAM)
  await world.fire(A)
  await world.advance(6)
  world.apply(OTHER)
  await world.fire(B)
  await world.advance(2 * 3600)
  expect(news(world).filter((line) => line.startsWith('team'))).toEqual(['team +a'])
  world.apply(TEAM)
  await world.advance(21)
  // The repeat is due, and b is new to it.
  expect(news(world)).toEqual(['team +a +b'])
  await world.resolve(A)
  await world.advance(21)
  expect(news(world)).toEqual(['other -a', 'team +b -a'])
  await world.resolve(B)
  await world.advance(21)
  expect(news(world)).toEqual(['other -b', 'team -b'])
  await world.fire(A)
  await world.advance(21)
  expect(news(world)).toEqual(['team +a'])
})

it('tells the end of what was on its way to the former receiver when the routes changed', async () => {
  const world = await PipelineWorld.start(TEAM)
  const taken = Promise.withResolvers<void>()
  world.behaviours.set('team', () => taken.promise)
  await world.fire(A)
  await world.advance(6)
  world.apply(OTHER)
  await world.advance(6)
  taken.resolve()
  await world.advance(12)
  expect(news(world)).toEqual(['other +a', 'team +a'])
  await world.resolve(A)
  await world.advance(12)
  expect(news(world)).toEqual(['other -a', 'team -a'])
})

it('tries the end again where the former receiver is not reached, and tells it once', async () => {
  const world = await PipelineWorld.start(TEAM)
  await world.fire(A)
  await world.advance(6)
  world.apply(OTHER)
  await world.advance(12)
  world.behaviours.set('team', () => Promise.reject(new Error('not there')))
  await world.resolve(A)
  await world.advance(30)
  world.behaviours.delete('team')
  await world.advance(30)
  expect(news(world)).toEqual(['other +a', 'other -a', 'team +a', 'team -a'])
})

it('tells the former receiver the end of what was acknowledged, silenced or inhibited by then', async () => {
  const held: AlertOverlay = { ...PLAIN_OVERLAY, heldBy: () => 'acknowledged' }
  const inhibit = "inhibit_rules: [{source_matchers: ['name = s'], target_matchers: ['job = x']}]\n"
  for (const [keep, after] of [
    [(w: PipelineWorld) => void (w.overlay = held), OTHER], [(w: PipelineWorld) => w.fire({ name: 's' }), OTHER + inhibit],
    [async (w: PipelineWorld) => void await w.pipeline.silences.set({ id: '', matcherSets: [[{ name: 'job', op: '=', value: 'x' }]], startsAtMs: w.clock.now(), endsAtMs: w.clock.now() + 1e7, createdBy: 'm', comment: 'c', annotations: new Map() }), OTHER],
  ] as const) {
    const world = await PipelineWorld.start(TEAM + inhibit.replace('name = s', 'name = none'))
    await world.fire(A)
    await world.advance(6)
    await keep(world)
    world.apply(after)
    await world.advance(12)
    await world.resolve(A)
    await world.advance(21)
    expect(news(world).filter((line) => line.includes('a')).filter((line) => !line.endsWith('+s'))).toEqual(['team +a', 'team -a'])
  }
})

it('tells a step of an escalation that no policy names any more, and the fallback, the end', async () => {
  const world = await PipelineWorld.start(TEAM)
  await world.fire(A)
  await world.advance(6)
  world.pipeline.escalate('other', [(world.told[0]!.notification.alerts[0]!).fingerprint])
  await world.advance(6)
  expect(news(world)).toEqual(['other +a', 'team +a'])
  await world.restart()
  // Nobody asks for the step again.
  await world.fire(A)
  await world.advance(12)
  await world.resolve(A)
  await world.advance(12)
  expect(news(world)).toEqual(['other -a', 'team -a'])

  const fallen = await PipelineWorld.start(`${TEAM}fallback: {receiver: other, after: 1m}\n`)
  fallen.behaviours.set('team', () => Promise.reject(new Error('not there')))
  await fallen.fire(A)
  await fallen.advance(90)
  expect(news(fallen)).toEqual(['other +a'])
  fallen.apply(yml('receiver: third', [receiver('team', 'team'), receiver('other', 'other'), receiver('third', 'third')]))
  await fallen.advance(12)
  await fallen.resolve(A)
  await fallen.advance(12)
  expect(news(fallen)).toEqual(['other -a', 'third +a', 'third -a'])
})

it('remembers over a restart whom a group has told of alerts that come late, or only to end', async () => {
  const world = await PipelineWorld.start(TEAM)
  await world.fire(A, B)
  await world.advance(6)
  world.news()
  await world.restart()
  await world.fire(B)
  await world.advance(3620)
  expect(news(world)).toEqual(['team +b'])
  await world.resolve(B)
  await world.advance(12)
  expect(news(world)).toEqual(['team -b'])
  await world.resolve(A)
  await world.advance(12)
  expect(news(world)).toEqual(['team -a'])
})

it('tells the end in the message of a group that goes on under the same key, which is not over by that', async () => {
  const receivers = [receiver('team', 'team'), receiver('zone', 'zone')]
  const world = await PipelineWorld.start(yml('receiver: team, group_by: [job]', receivers))
  await world.fire(A)
  await world.advance(6)
  world.apply(yml("receiver: team, group_by: [job], routes: [{receiver: zone, matchers: ['zone = 1']}]", receivers))
  await world.advance(7)
  await world.fire(B)
  await world.advance(8)
  expect(news(world)).toEqual(['team +a', 'team +b', 'zone +a'])
  await world.resolve(A)
  await world.advance(12)
  expect(news(world)).toEqual(['team +b -a', 'zone -a'])
})

it.each([[['one', 'two']], [['one']]])('tells nothing twice where the targets %j change places while a message is on its way', async (targets) => {
  const world = await PipelineWorld.start(yml('receiver: team', [receiver('team', ...targets)]))
  const taken = Promise.withResolvers<void>()
  world.behaviours.set('one', () => taken.promise)
  await world.fire(A)
  await world.advance(6)
  world.apply(yml('receiver: team', [receiver('team', 'two', 'one')]))
  await world.advance(6)
  taken.resolve()
  await world.advance(30)
  expect(news(world)).toEqual(['one +a', 'two +a'])
  await world.restart()
  await world.resolve(A)
  await world.advance(12)
  expect(news(world)).toEqual(['one -a', 'two -a'])
})

it('tells nothing anew to a target that its receiver has twice, where another one comes before it', async () => {
  const world = await PipelineWorld.start(yml('receiver: team', [receiver('team', 'one', 'one')]))
  await world.fire(A)
  await world.advance(6)
  world.apply(yml('receiver: team', [receiver('team', 'two', 'one', 'one')]))
  await world.advance(21)
  expect(news(world)).toEqual(['one +a', 'one +a', 'two +a'])
  await world.resolve(A)
  await world.advance(12)
  expect(news(world)).toEqual(['one -a', 'one -a', 'two -a'])
})

it('holds what the log says once, however often that is read', async () => {
  const world = await PipelineWorld.start(TEAM)
  const { clock, store } = world
  const log = new NotificationLog(store, clock)
  const alert = pipelineAlert(world.alert(A), clock.now())
  await log.put({ groupKey: '{}:{}', receiver: 'team/webhook/0', timeMs: 1, firing: [alert.fingerprint], resolved: [], withheld: [], memory: '', target: '', expiresAtMs: clock.now() * 2 })
  const root = new Route(loadAlertmanagerFile(OTHER, 'am.yml', true).config.route, null)
  const farewells = new Farewells({ root, integrations: new Map(), fallback: null, log, logger: new Logger({ level: 'info', format: 'logfmt', clock, write: () => {} }), gone: new Set() })
  const asked = vi.spyOn(root, 'groupKey')
  for (let i = 0; i < 3; i++) runThrough(farewells.learn())
  farewells.of(alert, [root])
  expect(asked).toHaveBeenCalledOnce()
})
