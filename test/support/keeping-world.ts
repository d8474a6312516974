// A story of what keeps alerts back (test/golden/alertmanager-keeping-stories.ts) in the pipeline on a fake clock, told in the lines of its record.
import { labelsToMap } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { AlertView } from '../../lib/notify/dispatch/alert-view.ts'
import { SilenceError, silenceState } from '../../lib/notify/dispatch/silences.ts'
import type { KeepingAnswer, KeepingSilence, KeepingStep, KeepingStory } from '../golden/alertmanager-keeping-stories.ts'
import { PipelineWorld } from './pipeline-world.ts'

export function readMatcher(text: string): Matcher {
  const [, name, op, value] = /^(.*?)(=~|!~|!=|=)(.*)$/s.exec(text)!
  return { name: name!, op: op as Matcher['op'], value: value! }
}

export class KeepingWorld {
  readonly #world: PipelineWorld
  readonly #story: KeepingStory
  readonly #refused: string[] = []
  /** Silences by id, and the newest id of each key. */
  readonly #keys = new Map<string, string>()
  readonly #ids = new Map<string, string>()
  readonly #startsAtMs = new Map<string, number>()

  private constructor(world: PipelineWorld, story: KeepingStory) {
    this.#world = world
    this.#story = story
  }

  static async play(story: KeepingStory): Promise<KeepingAnswer> {
    const world = new KeepingWorld(await PipelineWorld.start(story.config, null, story.startMs), story)
    const states: string[][] = []
    let now = 0
    for (const step of story.steps) {
      for (; now < step.at; now += story.tick) {
        await world.#world.clock.advance(Math.min(story.tick, step.at - now) * 1000)
        await world.#world.settle()
      }
      now = step.at
      await world.#step(step)
      states.push(await world.#states())
    }
    return { told: world.#told(), states }
  }

  async #step({ fire = [], for: held = 1e9, end = [], silences = [], expire = [], at }: KeepingStep): Promise<void> {
    const world = this.#world
    const nowMs = world.clock.now()
    const alert = (labels: Record<string, string>, endsAtMs: number): ReturnType<PipelineWorld['alert']> => {
      const key = JSON.stringify(labels)
      if (!this.#startsAtMs.has(key)) this.#startsAtMs.set(key, nowMs)
      const startsAtMs = this.#startsAtMs.get(key)!
      return world.alert(labels, { startsAtMs, activeAtMs: startsAtMs, endsAtMs })
    }
    world.pipeline.receive([...fire.map((labels) => alert(labels, nowMs + held * 1000)), ...end.map((labels) => alert(labels, nowMs - 1))])
    for (const labels of end) this.#startsAtMs.delete(JSON.stringify(labels))
    await world.settle()
    for (const one of silences) await this.#silence(one, at)
    for (const key of expire) await world.pipeline.silences.expire(this.#ids.get(key)!)
    await world.settle()
  }

  async #silence({ key, matchers, from, to }: KeepingSilence, at: number): Promise<void> {
    const { startMs } = this.#story
    const before = this.#ids.get(key) ?? ''
    try {
      const id = await this.#world.pipeline.silences.set({
        id: before, matcherSets: [matchers.map(readMatcher)], startsAtMs: startMs + from * 1000, endsAtMs: startMs + to * 1000, createdBy: 'me', comment: 'c', annotations: new Map(),
      })
      if (id === before) return
      this.#keys.set(id, before === '' ? key : `${this.#keys.get(before)!}'`)
      this.#ids.set(key, id)
    } catch (error) {
      if (!(error instanceof SilenceError)) throw error
      this.#refused.push(`${at * 1000} silence ${key}: 400`)
    }
  }

  #told(): string[] {
    const told = this.#world.told.map(({ to, at, notification: { groupKey, alerts } }) => {
      const names = alerts.map(({ status, labels }) => `${status === 'firing' ? '+' : '-'}${labels.get('i')!}`)
      return `${Math.round(at * 1000)} ${to} ${groupKey}: ${names.toSorted().join(' ')}`
    })
    return [...told, ...this.#refused]
  }

  async #states(): Promise<string[]> {
    const { pipeline, clock } = this.#world
    const silences = pipeline.silences.all().map((silence) => `silence ${this.#keys.get(silence.id)!} ${silenceState(silence, clock.now())}`)
    const groups = await new AlertView(pipeline, clock, ({ routeLabels }) => routeLabels).groups({ matches: () => true, isReceiver: () => true, active: true, silenced: true, inhibited: true, muted: true })
    const by = (word: string, names: readonly string[]): string => (names.length === 0 ? '' : ` ${word} by ${names.toSorted().join(',')}`)
    const alerts = groups.flatMap(({ receiver, labels, alerts: all }) => all.map(({ alert, silencedBy, inhibitedBy, mutedBy }) =>
      `${receiver} ${JSON.stringify(Object.fromEntries(labelsToMap(labels)))} ${labelsToMap(alert.labels).get('i')!}${by('silenced', silencedBy.map((id) => this.#keys.get(id)!))}${inhibitedBy.length > 0 ? ' inhibited' : ''}${by('muted', mutedBy)}`))
    return [...silences, ...alerts].toSorted()
  }
}
