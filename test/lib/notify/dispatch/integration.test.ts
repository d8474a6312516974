// One integration of a receiver: what is remembered of what it was told, in what order it is told, and when it is closed.
import { expect, it } from 'vitest'
import { NotificationLog } from '../../../../lib/notify/dispatch/notification-log.ts'
import { PipelineWorld, PLAIN_OVERLAY } from '../../../support/pipeline-world.ts'

const CONFIG = `
route: {receiver: a, group_by: [job], group_wait: 0s, group_interval: 5m, routes: [{matchers: [to=b], receiver: b}]}
receivers: [{name: a, webhook_configs: [{url: http://a}]}, {name: b, webhook_configs: [{url: http://b}]}]
`

it('remembers what was told for two repeats, and five days at the least, so that a restart repeats nothing', async () => {
  for (const [repeat, hours] of [['4h', 120], ['240h', 480]] as const) {
    const world = await PipelineWorld.start(CONFIG.replace('group_interval: 5m', `group_interval: 5m, repeat_interval: ${repeat}`))
    await world.fire({ name: '1', job: 'x' })
    await world.advance(1)
    expect((await world.store.notificationEntries()).map(({ timeMs, expiresAtMs }) => (expiresAtMs - timeMs) / 3_600_000)).toEqual([hours])
  }
})

it('remembers an alert for as long as it fires, however long nobody is told of it', async () => {
  const config = CONFIG.replace('group_interval: 5m', 'group_interval: 12h').replace('url: http://a', 'url: http://a, send_resolved: true')
  for (const keepFromPeople of [
    (world: PipelineWorld) => world.pipeline.setOverlay({ ...PLAIN_OVERLAY, heldBy: () => 'acknowledged' }),
    (world: PipelineWorld) => world.apply(config.replace('receiver: a,', 'receiver: b,')),
  ]) {
    const world = await PipelineWorld.start(config)
    await world.fire({ name: '1', job: 'x' })
    await world.advance(1)
    keepFromPeople(world)
    for (let hours = 0; hours < 400; hours += 12) {
      await world.clock.advance(43_200_000)
      await world.settle()
    }
    world.told.length = 0
    await world.resolve({ name: '1', job: 'x' })
    await world.clock.advance(43_200_000)
    await world.settle()
    expect(world.told.filter(({ to }) => to === 'a').map(({ resolved }) => resolved)).toEqual([['1']])
  }
})

it('closes a receiver that is configured no more once what is on its way to it has ended', async () => {
  const world = await PipelineWorld.start(CONFIG)
  const { promise, resolve } = Promise.withResolvers<void>()
  world.behaviours.set('a', () => promise)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  world.apply(CONFIG.replaceAll('a}', 'b}').replace('{name: a,', '{name: unused,').replace('receiver: a', 'receiver: b'))
  await world.settle()
  expect(world.closed).not.toContain('a')
  resolve()
  await world.settle()
  expect(world.closed.filter((one) => one === 'a')).toEqual(['a'])
})

it('tells an integration of a group in turns, however many wait', async () => {
  const world = await PipelineWorld.start(CONFIG)
  const log = new NotificationLog(world.store, world.clock)
  const ends = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  const begun: number[] = []
  const tell = (i: number): Promise<void> => log.inTurn('g', { name: 'a/webhook/0', target: 't' }, () => {
    begun.push(i)
    return ends[i]!.promise
  })
  const [first, second] = [tell(0), tell(1)]
  ends[0]!.resolve()
  await first
  const third = tell(2)
  await world.settle()
  expect(begun).toEqual([0, 1])
  ends[1]!.reject(new Error('not taken'))
  await expect(second).rejects.toThrow('not taken')
  ends[2]!.resolve()
  await third
  expect(begun).toEqual([0, 1, 2])
})
