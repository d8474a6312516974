// The checked form of rule groups, whether they stand in a rule file or in monitor.yml. Durations are ms. Expressions and
// templates are texts still; lib/rules makes rules of them.

export interface RuleConfig {
  kind: 'alert' | 'record'
  name: string
  expr: string
  /** How long the expression must give a label set until its alert fires. */
  forMs: number
  keepFiringForMs: number
  /** The group's labels under the rule's own; of an alert, templates. */
  labels: ReadonlyMap<string, string>
  annotations: ReadonlyMap<string, string>
}

export interface RuleGroupConfig {
  name: string
  /** Where it stands: the rule file's path, or that of monitor.yml. */
  file: string
  /** null: global.evaluation_interval. */
  intervalMs: number | null
  /** null: global.rule_query_offset. */
  queryOffsetMs: number | null
  /** Of series or alerts of each rule; 0: none. */
  limit: number
  rules: readonly RuleConfig[]
  /** Its expressions compare with baselines of long ago, which may be a step behind: another thread evaluates them. */
  hasBaselines?: boolean
  /** What fires ends with its rule: who deletes one by API means it. Of rule files it runs out in minutes, as a rule may be gone by mistake. */
  endsWithRules?: boolean
}

/** Says what is wrong with the texts that only higher rooms understand; null: nothing. */
export interface RuleChecks {
  expr: (text: string) => string | null
  /** `alert`: the rule's name, which stands in messages. */
  template: (alert: string, text: string) => string | null
}
