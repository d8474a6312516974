// What keeps alerts back, and when no longer: inhibition, silences and times of routes, story by story as Alertmanager 0.35 told them
// (test/golden/alertmanager-keeping.json), to the millisecond, with how every silence and alert stood after each step.
import { expect, it } from 'vitest'
import { KEEPING_STORIES, readAnswers } from '../../../golden/alertmanager-keeping-stories.ts'
import { KeepingWorld } from '../../../support/keeping-world.ts'

const recorded = readAnswers()

/** Without the ends that Alertmanager keeps back, and without messages that were told for them alone. */
function withoutEnds(told: readonly string[], ended: readonly string[], wanted: readonly string[]): string[] {
  return told.flatMap((line) => {
    const rest = ended.reduce((text, name) => text.replace(new RegExp(` -${name}(?= |$)`), ''), line)
    return rest === line || wanted.includes(rest) ? [rest] : []
  })
}

it.each(KEEPING_STORIES.map((story) => [story.name, story] as const))('%s', async (name, story) => {
  const { told, states } = await KeepingWorld.play(story)
  const wanted = recorded[name]!
  expect(withoutEnds(told, story.endsTold, wanted.told).toSorted()).toEqual(wanted.told.toSorted())
  for (const end of story.endsTold) expect(told.filter((line) => line.includes(` -${end}`))).toHaveLength(1)
  expect(states).toEqual(wanted.states)
}, 120_000)
