// An API rule as PromQL, and as the alerting rule of a rule file.
//
//   threshold       avg_over_time(cpu{env="prod"}[5m]) > 80
//   rate of change  (disk - (disk offset 1h)) / abs(disk offset 1h) * 100 > 20
//   absence         group by (server_id, instance) (last_over_time(up[1h])) unless group by (…) (last_over_time(up[2m]))
//   composite       max by (server_id, instance) (… > 80) and max by (server_id, instance) (… > 90)
//   anomaly         lib/rules/json-rule/anomaly.ts
import type { RuleConfig } from '../../config/rule-config.ts'
import { formatDuration } from '../../model/duration.ts'
import { anomalyExpr, learningExpr } from './anomaly.ts'
import type { JsonRule, Operator, RuleBody, ThresholdCondition } from './json-rule.ts'
import { aggregate, labelList, numberText, selector } from './promql-text.ts'

const SIGNS: Readonly<Record<Operator, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=', eq: '==' }
/** Label of every alert that an API rule gives. */
export const RULE_ID = 'rule_id'

/** Of a rule's own series that says how much of it is learning still. */
export const LEARNING_SERIES = 'monitor_anomaly_learning_series'

/** The expression whose elements are the rule's alerts. */
export function compileExpr({ body, serverLabels }: Pick<JsonRule, 'body' | 'serverLabels'>): string {
  switch (body.kind) {
    case 'threshold': return thresholdExpr(selector(body.source), body.condition)
    case 'rate_of_change': {
      const now = selector(body.source)
      const { change, windowMs, operator, threshold } = body.condition
      const before = `${now} offset ${formatDuration(windowMs)}`
      const gained = change === 'percent' ? `(${now} - (${before})) / abs(${before}) * 100` : `${now} - (${before})`
      return `${gained} ${SIGNS[operator]} ${numberText(threshold)}`
    }
    case 'absence': {
      const series = selector(body.source)
      const by = labelList([...serverLabels, ...Object.keys(body.source.filters).filter((name) => !serverLabels.includes(name))])
      const seen = (windowMs: number): string => `group by (${by}) (last_over_time(${series}[${formatDuration(windowMs)}]))`
      return `${seen(body.condition.rememberMs)} unless ${seen(body.condition.windowMs)}`
    }
    case 'composite': {
      const by = labelList(serverLabels)
      const parts = body.parts.map(({ source, condition }) => {
        // The worst of a server's series stands for it.
        const worst = condition.operator === 'lt' || condition.operator === 'lte' ? 'min' : 'max'
        return `${worst} by (${by}) (${thresholdExpr(selector(source), condition)})`
      })
      return parts.join(body.match === 'all' ? ' and ' : ' or ')
    }
    case 'anomaly': return anomalyExpr(body.source, body.condition, body.widenings)
  }
}

/** The rule as a rule file has it; `id` tells its alerts from all others. */
export function compileRule(rule: JsonRule, id: string): RuleConfig {
  const { name, forMs, resolveAfterMs, severity } = rule
  return {
    kind: 'alert', name, expr: compileExpr(rule), forMs, keepFiringForMs: resolveAfterMs,
    labels: new Map([...Object.entries(rule.labels), ['severity', severity], [RULE_ID, id]]),
    annotations: new Map(Object.entries({ summary: summaryOf(rule), ...rule.annotations })),
  }
}

/** What is recorded beside an anomaly's alerts: how many of its series are learning. null: nothing. */
export function learningRule({ body }: JsonRule, id: string): RuleConfig | null {
  if (body.kind !== 'anomaly') return null
  return { kind: 'record', name: LEARNING_SERIES, expr: learningExpr(body.source, body.condition), forMs: 0, keepFiringForMs: 0, labels: new Map([[RULE_ID, id]]), annotations: new Map() }
}

function thresholdExpr(series: string, { aggregation, windowMs, operator, threshold }: ThresholdCondition): string {
  return `${aggregate(aggregation, series, windowMs)} ${SIGNS[operator]} ${numberText(threshold)}`
}

/** The template of a message where the rule has none of its own. */
function summaryOf({ name, body }: JsonRule): string {
  const where = '{{ with $labels.server_id }} on {{ . }}{{ else }}{{ with $labels.instance }} on {{ . }}{{ end }}{{ end }}'
  return `${literal(name)}${where}: ${whatOf(body)}`
}

/** A template. */
function whatOf(body: RuleBody): string {
  const value = '{{ $value | humanize }}'
  switch (body.kind) {
    case 'threshold': return `${wordsOf(body.source.metric, body.condition)}, now ${value}`
    case 'rate_of_change': {
      const { change, windowMs, operator, threshold } = body.condition
      const unit = change === 'percent' ? ' %' : ''
      return `${literal(body.source.metric)} has changed by ${value}${unit} within ${formatDuration(windowMs)} (${SIGNS[operator]} ${threshold}${unit})`
    }
    case 'absence': return `no ${literal(body.source.metric)} for ${formatDuration(body.condition.windowMs)}`
    case 'composite': return body.parts.map(({ source, condition }) => wordsOf(source.metric, condition)).join(body.match === 'all' ? ' and ' : ' or ')
    case 'anomaly': return `${literal(body.source.metric)} is ${value} standard deviations from its baseline (more than ${body.condition.sigma})`
  }
}

function wordsOf(metric: string, { aggregation, windowMs, operator, threshold }: ThresholdCondition): string {
  return `${aggregation} of ${literal(metric)} over ${formatDuration(windowMs)} ${SIGNS[operator]} ${threshold}`
}

/** A user's text inside a template, as it is. */
function literal(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}')
}
