// `route`, `inhibit_rules` and `escalations` of alertmanager.yml: who is told of which alerts, when, and together with
// which. What a route leaves out it has from its parent. Source: alertmanager config/config.go, dispatch/route.go.
import { isLegacyLabelName } from '../model/labels.ts'
import { MatcherError, type Matcher } from '../model/matcher.ts'
import { compileRoutePattern, compareMatchers, parseRouteMatchers } from '../model/route-matcher.ts'
import { nearestWord } from '../std/nearest-word.ts'
import { RegexError } from '../std/regex.ts'
import type { EscalationPolicy, FallbackConfig, InhibitRule, RouteConfig } from './alertmanager-config.ts'
import { describe, type MapReader } from './reader.ts'

/** Names that routes may give. */
export interface KnownNames {
  receivers: readonly string[]
  timeIntervals: readonly string[]
  escalations: readonly string[]
}

/** What a route has if neither it nor a parent says otherwise. */
export interface RouteDefaults {
  groupWaitMs: number
  groupIntervalMs: number
  repeatIntervalMs: number
}

type Inherited = Omit<RouteConfig, 'matchers' | 'isContinued' | 'muteTimeIntervals' | 'activeTimeIntervals' | 'routes'>

const ALL_LABELS = '...'
/** A receiver that fails for so long will not get through in time. */
const FALLBACK_AFTER_MS = 300_000

/** The root, under `route`, must name a receiver and match everything. */
export function readRootRoute(section: MapReader, names: KnownNames, defaults: RouteDefaults): RouteConfig {
  const reader = section.map('route')
  if (reader === null) {
    section.error('route', 'no routes provided: one that names a receiver must be set')
    return { receiver: '', groupBy: [], labels: new Map(), escalation: '', ...defaults, matchers: [], isContinued: false, muteTimeIntervals: [], activeTimeIntervals: [], routes: [] }
  }
  if (!reader.has('receiver')) reader.error('receiver', 'root route must specify a default receiver')
  for (const key of ['match', 'match_re', 'matchers']) if (!reader.isEmpty(key)) reader.error(key, 'root route must not have any matchers')
  for (const key of ['mute_time_intervals', 'active_time_intervals']) if (!reader.isEmpty(key)) reader.error(key, 'root route must not have any time intervals')
  return readRoute(reader, { receiver: '', groupBy: [], labels: new Map(), escalation: '', ...defaults }, names)
}

function readRoute(reader: MapReader, parent: Inherited, names: KnownNames): RouteConfig {
  const own: Inherited = {
    receiver: knownName(reader, 'receiver', names.receivers, 'receiver') || parent.receiver,
    groupBy: readGroupBy(reader, parent.groupBy),
    labels: new Map([...parent.labels, ...readLabels(reader)]),
    groupWaitMs: reader.durationMs('group_wait', parent.groupWaitMs),
    groupIntervalMs: notZero(reader, 'group_interval', parent.groupIntervalMs),
    repeatIntervalMs: notZero(reader, 'repeat_interval', parent.repeatIntervalMs),
    escalation: knownName(reader, 'escalation', names.escalations, 'escalation') || parent.escalation,
  }
  const route = {
    ...own,
    matchers: readMatchers(reader, ''),
    isContinued: reader.bool('continue', false),
    muteTimeIntervals: readIntervalNames(reader, 'mute_time_intervals', names),
    activeTimeIntervals: readIntervalNames(reader, 'active_time_intervals', names),
    routes: reader.maps('routes').map((child) => readRoute(child, own, names)),
  }
  reader.finish()
  return route
}

function notZero(reader: MapReader, key: string, fallbackMs: number): number {
  const durationMs = reader.durationMs(key, fallbackMs)
  if (durationMs === 0) reader.error(key, `${key} cannot be zero`)
  return durationMs
}

function readLabels(reader: MapReader): [string, string][] {
  return reader.textMap('labels').map(({ name, text, at }) => {
    if (name === '' || !name.isWellFormed()) reader.problems.error(at, `invalid label name ${JSON.stringify(name)} in route labels`)
    return [name, text]
  })
}

function readGroupBy(reader: MapReader, inherited: readonly string[] | null): readonly string[] | null {
  const given = reader.texts('group_by')
  if (given === null) return inherited
  const names = given.map(({ text }) => text)
  if (names.includes(ALL_LABELS)) {
    if (names.length > 1) reader.error('group_by', 'cannot have wildcard group_by (`...`) and other labels at the same time')
    return null
  }
  given.forEach(({ text, at, path }, i) => {
    if (!isLabelName(text)) reader.problems.error(at, `${path}: invalid label name ${JSON.stringify(text)} in group_by list`)
    if (names.indexOf(text) < i) reader.problems.error(at, `${path}: duplicated label ${JSON.stringify(text)} in group_by`)
  })
  return names
}

function isLabelName(name: string): boolean {
  return name !== '' && name.isWellFormed()
}

/** `prefix` + match, match_re and matchers, in Alertmanager's order. */
function readMatchers(reader: MapReader, prefix: '' | 'source_' | 'target_'): Matcher[] {
  const matchers: Matcher[] = []
  for (const [key, op] of [[`${prefix}match`, '='], [`${prefix}match_re`, '=~']] as const) {
    for (const { name, text, keyAt, at } of reader.textMap(key)) {
      if (!isLegacyLabelName(name)) reader.problems.error(keyAt, `${reader.pathOf(key)}: invalid label name ${JSON.stringify(name)}`)
      else if (op === '=~') check(reader, at, `${reader.pathOf(key)}.${name}`, () => compileRoutePattern(text))
      // Alertmanager keeps the pattern of match_re with its anchors, which keys of groups show.
      matchers.push({ name, op, value: op === '=~' ? `^(?:${text})$` : text })
    }
  }
  for (const { text, at, path } of reader.texts(`${prefix}matchers`) ?? []) check(reader, at, path, () => matchers.push(...parseRouteMatchers(text)))
  return matchers.toSorted(compareMatchers)
}

function check(reader: MapReader, at: number, path: string, read: () => void): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof MatcherError) && !(error instanceof RegexError)) throw error
    reader.problems.error(at, `${path}: ${error.message}`)
  }
}

function readIntervalNames(reader: MapReader, key: string, { timeIntervals }: KnownNames): string[] {
  return (reader.texts(key) ?? []).map(({ text, at, path }) => {
    if (!timeIntervals.includes(text)) reader.problems.error(at, `${path}: ${undefinedName('time interval', text, timeIntervals, 'route')}`)
    return text
  })
}

/** '' where the key is absent. */
function knownName(reader: MapReader, key: string, known: readonly string[], noun: string, user = 'route'): string {
  const name = reader.text(key, '')
  if (name !== '' && !known.includes(name)) reader.error(key, undefinedName(noun, name, known, user))
  return name
}

function undefinedName(noun: string, name: string, known: readonly string[], user: string): string {
  const nearest = nearestWord(name, known)
  return `undefined ${noun} ${JSON.stringify(name)} used in ${user}${nearest === null ? '' : `; did you mean ${JSON.stringify(nearest)}?`}`
}

export function readInhibitRules(reader: MapReader): InhibitRule[] {
  return reader.maps('inhibit_rules').map((section) => {
    section.text('name', '')
    const equal = (section.texts('equal') ?? []).map(({ text, at, path }) => {
      if (!isLabelName(text)) section.problems.error(at, `${path}: invalid label name ${JSON.stringify(text)}`)
      return text
    })
    const rule = { sourceMatchers: readMatchers(section, 'source_'), targetMatchers: readMatchers(section, 'target_'), equal }
    section.finish()
    return rule
  })
}

/** `escalations: {NAME: [{after: 10m, receiver: boss}, …]}`. */
export function readEscalations(reader: MapReader, receivers: readonly string[]): EscalationPolicy[] {
  const section = reader.map('escalations')
  return section?.entries().map(({ key: name, keyAt, value, path }) => {
    if (name === '') section.problems.error(keyAt, `${path}: a policy needs a name, by which routes choose it`)
    if (value.kind === 'list' && value.items.length === 0) section.problems.error(value.at, `${path}: has no steps: nobody would be told`)
    if (value.kind !== 'list') section.problems.error(value.at, `${path}: want a list of steps, got ${describe(value)}`)
    const steps = (value.kind === 'list' ? section.maps(name) : []).map((step) => {
      if (!step.has('receiver')) step.error('receiver', 'must be set')
      const one = { afterMs: step.durationMs('after', 0), receiver: knownName(step, 'receiver', receivers, 'receiver', 'an escalation') }
      step.finish()
      return one
    })
    return { name, steps: steps.toSorted((a, b) => a.afterMs - b.afterMs) }
  }) ?? []
}

/** `fallback: {receiver: boss, after: 5m}`. */
export function readFallback(section: MapReader, receivers: readonly string[]): FallbackConfig | null {
  const reader = section.map('fallback')
  if (reader === null) return null
  if (!reader.has('receiver')) reader.error('receiver', 'must be set')
  const fallback = { receiver: knownName(reader, 'receiver', receivers, 'receiver', 'fallback'), afterMs: notZero(reader, 'after', FALLBACK_AFTER_MS) }
  reader.finish()
  return fallback
}
