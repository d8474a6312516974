// A recording rule: the elements of its expression under a new name and more labels. After prometheus rules/recording.go.
import type { RuleConfig } from '../config/rule-config.ts'
import { withHint } from '../model/histogram-arithmetic.ts'
import { HINT_GAUGE, HINT_UNKNOWN, type FloatHistogram } from '../model/histogram.ts'
import { labelsFromMap, labelsToMap, METRIC_NAME } from '../model/labels.ts'
import { RuleQueryError, type QueryFunc } from './rule-query.ts'
import { labelsKey, RuleError, RuleHealth, ruleIdentity, type RuleRow } from './rule.ts'

export class RecordingRule {
  readonly config: RuleConfig
  readonly identity: string
  /** As the API shows it. */
  readonly printed: string
  readonly health: RuleHealth = new RuleHealth()
  /** Of the last evaluation, where that gave one series; null: it did not. */
  lastValue: number | null = null

  constructor(config: RuleConfig, printed: string) {
    this.config = config
    this.identity = ruleIdentity(config)
    this.printed = printed
  }

  /** `queryMs`: where the query looks; the rows are of that time. Throws RuleError. */
  evaluate(queryMs: number, query: QueryFunc, limit: number): RuleRow[] {
    const { name, labels, expr } = this.config
    this.lastValue = null
    const rows = ask(query, expr, queryMs).map((element) => {
      const all = new Map([...labelsToMap(element.labels), [METRIC_NAME, name] as const, ...labels])
      return { ...element, labels: labelsFromMap(all), histogram: element.histogram && withComputedHint(element.histogram) }
    })
    if (new Set(rows.map((row) => labelsKey(row.labels))).size < rows.length) {
      throw new RuleError('vector contains metrics with the same labelset after applying rule labels')
    }
    if (limit > 0 && rows.length > limit) throw new RuleError(`exceeded limit of ${limit} with ${rows.length} series`)
    if (rows.length === 1) this.lastValue = rows[0]!.value
    return rows
  }
}

/** What was computed is stored without a hint, but for gauges: that a counter was reset is found in the counts. */
function withComputedHint(histogram: FloatHistogram): FloatHistogram {
  return histogram.hint === HINT_GAUGE ? histogram : withHint(histogram, HINT_UNKNOWN)
}

/** The query's elements. Throws RuleError. */
export function ask(query: QueryFunc, expr: string, timeMs: number): ReturnType<QueryFunc> {
  try {
    return query(expr, timeMs)
  } catch (error) {
    if (error instanceof RuleQueryError) throw new RuleError(error.message, { cause: error })
    throw error
  }
}
