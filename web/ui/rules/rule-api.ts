// The rules as `/api/v1/rules` lists them; times RFC 3339, durations in seconds.
import { getData } from '../api/queries.ts'

export interface ApiRule {
  name: string
  query: string
  type: 'alerting' | 'recording'
  health: 'ok' | 'err' | 'unknown'
  lastError?: string
  evaluationTime: number
  lastEvaluation: string
  /** Absent where a recording rule has none. */
  labels?: Record<string, string>
  /** Of alerting rules. */
  state?: string
  duration?: number
  keepFiringFor?: number
  annotations?: Record<string, string>
  alerts?: { state: string }[] | null
  /** Of anomaly rules: series without a baseline yet. */
  learning?: number
}

export interface ApiGroup {
  name: string
  file: string
  interval: number
  evaluationTime: number
  lastEvaluation: string
  rules: ApiRule[]
}

export async function fetchGroups(signal: AbortSignal): Promise<ApiGroup[]> {
  return (await getData<{ groups: ApiGroup[] }>('rules', [], signal)).groups
}

export type RuleState = 'failing' | 'firing' | 'pending' | 'ok' | 'unknown'

/** What a glance should tell: a rule that fails watches nothing, whatever it said last. */
export function stateOf({ health, state }: ApiRule): RuleState {
  if (health === 'err') return 'failing'
  if (state === 'firing' || state === 'pending') return state
  return health === 'ok' ? 'ok' : 'unknown'
}

export function countStates(groups: readonly ApiGroup[]): Record<RuleState, number> {
  const counts = { failing: 0, firing: 0, pending: 0, ok: 0, unknown: 0 }
  for (const { rules } of groups) for (const rule of rules) counts[stateOf(rule)]++
  return counts
}

/** The first so many rules, with their groups. */
export function firstRules(groups: readonly ApiGroup[], count: number): ApiGroup[] {
  let left = count
  return groups.flatMap((group) => {
    const rules = group.rules.slice(0, left)
    left -= rules.length
    return rules.length === 0 ? [] : [{ ...group, rules }]
  })
}

/** Groups with those of their rules that pass; groups without any are left out. */
export function filterGroups(groups: readonly ApiGroup[], filter: string, states: ReadonlySet<RuleState>): readonly ApiGroup[] {
  if (filter.trim() === '' && states.size === 0) return groups.filter(({ rules }) => rules.length > 0)
  const words = filter.toLowerCase().split(/\s+/)
  return groups.flatMap((group) => {
    const rules = group.rules.filter((rule) => {
      const text = [group.name, group.file, rule.name, rule.query, rule.lastError ?? '', ...Object.entries(rule.labels ?? {}).map(([name, value]) => `${name}="${value}"`)].join('\n').toLowerCase()
      return (states.size === 0 || states.has(stateOf(rule))) && words.every((word) => text.includes(word))
    })
    return rules.length === 0 ? [] : [{ ...group, rules }]
  })
}
