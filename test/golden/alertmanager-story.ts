// An hour in the life of a pipeline in seconds, for record-alertmanager-story.ts: what is told of it, message by message.

export interface StoryStep {
  /** Seconds since the beginning, halves: flushes lie a quarter later. */
  at: number
  /** Label sets that fire from now on, by name; those in `end` end. */
  fire?: readonly Record<string, string>[]
  end?: readonly Record<string, string>[]
  /** A matcher `name=value` that is silenced for so many seconds. */
  silence?: { name: string; value: string; seconds: number }
}

export const storyConfig = (hook: string): string => `
route:
  receiver: root
  group_by: [alertname]
  group_wait: 1250ms
  group_interval: 3s
  repeat_interval: 11s
  labels: {desk: day}
  routes:
  - {matchers: ['team=~"db|web"'], receiver: team, group_by: [team, zone], continue: true, labels: {desk: night, tier: "1"}}
  - {matchers: [severity=page], receiver: pager, group_by: ['...'], group_wait: 0s}
  - {matchers: [severity=none], receiver: empty}
  - {matchers: [kind=timed], receiver: timed, continue: true, group_by: [kind], mute_time_intervals: [always]}
  - {matchers: [kind=timed], receiver: timed, continue: true, group_by: [kind, zone], mute_time_intervals: [never, weekends-of-1999]}
  - {matchers: [kind=timed], receiver: timed, continue: true, group_by: [zone], active_time_intervals: [never]}
  - {matchers: [kind=timed], receiver: timed, group_by: [instance], active_time_intervals: [never, always]}
time_intervals:
- {name: always, time_intervals: [{weekdays: ['sunday:saturday']}]}
- {name: never, time_intervals: [{years: ['1970:1971']}]}
- {name: weekends-of-1999, time_intervals: [{years: ['1999'], weekdays: [saturday, sunday]}]}
receivers:
- {name: root, webhook_configs: [{url: "${hook}/root"}]}
- {name: team, webhook_configs: [{url: "${hook}/team"}, {url: "${hook}/team-firing", send_resolved: false}, {url: "${hook}/team-few", max_alerts: 1}]}
- {name: pager, webhook_configs: [{url: "${hook}/pager"}]}
- {name: empty}
- {name: timed, webhook_configs: [{url: "${hook}/timed"}]}
inhibit_rules:
- {source_matchers: [severity=page], target_matchers: [severity=warn], equal: [zone]}
`

const disk = { alertname: 'Disk', instance: 'h1', job: 'node', zone: 'a', team: 'db', severity: 'page' }
const load = { alertname: 'Load', instance: 'h1', job: 'node', zone: 'a', severity: 'warn' }
const web = (n: number): Record<string, string> => ({ alertname: 'Slow', instance: `w${n}`, job: 'web', zone: n % 2 === 0 ? 'a' : 'b', team: 'web', severity: 'info' })
const timed = (n: number): Record<string, string> => ({ alertname: 'Timed', instance: `t${n}`, zone: 'a', kind: 'timed' })

export const STORY: readonly StoryStep[] = [
  { at: 0, fire: [web(1), web(2), web(3), { alertname: 'Other', note: 'a "b" \\ é' }, { alertname: 'Quiet', severity: 'none' }] },
  { at: 1.5, fire: [disk] }, { at: 2.5, fire: [load, web(4)] }, { at: 3.5, end: [web(1)] }, { at: 5.5, fire: [web(5)], end: [web(2)] },
  { at: 6.5, fire: [timed(1), timed(2)] }, { at: 8.5, silence: { name: 'instance', value: 'w3', seconds: 4 } }, { at: 9.5, fire: [web(6)] }, { at: 11.5, end: [disk] }, { at: 14.5, fire: [disk, web(1)] },
  { at: 17.5, end: [web(3), web(4), web(5), web(6), { alertname: 'Other', note: 'a "b" \\ é' }] }, { at: 20.5, end: [disk, load, web(1), timed(1)] }, { at: 26.5 },
]

/** A message without what differs from run to run. */
export function told(to: string, body: Record<string, unknown>): { to: string; message: unknown } {
  const without = (object: Record<string, unknown>, names: readonly string[]): Record<string, unknown> => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
  const alerts = (body['alerts'] as Record<string, unknown>[]).map((alert) => ({ ...without(alert, ['startsAt', 'endsAt']), hasEnded: alert['endsAt'] !== '0001-01-01T00:00:00Z' }))
  return { to, message: { ...without(body, ['externalURL']), alerts } }
}

/** Messages by whom they went to and of which group, in their order: groups side by side have none. */
export function byGroup(messages: readonly { to: string; message: unknown }[]): Record<string, unknown[]> {
  const groups: Record<string, unknown[]> = {}
  for (const { to, message } of messages) (groups[`${to} ${(message as { groupKey: string }).groupKey}`] ??= []).push(message)
  return Object.fromEntries(Object.entries(groups).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
