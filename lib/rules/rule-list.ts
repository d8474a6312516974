// What /api/v1/rules and /api/v1/alerts say, as finished replies. After prometheus web/api/v1/api.go.
import { createHash } from 'node:crypto'
import type { QueryReply } from '../../lang/job.ts'
import { parseSelector } from '../../lang/parse/parse.ts'
import { errorReply } from '../../lang/reply/envelope.ts'
import { compareText, labelsToMap } from '../model/labels.ts'
import { compileMatcher } from '../model/matcher.ts'
import { AlertingRule, type Alert } from './alerting-rule.ts'
import type { Rule, RuleGroup } from './group.ts'
import { LEARNING_SERIES, RULE_ID } from './json-rule/compile.ts'
import { RecordingRule } from './recording-rule.ts'

export interface RulesRequest {
  kind: 'rules'
  /** '' for both. */
  type: '' | 'alert' | 'record'
  /** Empty lists ask for all. */
  names: readonly string[]
  groups: readonly string[]
  files: readonly string[]
  /** Selectors of the rules' labels, a union; checked already. */
  matches: readonly string[]
  excludeAlerts: boolean
  /** 0: all. */
  groupLimit: number
  /** Where the page before ended, '' for the first. */
  nextToken: string
}

export type RuleRequest = RulesRequest | { kind: 'alerts' }

export function answerRules(groups: readonly RuleGroup[], request: RuleRequest): QueryReply {
  if (request.kind === 'rules') return listRules(groups, request)
  const rules = groups.flatMap((group) => group.rules).filter((rule) => rule instanceof AlertingRule)
  return success({ alerts: rules.flatMap((rule) => rule.activeAlerts().map(alertJson)) })
}

function listRules(groups: readonly RuleGroup[], request: RulesRequest): QueryReply {
  const { groupLimit, nextToken } = request
  const isPaged = groupLimit > 0
  const from = isPaged && nextToken !== '' ? groups.findIndex((group) => tokenOf(group) === nextToken) : 0
  if (from < 0) return errorReply('bad_data', `invalid parameter "group_next_token": invalid group_next_token '${nextToken}'. were rule groups changed?`)
  const isMatch = selectorTest(request.matches)
  const shown: object[] = []
  let groupNextToken = ''
  for (const group of groups.slice(from)) {
    if (!isWanted(request.groups, group.config.name) || !isWanted(request.files, group.config.file)) continue
    const rules = group.rules.filter((rule) => isMatch(rule.config.labels) && isWanted(request.names, rule.config.name) && (request.type === '' || request.type === rule.config.kind))
    if (rules.length === 0) continue
    if (isPaged && shown.length === groupLimit) {
      groupNextToken = tokenOf(group)
      break
    }
    shown.push(groupJson(group, rules, request.excludeAlerts))
  }
  return success({ groups: shown, ...(groupNextToken !== '' && { groupNextToken }) })
}

function isWanted(list: readonly string[], text: string): boolean {
  return list.length === 0 || list.includes(text)
}

function selectorTest(matches: readonly string[]): (labels: ReadonlyMap<string, string>) => boolean {
  if (matches.length === 0) return () => true
  const sets = matches.map((text) => parseSelector(text).map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) })))
  return (labels) => sets.some((set) => set.every(({ name, test }) => test(labels.get(name) ?? '')))
}

function tokenOf({ config: { file, name } }: RuleGroup): string {
  return createHash('sha1').update(`${file};${name}`).digest('hex')
}

function groupJson(group: RuleGroup, rules: readonly Rule[], excludeAlerts: boolean): object {
  const { config: { name, file, limit }, settings: { intervalMs }, counts } = group
  const learning = learningCounts(group)
  return {
    name, file, rules: rules.map((rule) => ({ ...ruleJson(rule, excludeAlerts), ...learningJson(rule, learning) })), interval: intervalMs / 1000, limit,
    evaluationTime: counts.lastSeconds, lastEvaluation: timeText(counts.lastAtMs),
  }
}

/** How many series of each anomaly rule have no baseline yet, by the rule's id, as the rules recorded beside them found. */
function learningCounts({ rules }: RuleGroup): Map<string, number> {
  const recorded = rules.filter((rule) => rule instanceof RecordingRule && rule.config.name === LEARNING_SERIES && rule.lastValue !== null) as RecordingRule[]
  return new Map(recorded.map(({ config, lastValue }) => [config.labels.get(RULE_ID) ?? '', lastValue!]))
}

/** Monitor's own key. */
function learningJson({ config }: Rule, counts: ReadonlyMap<string, number>): object {
  const learning = config.kind === 'alert' ? counts.get(config.labels.get(RULE_ID) ?? '') : undefined
  return learning === undefined ? {} : { learning }
}

function ruleJson(rule: Rule, excludeAlerts: boolean): object {
  const { config, health, printed } = rule
  const common = {
    health: health.state, ...(health.error !== '' && { lastError: health.error }),
    evaluationTime: health.evaluationSeconds, lastEvaluation: timeText(health.evaluatedAtMs),
  }
  if (!(rule instanceof AlertingRule)) {
    return { name: config.name, query: printed, ...(config.labels.size > 0 && { labels: sorted(config.labels) }), ...common, type: 'recording' }
  }
  return {
    state: rule.state(), name: config.name, query: printed, duration: config.forMs / 1000, keepFiringFor: config.keepFiringForMs / 1000,
    labels: sorted(config.labels), annotations: sorted(config.annotations),
    alerts: excludeAlerts ? null : rule.activeAlerts().map(alertJson), ...common, type: 'alerting',
  }
}

function alertJson({ labels, annotations, state, activeAtMs, keepFiringSinceMs, value }: Alert): object {
  return {
    labels: sorted(labelsToMap(labels)), annotations: sorted(annotations), state, activeAt: timeText(activeAtMs),
    ...(keepFiringSinceMs !== null && { keepFiringSince: timeText(keepFiringSinceMs) }), value: exponentText(value),
  }
}

/** An object for JSON, keys in Go's order; one without prototype, for labels called `__proto__`. */
function sorted(map: ReadonlyMap<string, string>): Record<string, string> {
  const out = Object.create(null) as Record<string, string>
  for (const key of [...map.keys()].toSorted(compareText)) out[key] = map.get(key)!
  return out
}

/** Go's zero time where it has not come to it. */
function timeText(ms: number): string {
  return ms === 0 ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString()
}

/** Go's `%e` with the shortest digits: `1e+00`. */
function exponentText(x: number): string {
  if (!Number.isFinite(x)) return x !== x ? 'NaN' : x > 0 ? '+Inf' : '-Inf'
  const [mantissa, exponent] = x.toExponential().split('e') as [string, string]
  return `${Object.is(x, -0) ? '-' : ''}${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

function success(data: object): QueryReply {
  return { status: 200, body: Buffer.from(JSON.stringify({ status: 'success', data })) }
}
