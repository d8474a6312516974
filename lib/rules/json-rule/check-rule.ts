// Checks the body of an API rule: all faults at once, limits included. The same check reads rules back from the store.
import { METRIC_NAME } from '../../model/labels.ts'
import { Fields, isObject, RuleBodyError, shown, type Fault } from './fields.ts'
import {
  AGGREGATIONS, OPERATORS, RULE_KINDS, SEASONS, SEVERITIES,
  type AnomalyCondition, type Filters, type JsonRule, type RuleBody, type RuleKind, type Source, type ThresholdCondition, type Widening,
} from './json-rule.ts'
import { notifyFault } from './notify-target.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS

const NAME_CHARS_MAX = 255
const LABEL_CHARS_MAX = 200
const TEXT_CHARS_MAX = 4096
/** Of filters, labels, annotations, widenings. */
const ENTRIES_MAX = 32
const NOTIFY_MAX = 20
const PARTS_MAX = 10
const WINDOW_MS: readonly [number, number] = [SECOND_MS, 30 * DAY_MS]
const WAIT_MS: readonly [number, number] = [0, 30 * DAY_MS]
const ANY: readonly [number, number] = [-Number.MAX_VALUE, Number.MAX_VALUE]
/** Labels that a rule sets itself. */
const OWN_LABELS: ReadonlySet<string> = new Set([METRIC_NAME, 'alertname', 'alertstate', 'rule_id', 'severity'])
export const SERVER_LABELS: readonly string[] = ['server_id', 'instance']
const BASELINE_MS: Readonly<Record<AnomalyCondition['season'], number>> = { hour_of_week: 4 * WEEK_MS, hour_of_day: WEEK_MS, none: WEEK_MS }

/** What is wrong with a template of an alert of that name; null where nothing is. */
type TemplateFault = (alert: string, text: string) => string | null

/** The rule that a JSON body describes. Throws RuleBodyError. */
export function checkRule(json: unknown, templateFault: TemplateFault = () => null): JsonRule {
  if (!isObject(json)) throw new RuleBodyError([{ field: '', reason: 'the body is no JSON object', fix: 'send the rule as {"name": …, "metric": …, "condition": {…}}' }])
  const faults: Fault[] = []
  const fields = new Fields(json, '', faults)
  const name = fields.text('name', null, NAME_CHARS_MAX)
  const body = readBody(fields)
  const rule: JsonRule = {
    name, body,
    severity: fields.oneOf('severity', SEVERITIES, 'warning'),
    notify: readNotify(fields),
    forMs: fields.duration('for', 0, WAIT_MS),
    resolveAfterMs: fields.duration('resolve_after', cleanWindowMs(body), WAIT_MS),
    cooldownMs: fields.duration('cooldown', 0, WAIT_MS),
    intervalMs: fields.has('interval') ? fields.duration('interval', null, [SECOND_MS, DAY_MS]) : null,
    serverLabels: labelNames(fields, 'server_labels', SERVER_LABELS),
    labels: readTexts(fields, 'labels', OWN_LABELS, (text) => templateFault(name, text)),
    annotations: readTexts(fields, 'annotations', new Set(), (text) => templateFault(name, text)),
  }
  fields.finish()
  if (faults.length > 0) throw new RuleBodyError(faults)
  return rule
}

function readBody(fields: Fields): RuleBody {
  const kind = fields.oneOf<RuleKind>('kind', RULE_KINDS, 'threshold')
  if (kind === 'composite') {
    const match = fields.oneOf('match', ['all', 'any'], 'all')
    const parts = fields.objects('conditions', [2, PARTS_MAX]).map((part) => {
      const read = { source: readSource(part), condition: readThreshold(part) }
      part.finish()
      return read
    })
    return { kind, match, parts }
  }
  const source = readSource(fields)
  const condition = fields.object('condition', kind !== 'absence' && kind !== 'anomaly')
  const body = readOne(kind, source, condition, fields)
  condition.finish()
  return body
}

function readOne(kind: Exclude<RuleKind, 'composite'>, source: Source, condition: Fields, fields: Fields): RuleBody {
  switch (kind) {
    case 'threshold': return { kind, source, condition: readThreshold(condition) }
    case 'rate_of_change':
      return {
        kind, source, condition: {
          operator: condition.oneOf('operator', OPERATORS, null), threshold: condition.number('threshold', null, ANY),
          windowMs: condition.duration('window', HOUR_MS, [10 * SECOND_MS, 30 * DAY_MS]), change: condition.oneOf('change', ['absolute', 'percent'], 'absolute'),
        },
      }
    case 'absence': {
      const windowMs = condition.duration('window', 2 * MINUTE_MS, [SECOND_MS, DAY_MS])
      const rememberMs = condition.duration('remember', Math.max(HOUR_MS, 2 * windowMs), [SECOND_MS, WEEK_MS])
      if (rememberMs <= windowMs) condition.fault('remember', 'is not longer than window', 'give the time in which a server that was seen is still expected, such as "1h"')
      return { kind, source, condition: { windowMs, rememberMs } }
    }
    case 'anomaly': return { kind, source, condition: readAnomaly(condition), widenings: readWidenings(fields) }
  }
}

function readThreshold(fields: Fields): ThresholdCondition {
  return {
    operator: fields.oneOf('operator', OPERATORS, null), threshold: fields.number('threshold', null, ANY),
    windowMs: fields.duration('window', 5 * MINUTE_MS, WINDOW_MS), aggregation: fields.oneOf('aggregation', AGGREGATIONS, 'avg'),
  }
}

function readAnomaly(fields: Fields): AnomalyCondition {
  const season = fields.oneOf('season', SEASONS, 'hour_of_week')
  const leastMs = season === 'hour_of_week' ? WEEK_MS : season === 'hour_of_day' ? DAY_MS : HOUR_MS
  return {
    season, sigma: fields.number('sigma', 3, [0.5, 100]), direction: fields.oneOf('direction', ['both', 'above', 'below'], 'both'),
    windowMs: fields.duration('window', 5 * MINUTE_MS, [SECOND_MS, HOUR_MS]), aggregation: fields.oneOf('aggregation', AGGREGATIONS, 'avg'),
    baselineMs: fields.duration('baseline', BASELINE_MS[season], [leastMs, 8 * WEEK_MS]),
    borrowBy: labelNames(fields, 'borrow_by', ['service', 'env']),
  }
}

function readSource(fields: Fields): Source {
  return { metric: fields.text('metric', null, NAME_CHARS_MAX), filters: readFilters(fields) }
}

/** A value, or a list of values of which one must fit. */
function readFilters(fields: Fields): Filters {
  const filters = fields.object('filters', false)
  const names = boundedNames(filters)
  return Object.fromEntries(names.map((name) => {
    if (name === METRIC_NAME) filters.fault(name, 'is the name of the metric', 'give it as metric')
    const value = filters.value(name)
    const values = Array.isArray(value) ? filters.texts(name, [ENTRIES_MAX, TEXT_CHARS_MAX]) : [filters.text(name, null, TEXT_CHARS_MAX)]
    if (Array.isArray(value) && value.length === 0) filters.fault(name, 'has no values', 'give at least one, or leave the filter out')
    return [name, values]
  }))
}

function readTexts(fields: Fields, field: string, refused: ReadonlySet<string>, faultOf: (text: string) => string | null = () => null): Record<string, string> {
  const map = fields.object(field, false)
  return Object.fromEntries(boundedNames(map).map((name) => {
    if (refused.has(name)) map.fault(name, 'is set by the rule itself', 'use another name')
    const text = map.text(name, '', TEXT_CHARS_MAX)
    const why = faultOf(text)
    if (why !== null) map.fault(name, why, 'mend the template')
    return [name, text]
  }))
}

function readWidenings(fields: Fields): Widening[] {
  if (!fields.has('widened')) return []
  return fields.objects('widened', [0, ENTRIES_MAX]).map((entry) => {
    const widening = { labels: readTexts(entry, 'labels', new Set([METRIC_NAME])), factor: entry.number('factor', 1.5, [1, 100]) }
    entry.finish()
    return widening
  })
}

function readNotify(fields: Fields): string[] {
  const targets = fields.texts('notify', [NOTIFY_MAX, LABEL_CHARS_MAX])
  targets.forEach((target, i) => {
    const fix = notifyFault(target)
    if (fix !== null) fields.fault(`notify[${i}]`, `${shown(target)} tells nobody`, fix)
  })
  return targets
}

function labelNames(fields: Fields, field: string, fallback: readonly string[]): readonly string[] {
  if (!fields.has(field)) return fallback
  const names = fields.texts(field, [ENTRIES_MAX, LABEL_CHARS_MAX])
  if (names.length === 0 && Array.isArray(fields.value(field))) fields.fault(field, 'names no label', `name at least one, or leave it out for ${fallback.join(', ')}`)
  return names
}

function boundedNames(fields: Fields): string[] {
  const names = fields.names()
  if (names.length > ENTRIES_MAX) fields.fault('', `has ${names.length} entries`, `give at most ${ENTRIES_MAX}`)
  return names.slice(0, ENTRIES_MAX).filter((name) => {
    const isGood = name !== '' && name.length <= LABEL_CHARS_MAX && name.isWellFormed()
    if (!isGood) fields.fault(name, 'is no name of a label', `give 1 to ${LABEL_CHARS_MAX} characters`)
    return isGood
  })
}

/** A whole window without a breach resolves an alert; changes and absences look back by themselves. */
function cleanWindowMs(body: RuleBody): number {
  switch (body.kind) {
    case 'threshold': case 'anomaly': return body.condition.windowMs
    case 'composite': return Math.max(0, ...body.parts.map(({ condition }) => condition.windowMs))
    case 'rate_of_change': case 'absence': return 0
  }
}
