// Stories of alerts through the pipeline tell, message by message, what Alertmanager told of them (test/golden/alertmanager-story.json,
// and of random routes alertmanager-random.json).
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { firstAlerts, webhookBody } from '../../../../lib/notify/receiver/webhook.ts'
import { linesByGroup, randomStory } from '../../../golden/alertmanager-random-story.ts'
import { byGroup, STORY, storyConfig, told } from '../../../golden/alertmanager-story.ts'
import { PipelineWorld } from '../../../support/pipeline-world.ts'

const recorded = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../golden/alertmanager-story.json'), 'utf8')) as Record<string, unknown[]>
/** Of a group whose first alert has ended while others fire, Alertmanager says `resolved` where it shows the first alone. */
const isOfFirstAlone = (key: string): boolean => key.startsWith('team-few ')
const compared = (groups: Record<string, unknown[]>): Record<string, unknown[]> => Object.fromEntries(Object.entries(groups).map(([key, all]) => [key, isOfFirstAlone(key) ? all.map((one) => ({ ...(one as object), status: '' })) : all]))

it('tells what Alertmanager tells', async () => {
  const world = await PipelineWorld.start(storyConfig('http://HOST').replaceAll('http://HOST/', 'http://'))
  let now = 0
  const annotations = new Map([['summary', 'it is so']])
  for (const { at, fire = [], end = [], silence } of STORY) {
    for (; now < at; now += 0.5) await world.advance(0.5)
    world.pipeline.receive([...fire.map((labels) => world.alert(labels, { annotations })), ...end.map((labels) => world.alert(labels, { annotations, endsAtMs: world.clock.now() }))])
    await world.settle()
    if (silence === undefined) continue
    const nowMs = world.clock.now()
    void world.pipeline.silences.set({ id: '', matcherSets: [[{ name: silence.name, op: '=', value: silence.value }]], startsAtMs: nowMs, endsAtMs: nowMs + silence.seconds * 1000, createdBy: 'me', comment: 'c', annotations: new Map() })
    await world.settle()
  }
  const messages = world.told.map(({ to, notification }) => {
    const few = firstAlerts(notification, to === 'team-few' ? 1 : 0)
    return told(to, JSON.parse(JSON.stringify(webhookBody(few, notification.alerts.length - few.alerts.length))) as Record<string, unknown>)
  })
  expect(compared(byGroup(messages))).toEqual(compared(recorded))
  expect(messages.length).toBeGreaterThan(20)
})

const random = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../golden/alertmanager-random.json'), 'utf8')) as Record<string, string[]>[]

it.each(random.map((wanted, seed) => [seed, wanted] as const))('tells of random routes what Alertmanager tells (seed %i)', async (seed, wanted) => {
  const { config, steps } = randomStory(seed)
  const world = await PipelineWorld.start(config('http://HOST').replaceAll('http://HOST/', 'http://'))
  let now = 0
  for (const { at, fire = [], end = [] } of steps) {
    for (; now < at; now += 0.5) await world.advance(0.5)
    world.pipeline.receive([...fire.map((labels) => world.alert(labels)), ...end.map((labels) => world.alert(labels, { endsAtMs: world.clock.now() }))])
    await world.settle()
  }
  const messages = world.told.map(({ to, notification }) => ({ to, body: JSON.parse(JSON.stringify(webhookBody(notification, 0))) as Parameters<typeof linesByGroup>[0][number]['body'] }))
  expect(linesByGroup(messages)).toEqual(wanted)
})
