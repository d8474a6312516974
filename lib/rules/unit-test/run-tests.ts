// Runs one group of rule tests: loads series, evaluates the rules step by step, looks at the alerts at their times and at the
// expressions in the end. After prometheus cmd/promtool/unittest.go, with its texts.
import { Engine } from '../../../lang/engine.ts'
import type { EngineFeatures } from '../../../lang/parse/ast.ts'
import { SeriesTextError } from '../../../lang/parse/histogram-text.ts'
import { ParseError } from '../../../lang/parse/parse-error.ts'
import { formatDuration } from '../../model/duration.ts'
import type { RuleGroupConfig } from '../../config/rule-config.ts'
import type { Clock } from '../../std/clock.ts'
import { quote } from '../../std/go-format.ts'
import { silentLogger } from '../../std/log.ts'
import { durationText } from '../../template/go-time.ts'
import { AlertingRule } from '../alerting-rule.ts'
import { buildGroup } from '../build-group.ts'
import type { RuleGroup } from '../group.ts'
import { settingsOf } from '../manager.ts'
import { engineQuery, RuleQueryError, type QueryFunc } from '../rule-query.ts'
import { alertDifference, sampleDifference } from './expectations.ts'
import type { AlertTest, TestFile, TestGroup } from './test-file.ts'
import { TestStore } from './test-store.ts'

const TIMEOUT_MS = 100_000
const LOOKBACK_MS = 300_000

export interface TestGround {
  /** Of all rule files, loaded. */
  groups: readonly RuleGroupConfig[]
  features: EngineFeatures
  clock: Clock
  /** Differences of alerts are shown in colours. */
  isDiff: boolean
  /** Is told what the store holds in the end; null: nobody wants that. */
  debug: ((text: string) => void) | null
}

/** What is wrong, a text for each; none where all is as expected. */
export async function runTests(test: TestGroup, file: TestFile, ground: TestGround): Promise<string[]> {
  let store: TestStore
  try {
    store = new TestStore(test.series, test.startMs, test.intervalMs)
  } catch (error) {
    if (error instanceof ParseError || error instanceof SeriesTextError) return [error.message]
    throw error
  }
  try {
    const engine = new Engine({ clock: ground.clock, features: ground.features, subqueryStepMs: file.evaluationIntervalMs })
    const query = engineQuery(engine, store.queryable, { timeoutMs: TIMEOUT_MS, lookbackMs: LOOKBACK_MS })
    return await new TestRun({ test, file, store, query, ground }).run()
  } finally {
    await store.close()
  }
}

interface RunParts {
  test: TestGroup
  file: TestFile
  store: TestStore
  query: QueryFunc
  ground: TestGround
}

class TestRun {
  readonly #parts: RunParts
  readonly #groups: readonly RuleGroup[]
  readonly #faults: string[] = []

  constructor(parts: RunParts) {
    const { test, store, query, ground } = parts
    this.#parts = parts
    const build = (config: RuleGroupConfig): RuleGroup => buildGroup(config, settingsOf(config, { evaluationIntervalMs: test.intervalMs, queryOffsetMs: 0 }), test, {
      ground: {
        query, clock: ground.clock, logger: silentLogger, features: ground.features,
        write: (timeMs, rows) => Promise.resolve(store.write(timeMs, rows)),
      },
      isRestored: true,
    })
    this.#groups = inOrder(ground.groups, parts.file.groupEvalOrder).map(build)
  }

  async run(): Promise<string[]> {
    const { test, file, store, ground } = this.#parts
    const nameless = test.alertTests.find(({ alertName }) => alertName === '')
    if (nameless !== undefined) {
      return [`an item under alert_rule_test misses required attribute alertname at eval_time ${formatDuration(nameless.evalTimeMs)}${test.name === '' ? '' : ` (in TestGroup ${test.name})`}`]
    }
    const untilMs = Math.max(...[...test.alertTests, ...test.exprTests].map(({ evalTimeMs }) => evalTimeMs), 0)
    const alertTests = test.alertTests.toSorted((a, b) => a.evalTimeMs - b.evalTimeMs)
    for (let sinceMs = 0; sinceMs <= untilMs; sinceMs += file.evaluationIntervalMs) {
      store.loadUntil(test.startMs + sinceMs)
      if (!(await this.#evaluate(test.startMs + sinceMs))) return this.#faults
      // A test between two evaluations sees the first of them.
      for (const alertTest of alertTests) {
        if (alertTest.evalTimeMs >= sinceMs && alertTest.evalTimeMs < sinceMs + file.evaluationIntervalMs) this.#checkAlerts(alertTest)
      }
    }
    ground.debug?.(store.dumpText(untilMs))
    this.#checkExpressions()
    return this.#faults
  }

  /** False where a rule fails, which ends the tests. */
  async #evaluate(nowMs: number): Promise<boolean> {
    const before = this.#faults.length
    for (const group of this.#groups) {
      await group.evaluate(nowMs)
      for (const { config, health } of group.rules) {
        if (health.error !== '') this.#faults.push(`    rule: ${config.name}, time: ${durationText(BigInt(nowMs) * 1_000_000n)}, err: ${health.error}`)
      }
    }
    return this.#faults.length === before
  }

  #checkAlerts(alertTest: AlertTest): void {
    const { name } = this.#parts.test
    const rules = this.#groups.flatMap((group) => group.rules).filter((rule) => rule instanceof AlertingRule && rule.config.name === alertTest.alertName)
    const firing = rules.flatMap((rule) => (rule as AlertingRule).activeAlerts()).filter(({ state }) => state === 'firing')
    const difference = alertDifference(alertTest, firing, this.#parts.ground.isDiff)
    if (difference === '') return
    const title = name === '' ? '' : `    name: ${name},\n`
    this.#faults.push(`${title}    alertname: ${alertTest.alertName}, time: ${formatDuration(alertTest.evalTimeMs)}, ${difference}`)
  }

  #checkExpressions(): void {
    const { test, file, query } = this.#parts
    for (const { expr, evalTimeMs, expected } of test.exprTests) {
      const title = `    expr: ${quote(expr)}, time: ${formatDuration(evalTimeMs)},`
      try {
        const difference = sampleDifference(expected, query(expr, test.startMs + evalTimeMs), file.fuzzyCompare)
        if (difference !== '') this.#faults.push(title + difference)
      } catch (error) {
        if (!(error instanceof RuleQueryError)) throw error
        this.#faults.push(`${title} err: ${error.message}`)
      }
    }
  }
}

/** Groups that are not named in `order` come first, as they stand. */
function inOrder(groups: readonly RuleGroupConfig[], order: readonly string[]): RuleGroupConfig[] {
  const place = (name: string): number => Math.max(order.indexOf(name), 0)
  return groups.toSorted((a, b) => place(a.name) - place(b.name))
}
