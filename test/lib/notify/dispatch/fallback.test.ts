// The fallback receiver: told where another cannot be reached for five minutes, and of the ends of what it was told.
import { expect, it } from 'vitest'
import { DeliveryError } from '../../../../lib/notify/receiver.ts'
import type { AlertOverlay } from '../../../../lib/notify/overlay.ts'
import { PipelineWorld, PLAIN_OVERLAY } from '../../../support/pipeline-world.ts'

const CONFIG = `
route: {receiver: a, group_by: [job], group_wait: 0s, group_interval: 1m}
receivers: [{name: a, webhook_configs: [{url: http://a}, {url: http://a2}]}, {name: boss, webhook_configs: [{url: http://boss}]}]
fallback: {receiver: boss}
`
const refuse = (isRetryable: boolean) => (): Promise<never> => Promise.reject(new DeliveryError('503', { isRetryable }))
const bossNews = (world: PipelineWorld): string[] => world.news().filter((line) => line.startsWith('boss'))

it.each([[true, 60], [false, 60], [true, 1800]])('tells it after five minutes of failures (retryable %s, group_interval %i s), and of the end', async (isRetryable, intervalSeconds) => {
  const world = await PipelineWorld.start(CONFIG.replace('1m', `${intervalSeconds}s`))
  world.behaviours.set('a', refuse(isRetryable))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(299)
  expect(world.news()).toEqual(['a2 @0 +1'])
  await world.advance(2)
  expect(bossNews(world)).toEqual(['boss @300 +1'])
  // One that comes while the receiver still fails is its, too, within a minute.
  await world.fire({ name: '2', job: 'x' })
  await world.advance(61)
  expect(bossNews(world)).toEqual([expect.stringMatching(/^boss @3[\d.]+ \+1 \+2$/)])
  world.behaviours.clear()
  await world.advance(intervalSeconds)
  world.news()
  // Another alert is the receiver's alone again; ends reach whoever was told the start.
  await world.fire({ name: '3', job: 'x' })
  await world.advance(intervalSeconds)
  expect(bossNews(world)).toEqual([])
  await world.resolve({ name: '1', job: 'x' }, { name: '2', job: 'x' }, { name: '3', job: 'x' })
  await world.advance(2 * intervalSeconds)
  expect(bossNews(world)).toEqual([expect.stringMatching(/^boss @[\d.]+ -1 -2$/)])
})

it('leaves it alone where the receiver is reached in time, or the alert has ended', async () => {
  const world = await PipelineWorld.start(CONFIG)
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'y' })
  await world.advance(250)
  await world.resolve({ name: '2', job: 'y' })
  await world.advance(40)
  world.behaviours.delete('a')
  await world.advance(400)
  expect(bossNews(world)).toEqual([])
  // The next failure has five minutes of its own.
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '3', job: 'x' })
  await world.advance(280)
  expect(bossNews(world)).toEqual([])
  await world.advance(90)
  expect(bossNews(world)).toHaveLength(1)
})

it('begins its five minutes anew where what could not be told has ended untold', async () => {
  const world = await PipelineWorld.start(CONFIG)
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(200)
  await world.resolve({ name: '1', job: 'x' })
  await world.advance(61)
  await world.fire({ name: '2', job: 'x' })
  await world.advance(270)
  expect(bossNews(world)).toEqual([])
  await world.advance(91)
  expect(bossNews(world)).toEqual([expect.stringMatching(/^boss @[\d.]+ \+2$/)])
})

it('does not repeat itself after a restart, and does not tell what someone has taken', async () => {
  const held = new Set<string>()
  const overlay: AlertOverlay = { ...PLAIN_OVERLAY, heldBy: (print) => (held.has(print) ? 'acknowledged' : '') }
  const world = await PipelineWorld.start(CONFIG, overlay)
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(310)
  expect(bossNews(world)).toEqual(['boss @300 +1'])
  await world.restart()
  await world.fire({ name: '1', job: 'x' })
  await world.advance(700)
  expect(bossNews(world)).toEqual([])
  await world.fire({ name: '2', job: 'y' })
  await world.advance(100)
  held.add([...world.pipeline.alerts()].find(({ labels }) => labels.includes('2'))!.fingerprint)
  await world.advance(600)
  expect(bossNews(world)).toEqual([])
})

it('goes on counting over a reload', async () => {
  const world = await PipelineWorld.start(CONFIG)
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(200)
  world.apply(CONFIG.replace('1m', '2m'))
  await world.advance(130)
  expect(bossNews(world)).toHaveLength(1)
})

it('goes on counting over a restart', async () => {
  const world = await PipelineWorld.start(CONFIG)
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(200)
  await world.restart()
  await world.fire({ name: '1', job: 'x' })
  await world.advance(90)
  expect(bossNews(world)).toEqual([])
  await world.advance(12)
  expect(bossNews(world)).toEqual([expect.stringMatching(/^boss @30\d \+1$/)])
  // What was told at last is owed no more, also at the next start.
  world.behaviours.clear()
  await world.advance(60)
  await world.restart()
  expect(await world.store.owed()).toEqual([])
})

it.each([[true, []], [false, [expect.stringMatching(/^boss @381\d \+1$/)]]])('after a restart that comes late the receiver is tried first (takes it: %s)', async (isCured, told) => {
  const world = await PipelineWorld.start(CONFIG)
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(200)
  world.onOpened = () => void world.clock.advance(3_600_000)
  await world.restart()
  if (isCured) world.behaviours.clear()
  await world.fire({ name: '1', job: 'x' })
  await world.advance(200)
  expect(bossNews(world)).toEqual(told)
})

it('does not count from what was owed by a program that ended long ago', async () => {
  const world = await PipelineWorld.start(CONFIG)
  world.behaviours.set('a', refuse(true))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(200)
  await world.restart()
  await world.advance(1900)
  expect(await world.store.owed()).toEqual([])
  await world.fire({ name: '1', job: 'x' })
  await world.advance(200)
  expect(bossNews(world)).toEqual([])
})

it('has no fallback of its own', async () => {
  const world = await PipelineWorld.start(`${CONFIG.replace('receiver: a, group', 'receiver: boss, group')}`)
  world.behaviours.set('boss', refuse(true))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(400)
  world.behaviours.clear()
  await world.advance(60)
  expect(bossNews(world)).toHaveLength(1)
})
