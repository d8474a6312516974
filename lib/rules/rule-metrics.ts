// Prometheus' metrics of rules, kept on the main thread from what each evaluation told.
import type { Gauge, Metrics } from '../std/metrics.ts'
import { groupKey } from './manager.ts'
import type { GroupCounts, RuleGroup } from './group.ts'
import type { WindowQueries } from './window/window-query.ts'

/** What is told of a group after its evaluation; structured-cloneable. */
export interface GroupReport {
  key: string
  counts: GroupCounts
  intervalSeconds: number
  /** How long each rule took. */
  ruleSeconds: readonly number[]
  /** Of all groups since the start of the rules. */
  windows: { lateSamples: number; bytes: number }
}

export function reportOf(group: RuleGroup, windows: Pick<WindowQueries, 'lateSamples' | 'sizeBytes'>): GroupReport {
  return {
    windows: { lateSamples: windows.lateSamples(), bytes: windows.sizeBytes() },
    key: groupKey(group.config), counts: group.counts, intervalSeconds: group.settings.intervalMs / 1000,
    ruleSeconds: group.rules.map(({ health }) => health.evaluationSeconds),
  }
}

const LABEL = 'rule_group'

export class RuleMetrics {
  readonly #groups = new Map<string, GroupReport>()
  readonly #rules: ReturnType<Metrics['summary']>
  readonly #durations: ReturnType<Metrics['summary']>
  #windows = { lateSamples: 0, bytes: 0 }
  /** Of rules' threads that have ended. */
  #lateBefore = 0
  #expansions = 0
  #expansionFailures = 0

  constructor(metrics: Metrics) {
    const totals = (name: string, help: string, read: (counts: GroupCounts) => number): void =>
      metrics.totals(`prometheus_rule_${name}`, help, LABEL, () => Array.from(this.#groups.values(), ({ key, counts }) => [key, read(counts)] as const))
    const gauge = (name: string, help: string, read: (report: GroupReport) => number): Gauge<'rule_group'> =>
      metrics.gauge(`prometheus_rule_${name}`, help, [LABEL], (own) => {
        own.reset()
        for (const report of this.#groups.values()) own.labels(report.key).set(read(report))
      })
    totals('evaluations_total', 'The total number of rule evaluations.', ({ evaluations }) => evaluations)
    totals('evaluation_failures_total', 'The total number of rule evaluation failures.', ({ failures }) => failures)
    totals('group_iterations_total', 'The total number of scheduled rule group evaluations, whether executed or missed.', ({ iterations }) => iterations)
    totals('group_iterations_missed_total', 'The total number of rule group evaluations missed due to slow rule group evaluation.', ({ missed }) => missed)
    gauge('group_interval_seconds', 'The interval of a rule group.', ({ intervalSeconds }) => intervalSeconds)
    gauge('group_last_evaluation_timestamp_seconds', 'The timestamp of the last rule group evaluation in seconds.', ({ counts }) => counts.lastAtMs / 1000)
    gauge('group_last_duration_seconds', 'The duration of the last rule group evaluation.', ({ counts }) => counts.lastSeconds)
    gauge('group_last_rule_duration_sum_seconds', 'The sum of time in seconds it took to evaluate each rule in the group.', ({ counts }) => counts.lastRuleSeconds)
    gauge('group_last_restore_duration_seconds', 'The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.', ({ counts }) => counts.lastRestoreSeconds)
    gauge('group_rules', 'The number of rules.', ({ ruleSeconds }) => ruleSeconds.length)
    gauge('group_last_evaluation_samples', 'The number of samples returned during the last rule group evaluation.', ({ counts }) => counts.lastSamples)
    this.#rules = metrics.summary('prometheus_rule_evaluation_duration_seconds', 'The duration for a rule to execute.', [0.5, 0.9, 0.99], '')
    this.#durations = metrics.summary('prometheus_rule_group_duration_seconds', 'The duration of rule group evaluations.', [0.01, 0.05, 0.5, 0.9, 0.99], '')
    metrics.total('monitor_rule_late_samples_total', 'Samples of windows of rules that came when the evaluation they belong to was over; query_offset is how late they may come.', () => this.#lateBefore + this.#windows.lateSamples)
    metrics.gauge('monitor_rule_window_bytes', 'Memory of samples and windows that rules keep from evaluation to evaluation.', [], (own) => own.set(this.#windows.bytes))
    metrics.total('prometheus_template_text_expansions_total', 'The total number of template text expansions.', () => this.#expansions)
    metrics.total('prometheus_template_text_expansion_failures_total', 'The total number of template text expansion failures.', () => this.#expansionFailures)
  }

  /** The groups there are from now on, evaluated already or not. */
  setGroups(reports: readonly GroupReport[]): void {
    this.#groups.clear()
    for (const report of reports) this.#groups.set(report.key, report)
  }

  /** `atMs`: monotonic. */
  evaluated(report: GroupReport, atMs: number): void {
    this.#groups.set(report.key, report)
    if (report.windows.lateSamples < this.#windows.lateSamples) this.#lateBefore += this.#windows.lateSamples
    this.#windows = report.windows
    for (const seconds of report.ruleSeconds) this.#rules.observe('', seconds, atMs)
    this.#durations.observe('', report.counts.lastSeconds, atMs)
  }

  expanded(isGood: boolean): void {
    this.#expansions++
    if (!isGood) this.#expansionFailures++
  }
}
