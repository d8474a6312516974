// Random routes, and random stories of alerts through them, for record-alertmanager-random.ts: what Alertmanager tells of them, in a
// line each. Without silences and inhibition, as ends of what these keep back are told here (docs/alertmanager.md).
import { Random } from '../../lib/std/random.ts'
import type { StoryStep } from './alertmanager-story.ts'

export interface RandomStory {
  config: (hook: string) => string
  /** Steps lie at halves of seconds, flushes a quarter later. */
  steps: readonly StoryStep[]
}

const LABELS = { team: ['a', 'b'], sev: ['page', 'warn', 'info'], zone: ['x', 'y'] } as const
const NAMES = ['team', 'sev', 'zone'] as const
const RECEIVERS = ['r0', 'r1', 'r2']

export function randomStory(seed: number): RandomStory {
  const random = new Random(seed)
  const text = `route: ${route(random, 0)}
receivers:
- {name: r0, webhook_configs: [{url: "HOOK/r0"}]}
- {name: r1, webhook_configs: [{url: "HOOK/r1"}, {url: "HOOK/r1-firing", send_resolved: false}]}
- {name: r2, webhook_configs: [{url: "HOOK/r2"}]}
time_intervals: [{name: always, time_intervals: [{weekdays: ['sunday:saturday']}]}, {name: never, time_intervals: [{years: ['1970']}]}]
`
  return { config: (hook) => text.replaceAll('HOOK', hook), steps: steps(random) }
}

function matcher(random: Random): string {
  const name = random.pick(NAMES)
  const value = random.pick<string>(LABELS[name])
  return random.pick([`${name}="${value}"`, `${name}!="${value}"`, `${name}=~"${value}|zz"`, `${name}!~"${value}"`])
}

function route(random: Random, depth: number): string {
  const parts = [`receiver: ${random.pick(RECEIVERS)}`]
  const several = (most: number): null[] => Array<null>(1 + random.int(most)).fill(null)
  if (depth > 0) parts.push(`matchers: [${several(2).map(() => `'${matcher(random)}'`).join(', ')}]`)
  if (depth === 0 || random.int(2) === 0) parts.push(`group_by: ${random.pick(["['...']", '[]', '[team]', '[sev, zone]', '[alertname]', '[zone]'])}`)
  parts.push(`group_wait: ${random.pick(['250ms', '1250ms', '750ms', '2250ms'])}`, `group_interval: ${random.pick(['3s', '4s', '5s'])}`, `repeat_interval: ${random.pick(['6300ms', '9300ms', '1h'])}`)
  if (depth > 0 && random.int(2) === 0) parts.push('continue: true')
  if (depth > 0 && random.int(5) === 0) parts.push(`mute_time_intervals: [${random.pick(['always', 'never'])}]`)
  if (depth > 0 && random.int(5) === 0) parts.push(`active_time_intervals: [${random.pick(['always', 'never', 'never, always'])}]`)
  if (depth < 3 && random.int(3) > 0) parts.push(`routes: [${several(3).map(() => route(random, depth + 1)).join(', ')}]`)
  return `{${parts.join(', ')}}`
}

function steps(random: Random): StoryStep[] {
  const alerts = Array.from({ length: 5 + random.int(6) }, (_, i): Record<string, string> => {
    const labels = NAMES.filter(() => random.int(4) > 0).map((name) => [name, random.pick<string>(LABELS[name])] as const)
    return { alertname: `A${i % 4}`, i: String(i), ...Object.fromEntries(labels) }
  })
  const firing = new Set<Record<string, string>>()
  const made: StoryStep[] = []
  for (let at = 0; at < 17; at += 0.5 * (1 + random.int(4))) {
    const chosen = new Set(Array.from({ length: 1 + random.int(3) }, () => random.pick(alerts)))
    const end = [...chosen].filter((alert) => firing.has(alert) && random.int(2) === 0)
    const fire = [...chosen].filter((alert) => !end.includes(alert))
    for (const alert of fire) firing.add(alert)
    for (const alert of end) firing.delete(alert)
    made.push({ at, fire, end })
  }
  return [...made, { at: 24 }]
}

interface Body {
  groupKey: string
  notification_reason: string
  status: string
  alerts: readonly { endsAt: string; labels: Readonly<Record<string, string>> }[]
}

/** Messages by whom they went to and of which group, in their order, each a line: why, and which alerts fire and have ended. */
export function linesByGroup(messages: readonly { to: string; body: Body }[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {}
  for (const { to, body: { groupKey, status, notification_reason: reason, alerts } } of messages) {
    const told = alerts.map(({ endsAt, labels }) => `${endsAt.startsWith('0001') ? '+' : '-'}${labels['i']}`).toSorted()
    ;(groups[`${to} ${groupKey}`] ??= []).push(`${status}, ${reason}: ${told.join(' ')}`)
  }
  return Object.fromEntries(Object.entries(groups).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
