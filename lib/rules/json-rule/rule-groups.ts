// API rules as rule groups, and as the text of a rule file: one group for each interval, anomalies apart, since they read weeks.
import type { RuleConfig, RuleGroupConfig } from '../../config/rule-config.ts'
import { formatDuration } from '../../model/duration.ts'
import type { JsonRule } from './json-rule.ts'

/** An anomaly's baseline hardly moves within a minute. */
const ANOMALY_INTERVAL_MS = 60_000

const HEADER = '# Written by Monitor from the rules of /api/alerts/rules. What is changed here is lost: change them there.\n'

/** Of rules and what they are compiled to, in their order within a group. `file`: the path that /api/v1/rules shows. */
export function ruleGroups(rules: Iterable<{ rule: JsonRule; configs: readonly RuleConfig[] }>, file: string): RuleGroupConfig[] {
  const groups = new Map<string, RuleGroupConfig & { rules: RuleConfig[] }>()
  for (const { rule, configs } of rules) {
    const isAnomaly = rule.body.kind === 'anomaly'
    const intervalMs = rule.intervalMs ?? (isAnomaly ? ANOMALY_INTERVAL_MS : null)
    const name = `api${isAnomaly ? ' anomalies' : ''}${intervalMs === null ? '' : ` ${formatDuration(intervalMs)}`}`
    let group = groups.get(name)
    if (group === undefined) groups.set(name, group = { name, file, intervalMs, queryOffsetMs: null, limit: 0, rules: [], endsWithRules: true, ...(isAnomaly && { hasBaselines: true }) })
    group.rules.push(...configs)
  }
  return [...groups.values()]
}

/** The file that gives these groups. Texts of JSON are texts of YAML. */
export function ruleFileText(groups: readonly RuleGroupConfig[]): string {
  const lines: string[] = [HEADER, 'groups:']
  for (const { name, intervalMs, rules } of groups) {
    lines.push(`  - name: ${JSON.stringify(name)}`)
    if (intervalMs !== null) lines.push(`    interval: ${formatDuration(intervalMs)}`)
    lines.push('    rules:')
    for (const { kind, name: own, expr, forMs, keepFiringForMs, labels, annotations } of rules) {
      lines.push(`      - ${kind}: ${JSON.stringify(own)}`, `        expr: ${JSON.stringify(expr)}`)
      if (forMs > 0) lines.push(`        for: ${formatDuration(forMs)}`)
      if (keepFiringForMs > 0) lines.push(`        keep_firing_for: ${formatDuration(keepFiringForMs)}`)
      lines.push(`        labels: ${mapText(labels)}`)
      if (kind === 'alert') lines.push(`        annotations: ${mapText(annotations)}`)
    }
  }
  return groups.length === 0 ? `${HEADER}groups: []\n` : `${lines.join('\n')}\n`
}

function mapText(map: ReadonlyMap<string, string>): string {
  return `{${Array.from(map, ([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(',')} }`
}
