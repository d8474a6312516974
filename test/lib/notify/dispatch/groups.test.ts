// When groups are told: waiting, intervals, repeats, changes, ends.
import { expect, it } from 'vitest'
import { loadAlertmanagerFile } from '../../../../lib/config/alertmanager-file.ts'
import { getLabel, labelsFromRecord } from '../../../../lib/model/labels.ts'
import { pipelineAlert, type PipelineAlert } from '../../../../lib/notify/dispatch/alert.ts'
import { AlertGroup } from '../../../../lib/notify/dispatch/group.ts'
import { Route } from '../../../../lib/notify/dispatch/route.ts'
import { runThrough } from '../../../../lib/std/steps.ts'
import { PipelineWorld } from '../../../support/pipeline-world.ts'

const config = (): string => `
route: {receiver: a, group_by: [job], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: a, webhook_configs: [{url: http://a}]}, {name: b, webhook_configs: [{url: http://b, send_resolved: false}]}]`

it('waits for a group to fill, then tells each change once an interval', async () => {
  const world = await PipelineWorld.start(config())
  await world.fire({ name: '1', job: 'x' })
  await world.advance(29)
  expect(world.news()).toEqual([])
  await world.fire({ name: '2', job: 'x' }, { name: '3', job: 'y' })
  await world.advance(1)
  expect(world.news()).toEqual(['a @30 +1 +2'])
  await world.advance(30)
  expect(world.news()).toEqual(['a @59 +3'])
  await world.fire({ name: '4', job: 'x' })
  await world.advance(269)
  expect(world.news()).toEqual([])
  await world.advance(1)
  expect(world.news()).toEqual(['a @330 +1 +2 +4'])
  await world.resolve({ name: '2', job: 'x' })
  await world.advance(300)
  expect(world.news()).toEqual(['a @630 +1 +4 -2'])
  await world.advance(300)
  expect(world.news()).toEqual([])
})

it('waits for alerts that come with its own, but not for ever, nor for those of others', async () => {
  const world = await PipelineWorld.start(config().replace('group_wait: 30s', 'group_wait: 0s'))
  const [one, two, three, four] = ['1', '2', '3', '4'].map((name) => world.alert({ name, job: 'x' }))
  const batch = { isOpen: true }
  world.pipeline.receive([one!], batch, false)
  await world.advance(1)
  world.pipeline.receive([world.alert({ name: '1', job: 'y' })])
  await world.advance(0.02)
  expect(world.news()).toEqual(['a @1 +1'])
  world.pipeline.receive([two!], batch, false)
  await world.advance(0.1)
  expect(world.news()).toEqual([])
  world.pipeline.receive([three!], batch)
  await world.advance(0.02)
  expect(world.news()).toEqual(['a @1.14 +1 +2 +3'])
  // The rest never comes: whoever sends it has died.
  world.pipeline.receive([four!], { isOpen: true }, false)
  await world.advance(320)
  expect(world.news()).toEqual([expect.stringMatching(/^a @31[01](\.\d+)? \+1 \+2 \+3 \+4$/)])
  // Nor does it keep later ones waiting: at 611, not at 621.
  await world.fire({ name: '5', job: 'x' })
  await world.advance(295)
  expect(world.news()).toEqual([expect.stringMatching(/^a @61[01](\.\d+)? \+1 \+2 \+3 \+4 \+5$/)])
  // What goes on coming is waited for: not a part of it told now, and the rest an interval later.
  const slow = { isOpen: true }
  world.pipeline.receive([world.alert({ name: '1', job: 'z' })], slow, false)
  for (const name of ['2', '3', '4']) {
    await world.advance(8)
    expect(world.news()).toEqual([])
    world.pipeline.receive([world.alert({ name, job: 'z' })], slow, name === '4')
  }
  await world.advance(0.02)
  expect(world.news()).toEqual([expect.stringMatching(/^a @64[\d.]+ \+1 \+2 \+3 \+4$/)])
})

it('waits for all that was coming in when it fell due, and for none that begins to come later', async () => {
  const world = await PipelineWorld.start(config().replace('group_wait: 30s', 'group_wait: 1s'))
  const [one, two, three, four] = ['1', '2', '3', '4'].map((name) => world.alert({ name, job: 'x' }))
  const [first, second, third] = [{ isOpen: true }, { isOpen: true }, { isOpen: true }]
  world.pipeline.receive([one!], first, false)
  world.pipeline.receive([two!], second, false)
  await world.settle()
  await world.advance(2)
  world.pipeline.receive([], first)
  world.pipeline.receive([three!], third, false)
  await world.advance(1)
  expect(world.news()).toEqual([])
  world.pipeline.receive([four!], second)
  await world.advance(0.02)
  expect(world.news()).toEqual([expect.stringMatching(/^a @3[.\d]* \+1 \+2 \+3 \+4$/)])
})

it('repeats what goes on once the repeat interval has passed, and is silent once all has ended', async () => {
  const world = await PipelineWorld.start(config().replace('4h', '10m'))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(30)
  expect(world.news()).toEqual(['a @30 +1'])
  // At 630 the interval has passed to the millisecond, not more.
  await world.advance(900)
  expect(world.news()).toEqual(['a @930 +1'])
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(300)
  expect(world.news()).toEqual(['a @1230 -1'])
  expect([...world.pipeline.groups()]).toEqual([])
  await world.advance(2000)
  expect(world.news()).toEqual([])
})

it('tells an alert at once whose start lies before the wait, as after a restart', async () => {
  const world = await PipelineWorld.start(config())
  world.pipeline.receive([world.alert({ name: '1', job: 'x' }, { startsAtMs: world.clock.now() - 31_000 })])
  await world.advance(1)
  expect(world.news()).toEqual(['a @0 +1'])
})

it('takes an alert for ended when no one says it again until its end', async () => {
  const world = await PipelineWorld.start(config())
  world.pipeline.receive([world.alert({ name: '1', job: 'x' }, { endsAtMs: world.clock.now() + 240_000 })])
  await world.advance(330)
  expect(world.news()).toEqual(['a @30 +1', 'a @330 -1'])
})

it('says that the clock of a sender is behind whose alerts have ended when they come, and of no other', async () => {
  const world = await PipelineWorld.start('route: {receiver: a, group_wait: 0s}\nreceivers: [{name: a, webhook_configs: [{url: http://a}]}]')
  const startsAtMs = world.clock.now() - 3_600_000
  const post = async (name: string, endsAtMs: number): Promise<void> => {
    world.pipeline.receive([world.alert({ alertname: name }, { startsAtMs, endsAtMs })])
    await world.advance(60)
  }
  for (let i = 0; i < 3; i++) {
    // One that ends is told with the same end for a while; a script may say that it has ended now.
    await post('Ended', startsAtMs + 1000)
    await post('Now', world.clock.now())
    await post('Behind', world.clock.now() - 300_000)
  }
  expect(await world.metric('monitor_alerts_stale_total')).toEqual(['monitor_alerts_stale_total 2'])
  const lines = world.log.filter((line) => line.includes('by its sender'))
  expect(lines.map((line) => /level=WARN .* (alert=.*)\n$/.exec(line)?.[1])).toEqual(Array.from({ length: 2 }, () => 'alert=Behind behind_seconds=300'))
  expect(world.news()).toEqual([])
})

it('says no end of what was never told to fire', async () => {
  const world = await PipelineWorld.start(config())
  await world.fire({ name: '1', job: 'x' })
  await world.advance(10)
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(600)
  expect(world.news()).toEqual([])
})

it('keeps an alert that fires again while its end is told', async () => {
  const world = await PipelineWorld.start(config())
  await world.fire({ name: '1', job: 'x' })
  await world.advance(30)
  await world.resolve({ name: '1', job: 'x' })
  let finish = (): void => {}
  world.behaviours.set('a', () => new Promise((resolve) => (finish = resolve)))
  await world.advance(300)
  world.behaviours.clear()
  await world.fire({ name: '1', job: 'x' })
  finish()
  await world.settle()
  await world.advance(300)
  expect(world.news()).toEqual(['a @30 +1', 'a @330 -1', 'a @630 +1'])
})

it('does not tell ends to a receiver that wants none, and tells it of the next start', async () => {
  const world = await PipelineWorld.start(config().replace('receiver: a', 'receiver: b'))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(30)
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(300)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(30)
  expect(world.news()).toEqual(['b @30 +1', 'b @360 +1'])
})

it('forms the message from the group: what all alerts share, in the order of job, instance and labels', async () => {
  const world = await PipelineWorld.start(config())
  await world.fire({ name: 'c', job: 'x', env: 'p' }, { name: 'b', job: 'x', env: 'p', instance: '2' }, { name: 'a', job: 'x', env: 'p', instance: '3' })
  await world.advance(30)
  const { notification } = world.told[0]!
  expect(world.told[0]!.firing).toEqual(['b', 'a', 'c'])
  expect(notification).toMatchObject({ receiver: 'a', groupKey: '{}:{job="x"}', status: 'firing', externalUrl: 'http://monitor:9090', timeMs: world.clock.now() })
  expect([...notification.groupLabels]).toEqual([['job', 'x']])
  expect([...notification.commonLabels]).toEqual([['env', 'p'], ['job', 'x']])
})

it('tells in the next message what came while this one\'s alerts were put in order', () => {
  const { route } = loadAlertmanagerFile(config(), 'am.yml', true).config
  const group = new AlertGroup(new Route(route, null), [])
  const put = (name: string): void => group.put(pipelineAlert({ labels: labelsFromRecord({ name }), annotations: new Map(), startsAtMs: 0, activeAtMs: 0, value: null, endsAtMs: 1000, generatorUrl: '' }, 0), null)
  const names = (alerts: readonly PipelineAlert[]): string[] => alerts.map(({ labels }) => getLabel(labels, 'name'))
  put('b')
  const steps = group.alerts()
  expect(steps.next().done).toBe(false)
  put('a')
  expect(names(runThrough(steps))).toEqual(['b'])
  expect(names(runThrough(group.alerts()))).toEqual(['a', 'b'])
})

it('tells a restarted process nothing twice, and forgets nothing', async () => {
  const world = await PipelineWorld.start(config())
  await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'x' })
  await world.advance(30)
  expect(world.news()).toEqual(['a @30 +1 +2'])
  await world.restart()
  // The rules say it again, one after the other.
  await world.fire({ name: '1', job: 'x' })
  await world.advance(400)
  expect(world.news()).toEqual([])
  await world.fire({ name: '2', job: 'x' }, { name: '3', job: 'x' })
  await world.advance(600)
  // Two seconds of the stop, then the interval of the group that began again.
  expect(world.news()).toEqual(['a @662 +1 +2 +3'])
})

it('hands a receiver what it asked to be remembered with the next message of the group, over a restart, until that has ended', async () => {
  const world = await PipelineWorld.start(`
route: {receiver: a, group_by: [job], group_wait: 0s, group_interval: 10s, labels: {desk: day}, routes: [{matchers: [job=x], labels: {tier: "1"}}]}
receivers: [{name: a, webhook_configs: [{url: http://a}]}]`)
  const seen: string[] = []
  world.memories.set('a', ({ memory, reason, routeLabels }) => {
    seen.push(`${memory} ${reason} ${JSON.stringify(Object.fromEntries(routeLabels))}`)
    return seen.length === 1 ? 'first' : seen.length === 4 ? 'second' : undefined
  })
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  await world.restart()
  await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'x' })
  await world.advance(21)
  await world.resolve({ name: '1', job: 'x' }, { name: '2', job: 'x' })
  await world.advance(21)
  await world.fire({ name: '3', job: 'x' })
  await world.advance(11)
  const labels = '{"desk":"day","tier":"1"}'
  expect(seen).toEqual([` first notification ${labels}`, `first new alerts added ${labels}`, `first all alerts resolved ${labels}`, ` first notification ${labels}`])
})

it('takes in alerts that come twice in one turn', async () => {
  const world = await PipelineWorld.start(`
route: {receiver: a, group_by: [job], group_wait: 0s, group_interval: 1m}
receivers: [{name: a, webhook_configs: [{url: http://a}]}]`)
  for (const job of ['x', 'y']) world.pipeline.receive([world.alert({ name: job, job })])
  await world.pipeline.settled()
  await world.advance(1)
  expect(world.news().toSorted()).toEqual(['a @0 +x', 'a @0 +y'])
})
